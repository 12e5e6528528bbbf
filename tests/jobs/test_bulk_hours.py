"""Bulks that run between two times of the day: paused outside of them, resumed by themselves, and persons go first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jobs.chores import Chore
from jobs.controls import Pause
from jobs.day_hours import DayHours, read_hours, read_zone
from jobs.documents import BulkId, RunBetween
from jobs.states import BulkStatus
from jobs.storage.store import Document
from jobs.system import System
from tests.jobs.conftest import OWNER, MakeBulk
from tests.jobs.scheduling import HOURLY, Judge, due, log_of
from tests.support.clock import MovableClock

NIGHT = RunBetween("22:00", "06:00", "UTC")
SECOND = timedelta(seconds=1)


def until(clock: MovableClock, hour: int) -> None:
    """To the next time that it is that hour, in UTC."""
    now = clock.now()
    then = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    clock.move((then if then > now else then + timedelta(days=1)) - now)


async def bulk_of(system: System, bulk_id: BulkId) -> Document:
    return await system.lookup.bulk(OWNER, bulk_id)


async def swept(system: System) -> set[Chore]:
    """What of this a worker's sweep does, and what it found to be due."""
    found = await system.chores.due()
    await system.bulk_hours.close_due()
    await system.controls.resume_due()
    return found


async def test_outside_of_its_hours_a_bulk_begins_paused_and_resumes_by_itself(
    system: System, clock: MovableClock, make_bulk: MakeBulk
) -> None:
    until(clock, 12)
    bulk_id = await make_bulk(run_between=NIGHT)
    bulk = await bulk_of(system, bulk_id)
    assert bulk["status"] == BulkStatus.PAUSED
    assert await system.queue.claim("worker") is None
    held_up = await system.waiting.of_bulk(bulk)
    assert held_up is not None
    assert held_up.text.startswith("Paused itself: It runs between 22:00 and 06:00 in UTC (until ")
    until(clock, 22)
    assert Chore.PAUSES in await swept(system)
    assert (await bulk_of(system, bulk_id))["status"] == BulkStatus.QUEUED
    assert await system.queue.claim("worker") is not None


async def test_when_its_hours_are_over_what_runs_ends_and_nothing_starts(
    system: System, clock: MovableClock, make_bulk: MakeBulk
) -> None:
    until(clock, 23)
    bulk_id = await make_bulk(run_between=NIGHT)
    assert (await bulk_of(system, bulk_id))["status"] == BulkStatus.QUEUED
    claim = await system.queue.claim("worker")
    assert claim is not None
    clock.move(timedelta(hours=7) - SECOND)
    assert Chore.HOURS not in await swept(system)
    clock.move(SECOND)
    assert Chore.HOURS in await swept(system)
    bulk = await bulk_of(system, bulk_id)
    assert (bulk["status"], bulk["pause"]["until"], bulk["busy"]) == (
        BulkStatus.PAUSED,
        clock.now() + timedelta(hours=16),
        1,
    )
    assert await system.queue.claim("worker") is None
    assert await system.bulk_hours.close_due() == 0


async def test_a_person_who_resumes_it_is_heeded_until_its_hours_are_over_again(
    system: System, clock: MovableClock, make_bulk: MakeBulk
) -> None:
    until(clock, 12)
    bulk_id = await make_bulk(run_between=NIGHT)
    await system.controls.resume(OWNER, bulk_id)
    clock.move(timedelta(hours=1))
    await swept(system)
    assert (await bulk_of(system, bulk_id))["status"] == BulkStatus.QUEUED
    until(clock, 6)
    await swept(system)
    assert (await bulk_of(system, bulk_id))["status"] == BulkStatus.PAUSED


async def test_a_person_who_pauses_it_is_not_overruled(
    system: System, clock: MovableClock, make_bulk: MakeBulk
) -> None:
    until(clock, 23)
    bulk_id = await make_bulk(run_between=NIGHT)
    await system.controls.pause(OWNER, bulk_id, Pause(reason="mine"))
    for hour in (6, 22, 6):
        until(clock, hour)
        await swept(system)
        assert (await bulk_of(system, bulk_id))["pause"]["reason"] == "mine"


