"""When a bulk will have ended that shares what is limited with others, or is held up by limits, rates and delays."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from jobs.capacity.scopes import GENERATOR, SYSTEM
from jobs.pipelines import CONTENT
from jobs.system import System
from tests.jobs.foretelling import Submit, run, submitted, told
from tests.support.clock import MovableClock

DELAY = timedelta(seconds=5)


@pytest.fixture
def submit(system: System) -> Submit:
    return partial(submitted, system)


@pytest.fixture(autouse=True)
async def worker(system: System) -> None:
    await system.workers.beat("w1", slots=10, version="1", jobs=[])


async def test_the_delay_and_a_parked_generator_are_added(system: System, submit: Submit, clock: MovableClock) -> None:
    bulk_id = await submit(5, delay=DELAY)
    await run(system, clock, 100)
    low, _, basis = await told(system, bulk_id, clock)
    assert basis.endswith("one at a time, 5 s apart")
    parked = {"spaced_until": clock.now() + timedelta(minutes=5)}
    await system.store.collection("limits").update_one({"_id": GENERATOR + CONTENT}, {"$set": parked})
    clock.move(timedelta(seconds=3))
    later, _, _ = await told(system, bulk_id, clock)
    assert later == pytest.approx(low + 292, abs=10)


async def test_a_rate_that_holds_it_up_is_in_it(system: System, submit: Submit, clock: MovableClock) -> None:
    bulk_id = await submit(11, parallelism=10)
    await run(system, clock, 2)
    await system.limits.change({"requests_per_minute": 1})
    low, _, basis = await told(system, bulk_id, clock)
    assert low >= 540
    assert "at most 1 call a minute" in basis


async def test_several_at_once_take_as_many_places_as_there_are(
    system: System, submit: Submit, clock: MovableClock
) -> None:
    bulk_id = await submit(44, parallelism=40)
    await run(system, clock, 100, 100, 100, 100)
    low, high, basis = await told(system, bulk_id, clock)
    assert "10 at once" in basis  # of all workers' slots
    assert 300 < low < high < 1200
    await system.limits.change({"tenant_max_running": 5})
    clock.move(timedelta(seconds=3))
    assert "5 at once" in (await told(system, bulk_id, clock))[2]
    await system.limits.change({"parallel": 0})
    clock.move(timedelta(seconds=3))
    assert "one at a time" in (await told(system, bulk_id, clock))[2]


async def test_bulks_of_its_tenant_that_go_first_hold_it_up(
    system: System, submit: Submit, clock: MovableClock
) -> None:
    await system.limits.change({"max_running": 1})
    first, second = await submit(11), await submit(10)
    await run(system, clock, 100)
    alone, waits = await told(system, first, clock), await told(system, second, clock)
    assert waits[0] > 1.6 * alone[0]
    assert "after 10 articles of the same tenant that go first" in waits[2]
    assert "go first" not in alone[2]


async def test_two_tenants_share_one_place_in_turns(system: System, submit: Submit, clock: MovableClock) -> None:
    await system.limits.change({"max_running": 1})
    mine = await submit(11)
    await run(system, clock, 100)
    alone = await told(system, mine, clock)
    await submit(50, owner="another")
    clock.move(timedelta(seconds=3))
    shared = await told(system, mine, clock)
    assert shared[0] == pytest.approx(2 * alone[0], rel=0.2)
    assert shared[2].endswith("in turns with others")


async def test_the_delay_of_a_system_that_runs_one_at_a_time_is_waited_for(
    system: System, submit: Submit, clock: MovableClock
) -> None:
    await system.limits.change({"max_running": 1})
    bulk_id = await submit(2)
    await run(system, clock, 100)
    low, _, _ = await told(system, bulk_id, clock)
    later = {"spaced_until": clock.now() + timedelta(seconds=60)}
    await system.store.collection("limits").update_one({"_id": SYSTEM}, {"$set": later})
    clock.move(timedelta(seconds=3))
    assert (await told(system, bulk_id, clock))[0] == pytest.approx(low + 57, abs=2)
