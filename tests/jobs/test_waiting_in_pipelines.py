"""Why a bulk of blogs waits: for persons, and for generators that only some of its stages call."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from jobs.capacity.scopes import GENERATOR
from jobs.controls import Pause
from jobs.documents import BulkId, BulkRequest, FailurePolicy
from jobs.outcomes import Awaiting
from jobs.pipelines import BLOG, CONTENT, IDEAS
from jobs.selections import Choice
from jobs.system import System
from tests.jobs.conftest import OWNER
from tests.jobs.test_queue import claimed
from tests.jobs.test_waiting import of_bulk, scope, told, why, why_jobs
from tests.support.clock import MovableClock

ASKS = Awaiting(
    {
        "stage": "selection",
        "hash": "h",
        "options": [{"title": "x"}],
        "recommended": 0,
        "until": None,
        "then": "content-generation",
        "percentage": 40,
    }
)


@pytest.fixture(autouse=True)
async def worker(system: System) -> None:
    await system.workers.beat("w1", slots=10, version="1", jobs=[])


async def blogs(system: System, count: int = 2, **fields: Any) -> BulkId:
    items = [{"topic": f"Topic {number}"} for number in range(1, count + 1)]
    given = {"items": items, "delay": timedelta(0), "pipeline": BLOG, **fields}
    return (await system.creation.create(OWNER, BulkRequest(mode="topic", **given))).bulk_id


async def ask(system: System, times: int) -> None:
    for _ in range(times):
        await system.queue.finish(await claimed(system), ASKS)


async def test_a_bulk_whose_jobs_all_ask_waits_for_a_person(system: System) -> None:
    bulk_id = await blogs(system)
    await ask(system, 1)
    assert await of_bulk(system, bulk_id) is None
    await ask(system, 1)
    assert await system.queue.claim("w1") is None
    assert await why(system, bulk_id) == ("selection", "2 jobs wait for a person to choose")
    assert await why_jobs(system, bulk_id) == [None, None]


async def test_with_one_choice_made_it_waits_no_longer(system: System) -> None:
    bulk_id = await blogs(system)
    await ask(system, 2)
    assert await system.queue.claim("w1") is None
    waiting = await system.store.collection("generation_jobs").find({}, sort=[("queue_position", 1)])
    await system.selections.choose(OWNER, waiting[0]["_id"], Choice("person", 0))
    assert await of_bulk(system, bulk_id) is None
    claim = await claimed(system)
    assert claim.job_id == waiting[0]["_id"]
    assert await of_bulk(system, bulk_id) is None
    await system.selections.choose(OWNER, waiting[1]["_id"], Choice("person", 0))
    assert await why_jobs(system, bulk_id) == [None, "busy"]


async def test_one_that_is_paused_or_a_trial_says_what_has_to_come_first(system: System) -> None:
    trial = await blogs(system, 3, failure_policy=FailurePolicy(canary=1))
    await ask(system, 1)
    assert await system.queue.claim("w1") is None
    assert await why(system, trial) == ("selection", "1 job waits for a person to choose")
    assert await why_jobs(system, trial) == [None, "canary", "canary"]
    await system.controls.pause(OWNER, trial, Pause())
    assert (await why(system, trial))[0] == "paused"


async def test_a_generator_of_ideas_that_is_down_is_named(system: System) -> None:
    bulk_id = await blogs(system)
    await scope(system, GENERATOR + IDEAS, down=True, rules=2)
    for _ in range(2):  # also once a claim has met it, and made the bulk wait for a moment
        assert await why(system, bulk_id) == ("generator_down", "The generator of ideas is down; it is tried again")
        assert await why_jobs(system, bulk_id) == ["generator_down"] * 2


async def test_a_generator_of_ideas_that_asks_for_quiet_or_has_no_rate_left_is_named(
    system: System, clock: MovableClock
) -> None:
    bulk_id = await blogs(system)
    later = timedelta(minutes=5)
    await scope(system, GENERATOR + IDEAS, spaced_until=clock.now() + later)
    parked = f"The generator of ideas has asked to be left alone until {told(clock, later)}"
    assert await why(system, bulk_id) == ("generator_parked", parked)
    await scope(system, GENERATOR + IDEAS, spaced_until=clock.now(), pace=1, recent=[clock.now()])
    until = told(clock, timedelta(seconds=60.5))
    used = f"The rate of the generator of ideas (1 request a minute) is used up until {until}"
    assert await why(system, bulk_id) == ("rate_limit", used)


async def test_a_job_that_is_past_its_ideas_does_not_wait_for_their_generator(system: System) -> None:
    bulk_id = await blogs(system, 1)
    await ask(system, 1)
    await scope(system, GENERATOR + IDEAS, down=True, rules=2)
    job = await system.store.collection("generation_jobs").find_one({})
    assert job is not None
    await system.selections.choose(OWNER, job["_id"], Choice("person", 0))
    assert await of_bulk(system, bulk_id) is None
    await scope(system, GENERATOR + CONTENT, down=True, rules=2)
    assert await why(system, bulk_id) == ("generator_down", "The generator is down; it is tried again")


async def test_a_delay_is_told_as_one_while_the_generators_are_well(system: System, clock: MovableClock) -> None:
    bulk_id = await blogs(system, delay=timedelta(seconds=7))
    await ask(system, 1)
    until = told(clock, timedelta(seconds=7))
    assert await why(system, bulk_id) == ("delay", f"The delay after a job's end lasts until {until}")
