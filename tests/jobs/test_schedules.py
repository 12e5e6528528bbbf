"""Schedules as their owners keep them: their own alone, not too many, changed, paused, resumed, removed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from bson import ObjectId

from jobs.errors import InvalidInput, NotFound, TooMany
from jobs.scheduling.schedules import MOST, Missed, ScheduleId, ScheduleState
from jobs.system import System
from tests.jobs.scheduling import DAILY, HOURLY, OWNER, Judge, bulks, due, log_of, plan
from tests.support.clock import MovableClock


async def test_a_schedule_is_found_again_as_it_was_kept(system: System, clock: MovableClock) -> None:
    wanted = plan("0 6 * * 1", time_zone="Europe/Berlin", missed=Missed.SKIP, run_between=("22:00", "06:00"))
    schedule = await system.schedules.keep(OWNER, wanted, "me@example.org")
    assert schedule.plan == wanted
    assert (schedule.state, schedule.email, schedule.created_at) == (
        ScheduleState.ACTIVE,
        "me@example.org",
        clock.now(),
    )
    assert await system.schedules.find(OWNER, schedule.id) == schedule
    assert await system.schedules.of(OWNER) == [schedule]
    coming = schedule.next_firings()
    assert (len(coming), coming[0]) == (5, schedule.next_at)
    assert list(coming) == sorted(set(coming))


async def test_nobody_elses_schedule_is_there(system: System) -> None:
    theirs = (await system.schedules.keep("other", plan())).id
    for ask in (
        system.schedules.find(OWNER, theirs),
        system.schedules.change(OWNER, theirs, plan(HOURLY), None),
        system.schedules.pause(OWNER, theirs),
        system.schedules.resume(OWNER, theirs),
        system.schedules.remove(OWNER, theirs),
        system.schedule_firing.fire_by_hand(OWNER, theirs, Judge()),
        system.schedules.find(OWNER, ScheduleId(ObjectId())),
    ):
        with pytest.raises(NotFound, match="no such schedule"):
            await ask
    assert await system.schedules.of(OWNER) == []
    assert (await system.schedules.find("other", theirs)).state is ScheduleState.ACTIVE


async def test_what_cannot_be_read_is_not_kept(system: System) -> None:
    with pytest.raises(InvalidInput):
        await system.schedules.keep(OWNER, plan("61 * * * *"))
    schedule = await system.schedules.keep(OWNER, plan())
    with pytest.raises(InvalidInput):
        await system.schedules.change(OWNER, schedule.id, plan(DAILY, time_zone="Nowhere"), None)
    assert await system.schedules.of(OWNER) == [schedule]


async def test_a_hundred_are_all_also_at_the_same_moment(system: System) -> None:
    for _ in range(MOST - 2):
        await system.schedules.keep(OWNER, plan())
    made = await asyncio.gather(*(system.schedules.keep(OWNER, plan()) for _ in range(4)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in made) == ["Schedule", "Schedule", "TooMany", "TooMany"]
    schedules = await system.schedules.of(OWNER)
    assert len(schedules) == MOST
    await system.schedules.remove(OWNER, schedules[0].id)
    await system.schedules.keep(OWNER, plan())
    with pytest.raises(TooMany, match="100 are allowed"):
        await system.schedules.keep(OWNER, plan())


async def test_a_change_of_when_plans_anew_and_any_other_does_not(system: System, clock: MovableClock) -> None:
    schedule = await system.schedules.keep(OWNER, plan(DAILY))
    renamed = await system.schedules.change(OWNER, schedule.id, replace(schedule.plan, name="Milks"), "me@example.org")
    assert (renamed.next_at, renamed.plan.name, renamed.email) == (schedule.next_at, "Milks", "me@example.org")
    hourly = await system.schedules.change(OWNER, schedule.id, plan(HOURLY), None)
    assert hourly.next_at is not None
    assert clock.now() < hourly.next_at <= clock.now() + timedelta(hours=1)


async def test_what_is_due_when_its_rhythm_is_changed_is_fired_still(system: System, clock: MovableClock) -> None:
    schedule = await due(system, clock)
    await system.schedules.change(OWNER, schedule.id, plan(HOURLY), None)
    [firing] = await system.schedule_firing.fire_due(Judge())
    assert firing.planned_at == schedule.next_at
    assert len(await bulks(system)) == 1


async def test_a_pause_makes_up_for_nothing_that_lay_in_it(system: System, clock: MovableClock) -> None:
    schedule = await system.schedules.keep(OWNER, plan(HOURLY))
    paused = await system.schedules.pause(OWNER, schedule.id)
    assert (paused.state, paused.next_at, paused.next_firings()) == (ScheduleState.PAUSED, None, ())
    assert (await system.schedules.pause(OWNER, schedule.id)).state is ScheduleState.PAUSED
    changed = await system.schedules.change(OWNER, schedule.id, plan(DAILY), None)
    assert (changed.state, changed.next_at) == (ScheduleState.PAUSED, None)
    clock.move(timedelta(days=3))
    assert await system.schedule_firing.fire_due(Judge()) == []
    resumed = await system.schedules.resume(OWNER, schedule.id)
    assert await system.schedules.resume(OWNER, schedule.id) == resumed
    assert resumed.next_at is not None
    assert resumed.next_at > clock.now()
    assert await system.schedule_firing.fire_due(Judge()) == []
    assert await bulks(system) == []


async def test_what_is_removed_fires_no_more_and_leaves_its_bulks(system: System, clock: MovableClock) -> None:
    schedule = await due(system, clock)
    await system.schedule_firing.fire_due(Judge())
    await system.schedules.remove(OWNER, schedule.id)
    clock.move(timedelta(days=2))
    assert await system.schedule_firing.fire_due(Judge()) == []
    assert await log_of(system, schedule) == []
    assert len(await bulks(system)) == 1
