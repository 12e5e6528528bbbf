"""The upkeep of schedules in a worker: what is due is fired, told in the log, and an outage is no end of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jobs.errors import NotFound
from jobs.system import System
from tests.jobs.scheduling import OWNER, Judge, bulks, due
from tests.support.clock import MovableClock
from tests.support.faulty_store import FaultyStore
from tests.worker.conftest import Logged, events
from tests.worker.working import LEASE
from worker.metrics import Metrics
from worker.scheduler import Scheduler


def scheduler(system: System, judge: Judge, metrics: Metrics | None = None) -> Scheduler:
    return Scheduler(system.schedule_firing, judge, system.sweep.outage, metrics or Metrics())


async def test_what_is_due_is_fired_and_told(system: System, clock: MovableClock, logged: Logged) -> None:
    await due(system, clock)
    await scheduler(system, Judge()).fire_schedules()
    [bulk_id] = await bulks(system)
    [told] = events(logged, "schedule_fired")
    assert (told["outcome"], told["bulk_id"], told["log_level"]) == ("fired", str(bulk_id), "info")


async def test_a_failure_is_a_warning_with_its_reason(system: System, clock: MovableClock, logged: Logged) -> None:
    await due(system, clock)
    await scheduler(system, Judge(NotFound("template"))).fire_schedules()
    [told] = events(logged, "schedule_fired")
    assert (told["reason"], told["log_level"]) == ("There is no such template.", "warning")


async def test_firings_are_counted_by_what_they_came_to(system: System, clock: MovableClock) -> None:
    metrics = Metrics()
    await due(system, clock)
    await due(system, clock)
    await scheduler(system, Judge(NotFound("template")), metrics).fire_schedules()
    outcomes = ("fired", "failed", "skipped")
    told = [
        metrics.registry.get_sample_value("pressrun_schedules_fired_total", {"outcome": outcome})
        for outcome in outcomes
    ]
    assert told == [1, 1, 0]


async def test_what_has_ended_before_an_outage_is_told_all_the_same(
    system: System, clock: MovableClock, faulty: FaultyStore, logged: Logged
) -> None:
    await due(system, clock)
    await due(system, clock)
    faulty.before("firings", "insert_one", lambda: None)
    faulty.break_before("firings", "insert_one")
    await scheduler(system, Judge()).fire_schedules()
    assert len(events(logged, "schedule_fired")) == len(events(logged, "upkeep_database_away")) == 1


async def test_nothing_due_is_one_read(system: System, faulty: FaultyStore) -> None:
    faulty.done.clear()
    await scheduler(system, Judge()).fire_schedules()
    assert faulty.done == {("schedules", "find"): 1}


@pytest.mark.parametrize("operation", ["find", "find_one_and_update"])
async def test_an_outage_is_told_and_the_next_look_goes_on(
    system: System, clock: MovableClock, faulty: FaultyStore, logged: Logged, operation: str
) -> None:
    await due(system, clock)
    look = scheduler(system, Judge())
    faulty.break_after("schedules", operation)
    await look.fire_schedules()
    assert [told["task"] for told in events(logged, "upkeep_database_away")] == ["schedules"]
    assert await bulks(system) == []
    clock.move(LEASE + timedelta(minutes=1))
    await look.fire_schedules()
    assert len(await bulks(system, OWNER)) == 1
