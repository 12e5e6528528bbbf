"""The whole system in figures: what waits and runs, for how long, who is served, what is used up."""

from __future__ import annotations

from datetime import timedelta

from jobs.capacity.generators import Health
from jobs.controls import Pause
from jobs.outcomes import Completed, Failed
from jobs.priority import Priority
from jobs.reading.census import LiveState
from jobs.states import JobStatus
from jobs.system import System
from tests.jobs.conftest import OWNER, MakeBulk
from tests.jobs.test_queue import claimed
from tests.support.clock import MovableClock

A_MINUTE = timedelta(minutes=1)


async def test_jobs_are_counted_by_state_and_priority_and_tenants_by_what_runs(
    system: System, make_bulk: MakeBulk
) -> None:
    await make_bulk(3, priority=3.0, tenant="shop")
    await make_bulk(2, priority=1.0, tenant="other")
    figures = await system.census.take()
    assert (figures.jobs[LiveState.QUEUED, Priority.HIGH], figures.jobs[LiveState.QUEUED, Priority.LOW]) == (3, 2)
    assert figures.tenants_served == 0
    claim = await claimed(system)
    figures = await system.census.take()
    assert figures.tenants_served == 1
    assert sum(figures.jobs[LiveState.PROCESSING, one] for one in Priority) == 1
    assert sum(figures.jobs.values()) == 5
    await system.queue.finish(claim, Completed("text", {}))
    figures = await system.census.take()
    assert sum(figures.jobs.values()) == 4
    assert figures.tenants_served == 0


async def test_jobs_that_ask_a_person_are_not_counted_as_waiting(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(3, priority=2.0)
    jobs = system.store.collection("generation_jobs")
    asks = {"status": JobStatus.AWAITING_SELECTION.value}
    await jobs.update_one({"bulk_job_id": bulk_id, "queue_position": 1}, {"$set": asks})
    figures = await system.census.take()
    assert figures.jobs[LiveState.QUEUED, Priority.NORMAL] == 2
    assert figures.jobs[LiveState.AWAITING_SELECTION, Priority.NORMAL] == 1
    await system.controls.pause(OWNER, bulk_id, Pause())
    assert {which: count for which, count in (await system.census.take()).jobs.items() if count} == {
        (LiveState.PAUSED, Priority.NORMAL): 2,
        (LiveState.AWAITING_SELECTION, Priority.NORMAL): 1,
    }


async def test_a_bulk_waits_from_when_it_could_start_a_job_until_it_does(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await make_bulk(2, priority=2.0)
    clock.move(A_MINUTE)
    assert (await system.census.take()).waiting[Priority.NORMAL] == A_MINUTE
    await system.controls.pause(OWNER, bulk_id, Pause())
    assert (await system.census.take()).waiting[Priority.NORMAL] == timedelta(0)
    await system.controls.resume(OWNER, bulk_id)
    await claimed(system)
    assert (await system.census.take()).waiting[Priority.NORMAL] == timedelta(0)


async def test_a_generator_that_is_down_and_what_is_used_of_its_rate_are_told(
    system: System, make_bulk: MakeBulk
) -> None:
    await system.limits.change({"requests_per_minute": 10})
    await make_bulk(2)
    await claimed(system)
    generator = (await system.census.take()).generators["default"]
    assert (generator.is_down, generator.used, generator.limit) == (False, 1, 10)
    for _ in range(3):
        await system.generators.report("default", Health(succeeded=False, down=True))
    figures = await system.census.take()
    assert figures.generators["default"].is_down
    assert figures.generators["ideas"].limit is None


async def test_a_days_budgets_are_told_by_what_is_used_of_them(system: System, make_bulk: MakeBulk) -> None:
    await system.limits.change({"jobs_per_day": 20, "cost_per_day": 2.0, "tenant_jobs_per_day": 10})
    await make_bulk(5, tenant="shop", cost_per_job=0.5)
    await claimed(system)
    told = {(one.scope, one.what): one.ratio for one in (await system.census.take()).budgets}
    assert told == {("system", "jobs"): 0.25, ("system", "cost"): 0.25, ("tenant:shop", "jobs"): 0.5}


async def test_what_was_used_yesterday_is_not_told_today(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    await system.limits.change({"jobs_per_day": 20})
    await make_bulk(5)
    clock.move(timedelta(days=1))
    assert [one.ratio for one in (await system.census.take()).budgets] == [0.0]


async def test_what_is_not_told_yet_and_who_lives_is_counted(system: System, make_bulk: MakeBulk) -> None:
    await make_bulk(1)
    await system.queue.finish(await claimed(system), Failed("no", definite=True))
    await system.workers.beat("w1", slots=1, version="1", jobs=[])
    figures = await system.census.take()
    assert figures.untold == 2  # the job has failed, and with it the bulk has ended
    assert figures.workers == 1
    assert figures.notices_pending == 0