async def test_who_looks_late_and_within_the_next_hours_pauses_nothing(
    system: System, clock: MovableClock, make_bulk: MakeBulk
) -> None:
    until(clock, 23)
    bulk_id = await make_bulk(run_between=NIGHT)
    clock.move(timedelta(days=3))
    assert await system.bulk_hours.close_due() == 1
    assert (await bulk_of(system, bulk_id))["status"] == BulkStatus.QUEUED
    assert await system.bulk_hours.close_due() == 0


async def test_hours_that_came_and_went_with_nobody_there_are_waited_for_anew(
    system: System, clock: MovableClock, make_bulk: MakeBulk
) -> None:
    until(clock, 12)
    bulk_id = await make_bulk(run_between=NIGHT)
    clock.move(timedelta(hours=19))  # to 7 in the morning
    await swept(system)
    bulk = await bulk_of(system, bulk_id)
    assert (bulk["status"], bulk["pause"]["until"]) == (BulkStatus.PAUSED, clock.now() + timedelta(hours=15))
    clock.move(timedelta(hours=15))
    await swept(system)
    assert (await bulk_of(system, bulk_id))["status"] == BulkStatus.QUEUED


async def changed(system: System, bulk_id: BulkId, between: RunBetween | None) -> Document:
    return await system.controls.change(OWNER, bulk_id, {"run_between": between})


async def test_other_hours_hold_from_the_next_article_on(
    system: System, clock: MovableClock, make_bulk: MakeBulk
) -> None:
    until(clock, 12)
    bulk_id = await make_bulk()
    claim = await system.queue.claim("worker")
    assert claim is not None
    bulk = await changed(system, bulk_id, NIGHT)
    assert (bulk["status"], bulk["pause"]["until"], bulk["busy"]) == (
        BulkStatus.PAUSED,
        clock.now() + timedelta(hours=10),
        1,
    )
    assert "run_between" not in bulk
    bulk = await changed(system, bulk_id, RunBetween("23:00", "06:00", "UTC"))
    assert bulk["pause"]["until"] == clock.now() + timedelta(hours=11)
    await changed(system, bulk_id, RunBetween("11:00", "13:00", "UTC"))
    await swept(system)
    bulk = await bulk_of(system, bulk_id)
    assert (bulk["status"], bulk["hours"]["closes_at"]) == (BulkStatus.PROCESSING, clock.now() + timedelta(hours=1))
    until(clock, 13)
    await swept(system)
    assert (await bulk_of(system, bulk_id))["status"] == BulkStatus.PAUSED


async def test_hours_that_are_taken_off_bind_no_more(system: System, clock: MovableClock, make_bulk: MakeBulk) -> None:
    until(clock, 12)
    bulk_id = await make_bulk(run_between=NIGHT)
    await changed(system, bulk_id, None)
    assert Chore.PAUSES in await swept(system)
    for hour in (22, 6, 12):
        bulk = await bulk_of(system, bulk_id)
        assert (bulk["status"], bulk["hours"]) == (BulkStatus.QUEUED, None)
        until(clock, hour)
        await swept(system)


@pytest.mark.parametrize("between", [None, NIGHT, RunBetween("11:00", "13:00", "UTC")])
async def test_a_persons_pause_stands_whatever_the_hours_become(
    system: System, clock: MovableClock, make_bulk: MakeBulk, between: RunBetween | None
) -> None:
    until(clock, 12)
    bulk_id = await make_bulk(run_between=NIGHT)
    await system.controls.pause(OWNER, bulk_id, Pause(reason="mine"))
    await changed(system, bulk_id, between)
    await swept(system)
    assert (await bulk_of(system, bulk_id))["pause"]["reason"] == "mine"


