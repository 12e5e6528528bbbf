"""The hours of bulks begin and are over, and whoever sees to it dies at any write, or a person comes in between."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from jobs.controls import Pause
from jobs.documents import BulkId, BulkRequest, RunBetween
from jobs.errors import StoreUnavailable
from jobs.states import BulkStatus
from jobs.storage.store import Store
from jobs.system import Rules, System, assemble
from tests.jobs.scheduling import HOURLY, Judge, bulks, due, dying, points
from tests.jobs.test_bulk_hours import until
from tests.support.clock import MovableClock
from tests.support.faulty_store import FaultyStore

NIGHT = RunBetween("22:00", "06:00", "UTC")
DAY = RunBetween("09:00", "18:00", "UTC")
REQUEST = BulkRequest(mode="topic", items=[{"topic": "Tea"}], delay=timedelta(0), run_between=NIGHT)
CLOSING, OPENING = (23, 6), (12, 22)
"""At which hour the bulk is submitted, and at which something is to happen to it."""

Act = Callable[[System, str, BulkId], Awaitable[object]]


async def by_hand(system: System, clock: MovableClock, owner: str, hour: int) -> BulkId:
    until(clock, hour)
    return (await system.creation.create(owner, REQUEST)).bulk_id


async def by_schedule(system: System, clock: MovableClock, owner: str, hour: int) -> BulkId:
    schedule = await due(system, clock, owner, cron=HOURLY, run_between=("22:00", "06:00"))
    until(clock, hour)
    await system.schedule_firing.fire_due(Judge())
    await system.schedules.remove(owner, schedule.id)
    [bulk_id] = await bulks(system, owner)
    return BulkId(bulk_id)


async def seen_to(system: System) -> None:
    """What a sweep does of it."""
    await system.bulk_hours.close_due()
    await system.controls.resume_due()


@pytest.mark.parametrize("made", [by_hand, by_schedule])
@pytest.mark.parametrize("hours", [CLOSING, OPENING], ids=["closing", "opening"])
async def test_whoever_dies_at_any_operation_the_hours_are_kept(
    store: Store, clock: MovableClock, system: System, hours: tuple[int, int], made: Callable[..., Awaitable[BulkId]]
) -> None:

    rehearsed = FaultyStore(store)
    await system.controls.cancel("rehearsal", await _waited_for(system, clock, "rehearsal", made, hours, rehearsed))
    places = points(rehearsed)
    assert ("bulk_jobs", "find_one_and_update", 0, "after") in places
    for place in places:
        owner = ".".join(map(str, place))
        cut = dying(store, *place)
        bulk_id = await _waited_for(system, clock, owner, made, hours, cut)
        assert cut.struck, owner
        for _ in range(2):
            await seen_to(system)
        bulk = await system.lookup.bulk(owner, bulk_id)
        claim = await system.queue.claim("worker")
        if hours == CLOSING:
            assert (bulk["status"], claim) == (BulkStatus.PAUSED, None), owner
            assert bulk["pause"]["until"] - clock.now() == timedelta(hours=16), owner
        else:
            assert (bulk["status"], bulk["pause"]) == (BulkStatus.QUEUED, None), owner
            assert claim is not None, owner
        assert not bulk.get("events"), owner
        await system.controls.cancel(owner, bulk_id)


async def _waited_for(
    system: System,
    clock: MovableClock,
    owner: str,
    made: Callable[..., Awaitable[BulkId]],
    hours: tuple[int, int],
    store: FaultyStore,
) -> BulkId:
    """A bulk whose moment has come, and what became of the first that saw to it."""
    bulk_id = await made(system, clock, owner, hours[0])
    until(clock, hours[1])
    try:
        await seen_to(assemble(store, clock, Rules()))
    except StoreUnavailable:
        pass
    return bulk_id


@pytest.mark.parametrize(("before", "after"), [(NIGHT, None), (NIGHT, DAY), (None, NIGHT), (DAY, NIGHT)])
async def test_whoever_dies_while_the_hours_are_changed_the_one_or_the_other_are_kept(
    store: Store, clock: MovableClock, system: System, before: RunBetween | None, after: RunBetween | None
) -> None:
    until(clock, 12)
    rehearsed = FaultyStore(store)
    bulk_id = (await system.creation.create("rehearsal", replace(REQUEST, run_between=before))).bulk_id
    await assemble(rehearsed, clock, Rules()).controls.change("rehearsal", bulk_id, {"run_between": after})
    await system.controls.cancel("rehearsal", bulk_id)
    places = points(rehearsed)
    assert ("bulk_jobs", "find_one_and_update", 0, "after") in places
    for place in places:
        owner = ".".join(map(str, place))
        bulk_id = (await system.creation.create(owner, replace(REQUEST, run_between=before))).bulk_id
        cut = dying(store, *place)
        with pytest.raises(StoreUnavailable):
            await assemble(cut, clock, Rules()).controls.change(owner, bulk_id, {"run_between": after})
        await seen_to(system)
        bulk = await system.lookup.bulk(owner, bulk_id)
        kept = after if place[1:] == ("find_one_and_update", 0, "after") else before
        hours = bulk.get("hours")
        assert (hours and hours["from"]) == (kept and kept.since), owner
        claim = await system.queue.claim("worker")
        assert (bulk["status"] == BulkStatus.PAUSED, claim is None) == (kept == NIGHT, kept == NIGHT), owner
        await system.controls.cancel(owner, bulk_id)


async def cancels(system: System, owner: str, bulk_id: BulkId) -> None:
    await system.controls.cancel(owner, bulk_id)


async def pauses(system: System, owner: str, bulk_id: BulkId) -> None:
    await system.controls.pause(owner, bulk_id, Pause(reason="mine"))


async def resumes(system: System, owner: str, bulk_id: BulkId) -> None:
    await system.controls.resume(owner, bulk_id)


@pytest.mark.parametrize(
    ("hours", "act", "status", "reason"),
    [
        (CLOSING, cancels, BulkStatus.CANCELLED, None),
        (CLOSING, pauses, BulkStatus.PAUSED, "mine"),
        (CLOSING, resumes, BulkStatus.PAUSED, "It runs between 22:00 and 06:00 in UTC"),
        (OPENING, cancels, BulkStatus.CANCELLED, None),
        (OPENING, pauses, BulkStatus.PAUSED, "mine"),
        (OPENING, resumes, BulkStatus.QUEUED, None),
    ],
)
async def test_a_person_who_comes_between_look_and_write_goes_first(
    store: Store,
    clock: MovableClock,
    system: System,
    monkeypatch: pytest.MonkeyPatch,
    hours: tuple[int, int],
    act: Act,
    status: BulkStatus,
    reason: str | None,
) -> None:
    bulk_id = await by_hand(system, clock, "owner", hours[0])
    until(clock, hours[1])
    worker = assemble(store, clock, Rules())
    intents = worker.bulk_hours._intents if hours == CLOSING else worker.controls._intents
    write, came = intents.write, []

    async def a_moment_later(*given: object, **more: object) -> object:
        came.append(await act(system, "owner", bulk_id))
        return await write(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(intents, "write", a_moment_later)
    await seen_to(worker)
    assert len(came) == 1
    for _ in range(2):
        await seen_to(system)
    bulk = await system.lookup.bulk("owner", bulk_id)
    assert (bulk["status"], bulk["pause"] and bulk["pause"]["reason"]) == (status, reason)
