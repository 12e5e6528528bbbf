"""Why a bulk waits: always the first reason for which a claim would find nothing in it, and none where one would."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from jobs.capacity.scopes import GENERATOR, SYSTEM, TENANT
from jobs.clock import NEVER
from jobs.controls import Pause
from jobs.documents import Budget, BulkId, BulkRequest, FailurePolicy
from jobs.outcomes import Completed, Retry
from jobs.pipelines import CONTENT
from jobs.reading.waiting import HeldUp
from jobs.system import Rules, System, assemble
from tests.jobs.conftest import OWNER
from tests.jobs.test_queue import claimed
from tests.support.clock import MovableClock

DONE = Completed("text", {})
Submit = Callable[..., Awaitable[BulkId]]


@pytest.fixture
def submit(system: System) -> Submit:
    """Bulks of normal priority whose jobs follow each other at once."""

    async def submitted(count: int = 3, *, owner: str = OWNER, **fields: Any) -> BulkId:
        items = [{"topic": f"Topic {number}"} for number in range(1, count + 1)]
        given = {"items": items, "delay": timedelta(0), "priority": 2.0, **fields}
        return (await system.creation.create(owner, BulkRequest(mode="topic", **given))).bulk_id

    return submitted


@pytest.fixture(autouse=True)
async def worker(system: System) -> None:
    """One is alive, and has slots for ten."""
    await system.workers.beat("w1", slots=10, version="1", jobs=[])


async def of_bulk(system: System, bulk_id: BulkId, owner: str = OWNER) -> HeldUp | None:
    return await system.waiting.of_bulk(await system.lookup.bulk(owner, bulk_id))


async def why(system: System, bulk_id: BulkId, owner: str = OWNER) -> tuple[str, str]:
    """What holds it up; and a claim finds nothing in it."""
    held_up = await of_bulk(system, bulk_id, owner)
    assert held_up is not None
    found = await system.queue.claim("w1")
    assert found is None or found.bulk_id != bulk_id, held_up
    return held_up.code.value, held_up.text


async def why_jobs(system: System, bulk_id: BulkId) -> list[str | None]:
    bulk = await system.lookup.bulk(OWNER, bulk_id)
    held_up = await system.waiting.of_bulk(bulk)
    reasons = [system.waiting.of_job(bulk, held_up, job) for job in await system.lookup.jobs_of(bulk, 100)]
    return [reason.code.value if reason else None for reason in reasons]


async def scope(system: System, scope_id: str, **fields: Any) -> None:
    await system.store.collection("limits").update_one({"_id": scope_id}, {"$set": fields})


def told(clock: MovableClock, later: timedelta) -> str:
    return f"{clock.now() + later:%Y-%m-%d %H:%M:%S} UTC"


async def test_what_may_start_waits_for_nothing(system: System, submit: Submit) -> None:
    assert await of_bulk(system, bulk_id := await submit()) is None
    assert await why_jobs(system, bulk_id) == [None, None, None]
    assert (await claimed(system)).bulk_id == bulk_id


async def test_a_bulk_that_runs_at_its_parallelism_waits_for_nothing_but_its_other_jobs_do(
    system: System, submit: Submit
) -> None:
    bulk_id = await submit(4, parallelism=2)
    for _ in range(2):
        await claimed(system)
    assert await of_bulk(system, bulk_id) is None
    assert await why_jobs(system, bulk_id) == [None, None, "busy", "busy"]


async def test_a_bulk_that_is_over_waits_for_nothing(system: System, submit: Submit) -> None:
    done, cancelled = await submit(1), await submit(2)
    await system.queue.finish(await claimed(system), DONE)
    await system.controls.cancel(OWNER, cancelled)
    assert [await of_bulk(system, bulk_id) for bulk_id in (done, cancelled)] == [None, None]
    assert await why_jobs(system, cancelled) == [None, None]


async def test_a_pause_tells_by_whom_why_and_until_when(system: System, submit: Submit, clock: MovableClock) -> None:
    bulk_id = await submit()
    hour = timedelta(hours=1)
    await system.controls.pause(OWNER, bulk_id, Pause(reason="lunch", until=clock.now() + hour, by="ann"))
    assert await why(system, bulk_id) == ("paused", f"Paused by ann: lunch (until {told(clock, hour)})")
    assert await why_jobs(system, bulk_id) == ["paused"] * 3


async def test_a_control_that_is_being_carried_out_comes_first(system: System, submit: Submit) -> None:
    bulk_id = await submit()
    half_done = {"$set": {"intent": {"id": "i", "kind": "retry", "at": NEVER, "job_ids": []}}}
    await system.store.collection("bulk_jobs").update_one({"_id": bulk_id}, half_done)
    assert (await why(system, bulk_id))[0] == "control"


async def test_a_job_in_backoff_says_when_it_is_tried_again(
    system: System, submit: Submit, clock: MovableClock
) -> None:
    bulk_id = await submit(1)
    later = timedelta(seconds=5)
    await system.queue.finish(await claimed(system), Retry("busy", later, counted=True, definite=False))
    assert await system.queue.claim("w1") is None
    assert await why(system, bulk_id) == ("backoff", f"Its next job is tried again at {told(clock, later)}")
    assert await why_jobs(system, bulk_id) == ["backoff"]
    clock.move(later)
    assert await of_bulk(system, bulk_id) is None


async def test_one_job_in_backoff_holds_up_no_other(system: System, submit: Submit) -> None:
    bulk_id = await submit(2)
    await system.queue.finish(await claimed(system), Retry("busy", timedelta(5), counted=True, definite=False))
    assert await of_bulk(system, bulk_id) is None
    assert await why_jobs(system, bulk_id) == ["backoff", None]


async def test_a_job_that_waits_for_its_twin_says_so(system: System, submit: Submit) -> None:
    like = [{"topic": "tea", "dedupe": True}]
    first, second = await submit(items=like), await submit(items=like)
    assert (await claimed(system)).bulk_id == first
    assert await system.queue.claim("w1") is None
    assert await why_jobs(system, second) == ["dedupe"]


async def test_the_delay_after_a_jobs_end_is_told(system: System, submit: Submit, clock: MovableClock) -> None:
    later = timedelta(seconds=5)
    bulk_id = await submit(delay=later, parallelism=2, stagger=timedelta(milliseconds=150))
    await system.queue.finish(await claimed(system), DONE)
    assert await why(system, bulk_id) == ("delay", f"The delay after a job's end lasts until {told(clock, later)}")


async def test_the_starts_of_a_parallel_bulk_are_apart(system: System, submit: Submit) -> None:
    bulk_id = await submit(parallelism=2, stagger=timedelta(milliseconds=150))
    await claimed(system)
    assert await why(system, bulk_id) == ("stagger", "Its jobs start 150 ms apart")


async def test_a_canary_lets_no_more_start_and_then_the_bulk_pauses_itself(system: System, submit: Submit) -> None:
    bulk_id = await submit(4, parallelism=3, failure_policy=FailurePolicy(canary=2))
    claims = [await claimed(system) for _ in range(2)]
    assert await system.queue.claim("w1") is None
    said = "The first 2 jobs go ahead as a trial; then the bulk job pauses itself"
    assert await why(system, bulk_id) == ("canary", said)
    assert await why_jobs(system, bulk_id) == [None, None, "canary", "canary"]
    for claim in claims:
        await system.queue.finish(claim, DONE)
    said = "Paused itself: the first 2 jobs have ended: look at them, then resume"
    assert await why(system, bulk_id) == ("paused", said)


async def test_a_budget_that_running_jobs_have_set_aside_holds_up_the_others(system: System, submit: Submit) -> None:
    bulk_id = await submit(parallelism=2, budget=Budget(1.5, 1.0))
    await claimed(system)
    assert await why(system, bulk_id) == ("budget", "0.50 of its budget of 1.50 is left, and a job may cost 1.00")


async def test_parallel_running_that_is_off_holds_up_the_second_job_alone(system: System, submit: Submit) -> None:
    bulk_id = await submit(parallelism=2)
    await claimed(system)
    assert await of_bulk(system, bulk_id) is None
    await system.limits.change({"parallel": 0})
    await system.workers.leave("w1")
    assert (await why(system, bulk_id))[0] == "parallel_off"


async def test_what_this_process_allows_in_parallel_counts_too(system: System, submit: Submit) -> None:
    bulk_id = await submit(parallelism=2)
    await claimed(system)
    careful = assemble(system.store, system.clock, Rules(parallel=0))
    assert (await why(careful, bulk_id))[0] == "parallel_off"


async def test_without_a_live_worker_no_limit_matters(system: System, submit: Submit, clock: MovableClock) -> None:
    await system.limits.change({"max_running": 1})
    await submit()
    await claimed(system)
    bulk_id = await submit()
    assert (await why(system, bulk_id))[0] == "system_limit"
    clock.move(timedelta(minutes=1))
    assert await why(system, bulk_id) == ("no_worker", "No worker is alive")


async def test_the_systems_limit_tells_how_many_run_and_how_many_go_first(system: System, submit: Submit) -> None:
    await system.limits.change({"max_running": 1})
    first, second = await submit(), await submit()
    assert (await claimed(system)).bulk_id == first
    said = "1 job runs, as many as the whole system may run at once (1)"
    assert await why(system, second) == ("system_limit", f"{said}; 1 bulk job of the same tenant goes first")
    assert (await why(system, await submit(priority=3.0)))[1] == said


async def test_with_a_cap_of_one_the_delay_holds_up_everybody(
    system: System, submit: Submit, clock: MovableClock
) -> None:
    await system.limits.change({"max_running": 1})
    await submit(1, delay=timedelta(seconds=5))
    await system.queue.finish(await claimed(system), DONE)
    until = told(clock, timedelta(seconds=5))
    said = f"The delay after a job's end, for the whole system, lasts until {until}"
    assert await why(system, await submit()) == ("delay", said)


@pytest.mark.parametrize(
    ("scope_id", "said"),
    [
        (SYSTEM, "The day's budget of the whole system is used; it begins anew at "),
        (TENANT + OWNER, f"4.50 of the day's budget of 5.00 of tenant {OWNER} is used; it begins anew at "),
    ],
)
async def test_a_days_budget_that_has_no_room_for_a_job_is_told_and_a_tenants_own_with_its_figure(
    system: System, submit: Submit, scope_id: str, said: str
) -> None:
    await system.limits.change({"cost_per_day" if scope_id == SYSTEM else "tenant_cost_per_day": 5})
    await submit(1)
    await claimed(system)
    bulk_id = await submit(cost_per_job=1.0)
    await scope(system, scope_id, committed=4.5)
    code, text = await why(system, bulk_id)
    assert (code, text.startswith(said)) == ("budget", True)


async def test_a_tenants_limit_holds_up_that_tenant_alone(system: System, submit: Submit) -> None:
    await system.limits.change({"tenant_max_running": 1})
    await submit(1)
    await claimed(system)
    mine, theirs = await submit(), await submit(owner="other")
    said = f"1 job of tenant {OWNER} runs, as many as it may run at once (1)"
    assert await of_bulk(system, theirs, "other") is None
    assert await why(system, mine) == ("tenant_limit", said)


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("requests_per_minute", "The generator's rate (1 request a minute) is used up until "),
        ("tenant_requests_per_minute", f"The rate of tenant {OWNER} (1 request a minute) is used up until "),
    ],
)
async def test_a_rate_limit_says_when_the_next_call_may_be_made(
    system: System, submit: Submit, clock: MovableClock, limit: str, said: str
) -> None:
    await system.limits.change({limit: 1})
    bulk_id = await submit()
    await system.queue.finish(await claimed(system), DONE)
    assert await why(system, bulk_id) == ("rate_limit", said + told(clock, timedelta(seconds=60.5)))


async def test_a_generator_that_is_parked_or_down_holds_up_everybody(
    system: System, submit: Submit, clock: MovableClock
) -> None:
    bulk_id, of_contents = await submit(), GENERATOR + CONTENT
    await scope(system, of_contents, spaced_until=clock.now() + timedelta(minutes=2))
    until = told(clock, timedelta(minutes=2))
    assert await why(system, bulk_id) == ("generator_parked", f"The generator has asked to be left alone until {until}")
    await scope(system, of_contents, down=True)
    assert await why(system, bulk_id) == ("generator_down", "The generator is down; it is tried again")
    await scope(system, of_contents, down=False, ramp=1, running=1)
    assert await why(system, bulk_id) == ("generator_down", "The generator has just come back")
