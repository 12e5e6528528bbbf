"""Sums that are kept are the sums that a recount gives, whatever bulks go through and whoever looks when."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as some

from jobs.capacity.limits import Limits
from jobs.controls import Controls
from jobs.documents import BulkRequest
from jobs.errors import PressrunError, StoreUnavailable
from jobs.outcomes import Completed, Failed
from jobs.reading import tallies
from jobs.reading.tallies import Sums, Tallies
from jobs.retention.removal import HELPED_AFTER, Removal, Why
from jobs.states import LIVE_BULKS
from jobs.storage.embedded.store import EmbeddedStore
from jobs.storage.store import Document, Store
from jobs.system import Rules, System, assemble
from tests.jobs.conftest import OWNER, MakeBulk
from tests.jobs.test_queue import claimed
from tests.support.clock import MovableClock
from tests.support.faulty_store import FaultyStore

OWNERS = (OWNER, "other", None)
COUNTERS = ("total_items", "completed_items", "failed_items", "cancelled_items")


async def recounted(store: Store, owner: str | None, *, ended: bool = False) -> Sums:
    bulks = await store.collection("bulk_jobs").find({} if owner is None else {"userId": owner})
    wanted = [bulk for bulk in bulks if not ended or bulk["status"] not in LIVE_BULKS]
    return Sums(*(sum(bulk[name] for bulk in wanted) for name in COUNTERS))


async def seen(system: System, owner: str | None) -> Sums:
    counts = (await system.overview.queue(owner)).counts
    return Sums(counts.total, counts.completed, counts.failed, counts.cancelled)


class Life:
    """Bulks of two owners in an embedded store whose clock moves on only when told to."""

    def __init__(self) -> None:
        self.clock = MovableClock()
        self.store = EmbeddedStore({}, None, 2000, self.clock.now)
        self.system = assemble(self.store, self.clock, Rules())

    async def step(self, what: str, number: int) -> None:
        bulks = await self.store.collection("bulk_jobs").find({}, projection=["userId"], sort=[("_id", 1)])
        chosen: Any = bulks[number % len(bulks)] if bulks else None
        match what:
            case "submit":
                items = [{"topic": "x"}] * (1, 1, 3)[number % 3]
                request = BulkRequest(mode="topic", items=items, delay=timedelta(0), max_retries=0)
                await self.system.creation.create(OWNERS[number % 2] or OWNER, request)
            case "complete" | "fail":
                claim = await self.system.queue.claim("worker")
                if claim is not None:
                    done = Completed("text", {}) if what == "complete" else Failed("no", definite=True)
                    await self.system.queue.finish(claim, done)
            case "cancel" | "retry" if chosen is not None:
                control = getattr(Controls, what)
                try:
                    await control(self.system.controls, chosen["userId"], chosen["_id"])
                except PressrunError:
                    pass  # not every move is allowed: what matters is that what is seen stays right
            case "remove" if chosen is not None:
                await self.system.outbox.relay()
                try:
                    await self.system.deletion.delete(chosen["userId"], chosen["_id"])
                except PressrunError:
                    pass  # it has not ended
            case "wait":
                self.clock.move((timedelta(milliseconds=1), timedelta(seconds=29), timedelta(days=1))[number % 3])
            case "look":
                await self.look()

    async def look(self) -> None:
        for owner in OWNERS:
            assert await seen(self.system, owner) == await recounted(self.store, owner)
            kept = await Tallies(self.store).of_ended(owner)
            assert kept.whole == await recounted(self.store, owner, ended=True)


STEPS = some.sampled_from(
    ("submit", "complete", "fail", "fail", "cancel", "retry", "retry", "remove", "wait", "look", "look")
)


BEGUN_AGAIN_LATER = [("submit", 0), ("fail", 0), ("wait", 2), ("look", 0), ("retry", 0), ("look", 0)]
QUICK_TO_FIND = (Phase.explicit, Phase.reuse, Phase.generate)  # to make a story shorter takes minutes


@settings(max_examples=80, deadline=None, phases=QUICK_TO_FIND, suppress_health_check=[HealthCheck.too_slow])
@example(BEGUN_AGAIN_LATER)
@given(some.lists(some.tuples(STEPS, some.integers(0, 11)), min_size=10, max_size=40))
async def test_what_is_seen_is_what_a_recount_gives(steps: list[tuple[str, int]]) -> None:
    life = Life()
    await life.system.limits.seed(Limits(max_running=None))
    for what, number in steps:
        await life.step(what, number)
    await life.look()


async def ended(system: System, make_bulk: MakeBulk, *, failed: int = 0, items: int = 2, **fields: Any) -> Any:
    bulk_id = await make_bulk(items, max_retries=0, **fields)
    for number in range(items):
        done = Failed("no", definite=True) if number < failed else Completed("text", {})
        await system.queue.finish(await claimed(system), done)
    return bulk_id


async def test_ends_retries_and_cancels_are_counted_once(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    first = await ended(system, make_bulk, failed=1)
    assert await seen(system, OWNER) == Sums(2, 1, 1, 0)
    clock.move(timedelta(days=3))
    second = await make_bulk(3)
    await system.controls.cancel(OWNER, second)
    assert await seen(system, OWNER) == Sums(5, 1, 1, 3)
    await system.controls.retry(OWNER, first)
    assert await seen(system, OWNER) == Sums(5, 1, 0, 3)
    await system.queue.finish(await claimed(system), Completed("text", {}))
    assert await seen(system, OWNER) == await seen(system, None) == Sums(5, 2, 0, 3)
    assert await seen(system, "other") == Sums()


async def test_a_look_at_what_has_not_changed_counts_nothing_anew(
    system: System, store: Store, make_bulk: MakeBulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ended(system, make_bulk)
    before = await Tallies(store).of_ended(OWNER)
    await make_bulk(3)

    async def never(*_: object) -> dict[int, Sums]:
        raise AssertionError("counted anew")

    monkeypatch.setattr(Tallies, "_by_day", never)
    assert await Tallies(store).of_ended(OWNER) == before


async def test_only_the_day_of_a_changed_bulk_is_counted_anew(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ended(system, make_bulk)
    await Tallies(store).of_ended(OWNER)
    clock.move(timedelta(days=2))
    await ended(system, make_bulk)
    asked: list[Any] = []
    by_day = Tallies._by_day

    async def watched(self: Tallies, owner: Any, created: Any) -> dict[int, Sums]:
        asked.append(created["created_at"])
        return await by_day(self, owner, created)

    monkeypatch.setattr(Tallies, "_by_day", watched)
    assert (await Tallies(store).of_ended(OWNER)).whole == Sums(4, 4)
    (bounds,) = asked
    assert bounds["$gte"] <= clock.now() < bounds["$lt"] == bounds["$gte"] + timedelta(days=1)


async def test_a_removed_bulk_is_in_no_sum_and_only_its_day_is_counted_anew(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallies, "OVERLAP", timedelta(0))  # what has changed before the sums is no more than summed
    first = await ended(system, make_bulk)
    clock.move(timedelta(days=2))
    await ended(system, make_bulk)
    await system.outbox.relay()
    for owner in (OWNER, None):
        assert (await Tallies(store).of_ended(owner)).whole == Sums(4, 4)
    await system.deletion.delete(OWNER, first)
    days: list[Any] = []
    by_day = Tallies._by_day

    async def watched(self: Tallies, owner: Any, created: Any) -> dict[int, Sums]:
        days.append(created["created_at"].get("$lt"))
        return await by_day(self, owner, created)

    monkeypatch.setattr(Tallies, "_by_day", watched)
    for owner in (OWNER, None):
        assert (await Tallies(store).of_ended(owner)).whole == await recounted(store, owner) == Sums(2, 2)
    assert len(days) == 2
    assert all(day is not None and day < clock.now() for day in days)


async def test_who_sums_up_between_the_mark_and_the_end_of_a_bulk_finds_that_it_is_gone(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallies, "OVERLAP", timedelta(0))
    bulk_id = await ended(system, make_bulk)
    await system.outbox.relay()
    faulty = FaultyStore(store)
    faulty.break_before("bulk_jobs", "delete_one")
    with pytest.raises(StoreUnavailable):
        await Removal(faulty, clock, None).remove(await system.lookup.bulk(OWNER, bulk_id), Why.OWNER, OWNER)
    assert (await Tallies(store).of_ended(OWNER)).whole == Sums(2, 2)
    clock.move(HELPED_AFTER)
    await system.removal.finish_half_done()
    assert (await Tallies(store).of_ended(OWNER)).whole == Sums()


async def test_what_is_kept_may_be_dropped_at_any_moment(system: System, store: Store, make_bulk: MakeBulk) -> None:
    await ended(system, make_bulk, failed=1)
    before = await seen(system, OWNER)
    await store.collection("tallies").delete_many({})
    assert await seen(system, OWNER) == before == Sums(2, 1, 1)


async def test_more_changes_than_are_told_apart_are_counted_all_the_same(
    system: System, store: Store, make_bulk: MakeBulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallies, "MANY", 2)
    for _ in range(3):
        await ended(system, make_bulk)
        assert await seen(system, OWNER) == await recounted(store, OWNER)
    assert await seen(system, OWNER) == Sums(6, 6)


async def test_many_who_look_at_once_see_the_same(system: System, make_bulk: MakeBulk) -> None:
    await ended(system, make_bulk)
    looks = await asyncio.gather(*(seen(system, OWNER) for _ in range(8)))
    assert looks == [Sums(2, 2)] * 8
    await ended(system, make_bulk)
    assert await asyncio.gather(*(seen(system, OWNER) for _ in range(8))) == [Sums(4, 4)] * 8


async def test_a_bulk_that_ends_between_the_two_reads_of_a_look_is_in_it(
    system: System, store: Store, make_bulk: MakeBulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ended(system, make_bulk)
    await make_bulk(2)
    await system.queue.finish(await claimed(system), Completed("text", {}))
    last = await claimed(system)
    of_ended = Tallies.of_ended

    async def then_one_ends(self: Tallies, owner: Any) -> Any:
        told = await of_ended(self, owner)
        monkeypatch.setattr(Tallies, "of_ended", of_ended)
        await system.queue.finish(last, Completed("text", {}))
        return told

    monkeypatch.setattr(Tallies, "of_ended", then_one_ends)
    assert await seen(system, OWNER) == Sums(4, 4)


async def test_four_numbers_are_kept_for_a_day_of_an_owner(system: System, store: Store, make_bulk: MakeBulk) -> None:
    await ended(system, make_bulk)
    await Tallies(store).of_ended(OWNER)
    kept: Document | None = await store.collection("tallies").find_one({})
    assert kept is not None
    assert kept["_id"] == f"user:{OWNER}"
    assert [len(day) for day in kept["days"].values()] == [4]