async def test_to_a_bulk_that_has_ended_other_hours_do_nothing(
    system: System, clock: MovableClock, make_bulk: MakeBulk
) -> None:
    until(clock, 12)
    bulk_id = await make_bulk()
    await system.controls.cancel(OWNER, bulk_id)
    assert (await changed(system, bulk_id, NIGHT))["status"] == BulkStatus.CANCELLED
    until(clock, 6)
    await swept(system)
    assert (await bulk_of(system, bulk_id))["status"] == BulkStatus.CANCELLED


async def test_a_field_of_the_applications_own_is_not_taken_off(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk()
    await system.store.collection("bulk_jobs").update_one({"_id": bulk_id}, {"$set": {"hours": "office"}})
    assert (await changed(system, bulk_id, None))["hours"] == "office"


async def test_a_bulk_that_has_ended_has_hours_no_more(
    system: System, clock: MovableClock, make_bulk: MakeBulk
) -> None:
    bulk_id = await make_bulk(run_between=NIGHT)
    await system.controls.cancel(OWNER, bulk_id)
    for _ in range(3):
        clock.move(timedelta(days=1))
        await system.bulk_hours.close_due()
    assert await system.bulk_hours.close_due() == 0
    assert (await bulk_of(system, bulk_id))["status"] == BulkStatus.CANCELLED


async def test_a_schedules_hours_are_those_of_its_bulks_and_not_of_what_is_run_by_hand(
    system: System, clock: MovableClock
) -> None:
    schedule = await due(system, clock, cron=HOURLY, run_between=("22:00", "06:00"))
    until(clock, 12)  # no worker was there in time: made up, but not before the hours begin
    [firing] = await system.schedule_firing.fire_due(Judge())
    assert firing.bulk_id is not None
    assert (await bulk_of(system, firing.bulk_id))["status"] == BulkStatus.PAUSED
    by_hand = await system.schedule_firing.fire_by_hand(OWNER, schedule.id, Judge())
    assert by_hand.bulk_id is not None
    assert (await bulk_of(system, by_hand.bulk_id))["status"] == BulkStatus.QUEUED
    assert len(await log_of(system, schedule)) == 2


@pytest.mark.parametrize(
    ("hours", "at", "opens", "closes"),
    [
        (("22:00", "06:00"), "2026-06-01T10:00Z", "2026-06-01T20:00Z", "2026-06-02T04:00Z"),
        (("22:00", "06:00"), "2026-06-01T21:00Z", "2026-06-01T21:00Z", "2026-06-02T04:00Z"),
        (("09:00", "17:00"), "2026-06-01T15:00Z", "2026-06-02T07:00Z", "2026-06-02T15:00Z"),
        (("02:30", "03:30"), "2026-03-29T00:00Z", "2026-03-29T01:00Z", "2026-03-29T01:30Z"),  # no clock shows 02:30
        (("22:00", "02:30"), "2026-03-29T00:00Z", "2026-03-29T00:00Z", "2026-03-29T01:00Z"),
        (("02:30", "04:00"), "2026-10-25T01:15Z", "2026-10-25T01:30Z", "2026-10-25T03:00Z"),  # 02:15 for a second time
        (("22:00", "02:30"), "2026-10-25T01:10Z", "2026-10-25T01:10Z", "2026-10-25T01:30Z"),  # 02:10 for a second time
        (("22:00", "06:00"), "2026-10-24T20:00Z", "2026-10-24T20:00Z", "2026-10-25T05:00Z"),  # an hour longer
    ],
)
def test_hours_are_those_that_clocks_show(hours: tuple[str, str], at: str, opens: str, closes: str) -> None:
    found: DayHours = read_hours(*hours, read_zone("Europe/Berlin"))
    moment, begin, end = (datetime.fromisoformat(text) for text in (at, opens, closes))
    assert found.opens(moment) == begin
    assert found.closes(begin) == end
    assert found.holds(begin)
    assert not found.holds(end)
    assert found.closed_since(moment) <= moment.astimezone(UTC)
