"""Firing: who dies between which two writes, and what goes wrong with one schedule beside others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from bson import ObjectId

from jobs.callers.user_limits import UserLimits
from jobs.documents import BulkRequest, UserId
from jobs.errors import Fault, InvalidInput, NotFound, StoreUnavailable
from jobs.indexes import INDEXES
from jobs.scheduling.firing import AT_ONCE, LEASE, TRIED_EVERY, TRIED_FOR
from jobs.scheduling.firing_log import Firing, Outcome
from jobs.scheduling.firing_steps import FAILURES_IN_A_ROW
from jobs.scheduling.schedules import Missed, Schedule, ScheduleState
from jobs.storage.store import Store
from jobs.system import Rules, System, assemble
from tests.jobs.scheduling import OWNER, Judge, bulks, due, dying, log_of, plan, points
from tests.support.clock import MovableClock
from tests.support.faulty_store import FaultyStore

A_DAY = timedelta(days=1)
WRONG = InvalidInput("The request is not valid.", (Fault("items", "is required"),))


@pytest.mark.parametrize("by_hand", [False, True], ids=["by time", "by hand"])
async def test_whoever_dies_between_any_two_writes_there_is_one_bulk(
    store: Store, clock: MovableClock, *, by_hand: bool
) -> None:
    """Each operation of a firing is the last thing that its process does, before it takes effect and after."""
    await store.create_indexes(INDEXES)
    counted = FaultyStore(store)
    await _fired(store, counted, clock, "rehearsal", by_hand=by_hand)
    await _finished_by_another(store, clock, "rehearsal", by_hand=by_hand)
    places = points(counted)
    assert {("schedules", "find_one_and_update"), ("creations", "insert_one"), ("firings", "insert_one")} <= {
        place[:2] for place in places
    }
    for collection, operation, number, side in places:
        owner = f"{collection}.{operation}.{number}.{side}"
        cut = dying(store, collection, operation, number, side)
        await _fired(store, cut, clock, owner, by_hand=by_hand)
        assert cut.struck, owner
        await _finished_by_another(store, clock, owner, by_hand=by_hand)


async def _fired(store: Store, faulty: FaultyStore, clock: MovableClock, owner: str, *, by_hand: bool) -> None:
    keeper, system = assemble(store, clock, Rules()), assemble(faulty, clock, Rules())
    if by_hand:
        schedule = await keeper.schedules.keep(owner, plan())
        await keeper.schedules.pause(owner, schedule.id)
    else:
        schedule = await due(keeper, clock, owner)
    firing = system.schedule_firing
    try:
        await (firing.fire_by_hand(owner, schedule.id, Judge()) if by_hand else firing.fire_due(Judge()))
    except StoreUnavailable:
        pass


async def _finished_by_another(store: Store, clock: MovableClock, owner: str, *, by_hand: bool) -> None:
    system = assemble(store, clock, Rules())
    for _ in range(4):  # a lease, a creation that was given up, another try
        clock.move(LEASE + timedelta(seconds=5))
        await system.creation.complete_owed()
        await system.schedule_firing.fire_due(Judge())
    [schedule] = await system.schedules.of(owner)
    log = await log_of(system, schedule)
    made = await bulks(system, owner)
    if by_hand and not log:  # nobody has heard that it was to be run
        assert made == []
    else:
        assert [(one.outcome, one.bulk_id) for one in log] == [(Outcome.FIRED, bulk_id) for bulk_id in made]
        assert len(made) == 1, owner
    jobs = await system.store.collection("generation_jobs").count({"userId": owner})
    assert jobs == 2 * len(made), owner
    [stored] = await store.collection("schedules").find({"userId": owner})
    assert (stored["firing"], stored["due_at"]) == (None, stored["next_at"]), owner
    await system.schedules.remove(owner, schedule.id)


async def test_what_was_kept_as_failed_by_one_who_died_is_not_tried_again(store: Store, clock: MovableClock) -> None:
    await store.create_indexes(INDEXES)
    schedule = await due(assemble(store, clock, Rules()), clock)
    cut = assemble(dying(store, "firings", "insert_one", 0, "after"), clock, Rules())
    with pytest.raises(StoreUnavailable):
        await cut.schedule_firing.fire_due(Judge(WRONG))
    clock.move(LEASE)
    system = assemble(store, clock, Rules())
    [ended] = await system.schedule_firing.fire_due(judge := Judge())
    assert (ended.outcome, judge.asked, await bulks(system)) == (Outcome.FAILED, [], [])
    assert await log_of(system, schedule) == [ended]


async def test_all_that_are_due_at_one_moment_are_fired_in_one_look(store: Store, clock: MovableClock) -> None:
    await store.create_indexes(INDEXES)
    system = assemble(store, clock, Rules(user=UserLimits(submissions_per_minute=10_000)))
    schedules = [await system.schedules.keep(f"owner {number % 3}", plan()) for number in range(AT_ONCE + 5)]
    clock.move(A_DAY)
    told: list[Firing] = []
    ended = await system.schedule_firing.fire_due(Judge(), told.append)
    assert len({firing.bulk_id for firing in ended}) == len(schedules)
    assert told == ended


async def test_what_goes_wrong_with_one_holds_up_no_other_and_is_told_in_the_end(
    system: System, clock: MovableClock
) -> None:
    broken = await system.schedules.keep("unlucky", plan())
    await due(system, clock)

    class Broken(Judge):
        async def __call__(self, schedule: Schedule, planned_at: datetime) -> BulkRequest:
            if schedule.id == broken.id:
                raise RuntimeError("a fault of ours")
            return await super().__call__(schedule, planned_at)

    [fired] = await system.schedule_firing.fire_due(Broken())
    assert fired.outcome is Outcome.FIRED
    ended: Sequence[Firing] = []
    began = clock.now()
    while not ended:
        clock.move(TRIED_EVERY)
        ended = await system.schedule_firing.fire_due(Broken())
    assert clock.now() - began == TRIED_FOR
    assert [(one.outcome, one.text) for one in ended] == [(Outcome.FAILED, "Something went wrong here; it was noted.")]
    assert await bulks(system, "unlucky") == []


async def test_a_schedule_of_a_newer_version_is_left_alone_and_the_others_fire(
    system: System, clock: MovableClock
) -> None:
    newer = await system.schedules.keep("pioneer", plan())
    schedules = system.store.collection("schedules")
    await schedules.update_one({"_id": newer.id}, {"$set": {"missed": "run_each"}})
    await due(system, clock)
    [fired] = await system.schedule_firing.fire_due(Judge())
    assert [fired.bulk_id] == await bulks(system)
    stored = await schedules.find_one({"_id": newer.id})
    assert stored is not None
    assert (stored["firing"], stored["due_at"]) == (None, stored["next_at"])


async def test_a_schedule_that_is_removed_while_it_is_judged_makes_no_bulk(system: System, clock: MovableClock) -> None:
    schedule = await due(system, clock)

    class Slow(Judge):
        async def __call__(self, schedule: Schedule, planned_at: datetime) -> BulkRequest:
            await system.schedules.remove(OWNER, schedule.id)
            return await super().__call__(schedule, planned_at)

    assert await system.schedule_firing.fire_due(Slow()) == []
    assert (await bulks(system), await log_of(system, schedule)) == ([], [])
    by_hand = await system.schedules.keep(OWNER, plan())
    with pytest.raises(NotFound):
        await system.schedule_firing.fire_by_hand(OWNER, by_hand.id, Slow())
    assert await bulks(system) == []


async def test_nothing_is_kept_of_a_schedule_that_is_removed_while_its_bulk_is_made(
    system: System, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule, keep = await due(system, clock), system.firing_log.keep

    async def removed_just_before(owner: UserId, schedule_id: ObjectId, firing: Firing) -> None:
        await system.schedules.remove(OWNER, schedule.id)
        await keep(owner, schedule_id, firing)

    monkeypatch.setattr(system.firing_log, "keep", removed_just_before)
    [firing] = await system.schedule_firing.fire_due(Judge())
    assert [firing.bulk_id] == await bulks(system)
    assert await log_of(system, schedule) == []


async def test_of_more_missed_minutes_than_are_counted_the_last_one_is_made_up(
    system: System, clock: MovableClock
) -> None:
    await due(system, clock, cron="* * * * *", missed=Missed.SKIP)
    clock.move(timedelta(days=2))
    [firing] = await system.schedule_firing.fire_due(Judge())
    assert (firing.outcome, firing.passed_over) == (Outcome.FIRED, 999)
    assert clock.now() - firing.planned_at < timedelta(minutes=1)


async def test_whoever_dies_while_it_pauses_itself_its_owner_is_told_once(store: Store, clock: MovableClock) -> None:
    await store.create_indexes(INDEXES)
    system = assemble(store, clock, Rules())
    rehearsed = FaultyStore(store)
    await _fails_for_the_last_time(system, rehearsed, clock, "rehearsal")
    places = points(rehearsed)
    assert {("schedules", "find_one_and_update"), ("notices", "insert_one")} <= {place[:2] for place in places}
    for place in places:
        owner = "/".join(map(str, place))
        await _fails_for_the_last_time(system, dying(store, *place), clock, owner)
        for _ in range(2):
            clock.move(LEASE + timedelta(seconds=1))
            await system.schedule_firing.fire_due(Judge(WRONG))
        [schedule] = await system.schedules.of(owner)
        assert (schedule.state, schedule.next_at) == (ScheduleState.PAUSED, None), owner
        [notice] = (await system.notices.list(owner)).documents
        assert (notice["type"], notice["schedule_id"]) == ("schedule.paused", schedule.id)
        assert notice["data"] == {"name": "Teas", "reason": schedule.pause_reason}
        [stored] = await store.collection("schedules").find({"userId": owner})
        assert (stored["firing"], stored["untold"], stored["due_at"]) == (None, None, stored["next_at"]), owner
        await system.schedules.remove(owner, schedule.id)


async def _fails_for_the_last_time(system: System, faulty: FaultyStore, clock: MovableClock, owner: str) -> None:
    schedule = await due(system, clock, owner)
    so_often = {"$set": {"failures": FAILURES_IN_A_ROW - 1}}
    await system.store.collection("schedules").update_one({"_id": schedule.id}, so_often)
    try:
        await assemble(faulty, clock, Rules()).schedule_firing.fire_due(Judge(WRONG))
    except StoreUnavailable:
        pass


async def test_a_pause_that_is_not_told_yet_is_told_whatever_the_owner_does_meanwhile(
    store: Store, clock: MovableClock
) -> None:
    await store.create_indexes(INDEXES)
    system = assemble(store, clock, Rules())
    await _fails_for_the_last_time(system, dying(store, "notices", "insert_one", 0, "before"), clock, OWNER)
    [schedule] = await system.schedules.of(OWNER)
    await system.schedules.resume(OWNER, schedule.id)
    await system.schedule_firing.fire_by_hand(OWNER, schedule.id, Judge())
    await system.schedule_firing.fire_due(Judge())
    assert len((await system.notices.list(OWNER)).documents) == 1
    after = await system.schedules.find(OWNER, schedule.id)
    assert after.state is ScheduleState.ACTIVE
    clock.move(A_DAY)
    [fired] = await system.schedule_firing.fire_due(Judge())
    assert fired.outcome is Outcome.FIRED
