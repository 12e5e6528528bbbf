"""Firing: one bulk a firing, what was missed, and what is refused."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from jobs.callers.user_limits import UserLimits
from jobs.errors import Busy, Fault, InvalidInput, NotFound, StoreUnavailable, TooManyOpenBulks
from jobs.indexes import INDEXES
from jobs.scheduling.firing import LEASE, TRIED_EVERY, TRIED_FOR
from jobs.scheduling.firing_log import Outcome, Why
from jobs.scheduling.firing_steps import FAILURES_IN_A_ROW, IN_TIME
from jobs.scheduling.schedules import Missed, ScheduleState
from jobs.storage.store import Store
from jobs.system import Rules, System, assemble
from tests.jobs.scheduling import DAILY, HOURLY, OWNER, Judge, bulks, due, log_of, plan
from tests.support.clock import MovableClock
from tests.support.faulty_store import FaultyStore

A_DAY = timedelta(days=1)
WRONG = InvalidInput("The request is not valid.", (Fault("items", "is required"),))


async def test_a_schedule_fires_at_its_time_and_not_before(system: System, clock: MovableClock) -> None:
    schedule = await system.schedules.keep(OWNER, plan())
    assert schedule.next_at is not None
    clock.move(schedule.next_at - clock.now() - timedelta(milliseconds=1))
    assert await system.schedule_firing.fire_due(Judge()) == []
    clock.move(timedelta(milliseconds=1))
    judge = Judge()
    [firing] = await system.schedule_firing.fire_due(judge)
    assert judge.asked == [schedule.next_at]
    assert [firing.bulk_id] == await bulks(system)
    assert (firing.outcome, firing.why, firing.planned_at) == (Outcome.FIRED, Why.TIME, schedule.next_at)
    assert (firing.total_items, firing.passed_over, firing.text) == (2, 0, None)
    assert await log_of(system, schedule) == [firing]
    assert (await system.schedules.find(OWNER, schedule.id)).next_at == schedule.next_at + A_DAY
    assert await system.schedule_firing.fire_due(judge) == []


async def test_of_many_workers_at_once_one_fires(system: System, clock: MovableClock) -> None:
    schedules = [await system.schedules.keep(OWNER, plan()) for _ in range(3)]
    clock.move(A_DAY)
    ended = await asyncio.gather(*(system.schedule_firing.fire_due(Judge()) for _ in range(6)))
    assert len([firing for of_one in ended for firing in of_one]) == 3
    assert len(await bulks(system)) == 3
    assert [len(await log_of(system, schedule)) for schedule in schedules] == [1, 1, 1]


async def test_what_was_missed_is_made_up_by_one(system: System, clock: MovableClock) -> None:
    schedule = await due(system, clock, cron=HOURLY)
    assert schedule.next_at is not None
    clock.move(timedelta(hours=5))
    [firing] = await system.schedule_firing.fire_due(Judge())
    assert (firing.outcome, firing.planned_at) == (Outcome.FIRED, schedule.next_at + timedelta(hours=5))
    assert firing.passed_over == 5
    assert await system.schedule_firing.fire_due(Judge()) == []
    assert len(await bulks(system)) == 1


async def test_what_was_missed_is_skipped_and_told_of(system: System, clock: MovableClock) -> None:
    schedule = await due(system, clock, cron=HOURLY, missed=Missed.SKIP)
    clock.move(timedelta(hours=5) + IN_TIME)
    [firing] = await system.schedule_firing.fire_due(judge := Judge())
    assert (firing.outcome, firing.passed_over, firing.bulk_id) == (Outcome.SKIPPED, 5, None)
    assert firing.text == "No worker was there in time, and the schedule skips what was missed."
    assert (judge.asked, await bulks(system)) == ([], [])
    assert await log_of(system, schedule) == [firing]
    assert (await system.schedules.find(OWNER, schedule.id)).next_at == firing.planned_at + timedelta(hours=1)


async def test_one_that_is_a_little_late_is_not_missed(system: System, clock: MovableClock) -> None:
    await due(system, clock, cron=HOURLY, missed=Missed.SKIP)
    clock.move(timedelta(hours=5) + IN_TIME - timedelta(seconds=2))
    [firing] = await system.schedule_firing.fire_due(Judge())
    assert (firing.outcome, firing.passed_over) == (Outcome.FIRED, 5)


async def test_years_of_missed_minutes_are_not_counted_to_the_end(system: System, clock: MovableClock) -> None:
    await due(system, clock, cron="* * * * *")
    clock.move(timedelta(days=700))
    [firing] = await system.schedule_firing.fire_due(Judge())
    assert (firing.outcome, firing.passed_over) == (Outcome.FIRED, 999)
    assert await system.schedule_firing.fire_due(Judge()) == []
    assert len(await bulks(system)) == 1


@pytest.mark.parametrize("refusal", [WRONG, NotFound("template")], ids=["invalid", "gone"])
async def test_what_is_wrong_with_a_request_is_kept_and_the_schedule_goes_on(
    system: System, clock: MovableClock, refusal: InvalidInput | NotFound
) -> None:
    schedule = await due(system, clock)
    [firing] = await system.schedule_firing.fire_due(Judge(refusal))
    said = "There is no such template."
    assert firing.text == ("The request is not valid. items: is required" if refusal is WRONG else said)
    assert (firing.outcome, firing.bulk_id) == (Outcome.FAILED, None)
    assert await log_of(system, schedule) == [firing]
    clock.move(A_DAY)
    [second] = await system.schedule_firing.fire_due(Judge())
    assert second.outcome is Outcome.FIRED


async def test_five_failures_in_a_row_pause_it_and_its_owner_resumes(system: System, clock: MovableClock) -> None:
    schedule = await due(system, clock)
    for number in range(1, FAILURES_IN_A_ROW + 1):
        assert (await system.schedules.find(OWNER, schedule.id)).state is ScheduleState.ACTIVE, number
        await system.schedule_firing.fire_due(Judge(WRONG))
        clock.move(A_DAY)
    paused = await system.schedules.find(OWNER, schedule.id)
    assert (paused.state, paused.next_at) == (ScheduleState.PAUSED, None)
    assert paused.pause_reason == "5 firings in a row have failed: see what was wrong, mend it, and resume."
    assert await system.schedule_firing.fire_due(Judge()) == []
    resumed = await system.schedules.resume(OWNER, schedule.id)
    assert (resumed.state, resumed.pause_reason) == (ScheduleState.ACTIVE, None)
    clock.move(A_DAY)
    await system.schedule_firing.fire_due(Judge(WRONG))
    assert (await system.schedules.find(OWNER, schedule.id)).state is ScheduleState.ACTIVE


async def test_a_limit_of_its_owner_has_it_wait_until_there_is_room(store: Store, clock: MovableClock) -> None:
    await store.create_indexes(INDEXES)
    system = assemble(store, clock, Rules(user=UserLimits(open_bulks=1)))
    await system.creation.create(OWNER, await Judge()(await due(system, clock), clock.now()))
    clock.move(timedelta(minutes=2))
    assert await system.schedule_firing.fire_due(Judge()) == []
    clock.move(TRIED_EVERY / 2)
    assert await system.schedule_firing.fire_due(judge := Judge()) == []
    assert judge.asked == []
    [open_bulk] = await bulks(system)
    await system.controls.cancel(OWNER, open_bulk)
    clock.move(TRIED_EVERY)
    [firing] = await system.schedule_firing.fire_due(Judge())
    assert firing.outcome is Outcome.FIRED


@pytest.mark.parametrize(("cron", "within"), [(DAILY, TRIED_FOR), ("*/5 * * * *", timedelta(minutes=5))])
async def test_it_does_not_wait_for_ever_nor_beyond_the_next(
    system: System, clock: MovableClock, cron: str, within: timedelta
) -> None:
    schedule = await due(system, clock, cron=cron)
    judge, tries = Judge(*[TooManyOpenBulks(5, 5)] * 100), 0
    while not (ended := await system.schedule_firing.fire_due(judge)):
        tries += 1
        clock.move(TRIED_EVERY)
    assert tries == within / TRIED_EVERY - (1 if cron != DAILY else 0)
    assert ended[0].outcome is Outcome.FAILED
    assert ended[0].text == "No more than 5 open bulk jobs are allowed, and you have 5: let some end, or cancel them."
    assert await log_of(system, schedule) == ended


async def test_by_hand_it_fires_at_once_also_while_it_is_paused(system: System, clock: MovableClock) -> None:
    schedule = await system.schedules.keep(OWNER, plan())
    by_hand = await system.schedule_firing.fire_by_hand(OWNER, schedule.id, Judge())
    assert (by_hand.why, by_hand.outcome, by_hand.planned_at) == (Why.HAND, Outcome.FIRED, clock.now())
    assert (await system.schedules.find(OWNER, schedule.id)).next_at == schedule.next_at
    await system.schedules.pause(OWNER, schedule.id)
    clock.move(timedelta(seconds=1))
    second = await system.schedule_firing.fire_by_hand(OWNER, schedule.id, Judge())
    assert (await system.schedules.find(OWNER, schedule.id)).state is ScheduleState.PAUSED
    assert await log_of(system, schedule) == [second, by_hand]
    assert len(await bulks(system)) == 2


async def test_what_is_refused_by_hand_is_kept_and_counts_for_nothing(system: System) -> None:
    schedule = await system.schedules.keep(OWNER, plan())
    for _ in range(FAILURES_IN_A_ROW):
        with pytest.raises(InvalidInput):
            await system.schedule_firing.fire_by_hand(OWNER, schedule.id, Judge(WRONG))
    assert {firing.outcome for firing in await log_of(system, schedule)} == {Outcome.FAILED}
    assert (await system.schedules.find(OWNER, schedule.id)).state is ScheduleState.ACTIVE


async def test_two_by_hand_at_once_are_one(system: System) -> None:
    schedule = await system.schedules.keep(OWNER, plan())
    fire = system.schedule_firing.fire_by_hand
    asked = [fire(OWNER, schedule.id, Judge()) for _ in range(4)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    made = [one for one in answers if not isinstance(one, BaseException)]
    assert all(isinstance(one, Busy) for one in answers if isinstance(one, BaseException))
    assert 1 <= len(made) == len(await bulks(system))


async def test_whoever_pauses_a_schedule_while_it_fires_finds_it_paused(store: Store, clock: MovableClock) -> None:
    faulty = FaultyStore(store)
    await store.create_indexes(INDEXES)
    system, owners = assemble(faulty, clock, Rules()), assemble(store, clock, Rules())
    schedule = await due(system, clock)
    faulty.break_before("creations", "insert_one")
    with pytest.raises(StoreUnavailable):
        await system.schedule_firing.fire_due(Judge())
    await owners.schedules.pause(OWNER, schedule.id)
    clock.move(LEASE)
    [firing] = await system.schedule_firing.fire_due(Judge())
    assert firing.outcome is Outcome.FIRED
    after = await system.schedules.find(OWNER, schedule.id)
    assert (after.state, after.next_at) == (ScheduleState.PAUSED, None)
    clock.move(A_DAY)
    assert await system.schedule_firing.fire_due(Judge()) == []
    assert len(await bulks(system)) == 1


async def test_the_key_of_a_firing_outlives_a_long_outage(system: System, clock: MovableClock) -> None:
    """All workers may be down between the bulk and its record."""
    await due(system, clock)
    await system.schedule_firing.fire_due(Judge())
    [creation] = await system.store.collection("creations").find({})
    assert creation["expires_at"] - clock.now() == timedelta(days=90)
