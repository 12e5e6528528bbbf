"""Removing a bulk: out of sight in one write, then all of it, whoever dies or sleeps at which write. On both stores."""

from __future__ import annotations

import asyncio

import pytest

from jobs.errors import Busy, MoveRefused, NotFound, StoreUnavailable
from jobs.outcomes import Completed
from jobs.retention.removal import HELPED_AFTER, KEPT, LATE_WRITER_TIME, Removal, Why
from jobs.storage.store import Store
from jobs.system import System
from tests.jobs.conftest import OWNER, MakeBulk
from tests.jobs.ending import ended, left_of
from tests.jobs.test_queue import claimed
from tests.support.clock import MovableClock
from tests.support.faulty_store import FaultyStore

FINISHED = Completed("text", {})
WRITES = (
    ("removals", "update_one", 1),
    ("bulk_jobs", "delete_one", 1),
    ("removals", "update_one", 2),
    ("generation_jobs", "delete_many", 1),
    ("assets", "delete_many", 1),
    ("notices", "delete_many", 1),
    ("removals", "update_one", 3),
)
"""Of one removal, in their order: collection, operation, the how manieth."""


def faulty_at(store: Store, collection: str, operation: str, number: int, *, after: bool) -> FaultyStore:
    """A store that is away from that write on, or from its having taken effect."""
    faulty = FaultyStore(store)
    plan = faulty.after if after else faulty.before
    for _ in range(number - 1):
        faulty.before(collection, operation, lambda: None)

    def die() -> None:
        faulty.go_down()
        raise StoreUnavailable("died there")

    plan(collection, operation, die)
    return faulty


async def later(system: System, clock: MovableClock) -> None:
    """Upkeep comes by until nothing is half done, and an hour later once more."""
    for time in (HELPED_AFTER, LATE_WRITER_TIME):
        clock.move(time)
        await system.removal.finish_half_done()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("write", WRITES, ids=lambda write: "-".join(map(str, write)))
async def test_whoever_dies_at_any_write_leaves_all_of_it_or_nothing(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock, write: tuple[str, str, int], *, after: bool
) -> None:
    bulk_id = await ended(system, make_bulk)
    other = await ended(system, make_bulk)
    before = await left_of(store, bulk_id)
    assert len(before) == 4
    dying = Removal(faulty_at(store, *write, after=after), clock, None)
    with pytest.raises(StoreUnavailable):
        await dying.remove(await system.lookup.bulk(OWNER, bulk_id), Why.OWNER, OWNER)
    assert [finding async for finding in system.audit.whole()] == []
    await later(system, clock)
    was_marked = (write, after) != (WRITES[0], False)
    assert await left_of(store, bulk_id) == ({} if was_marked else before)
    assert await left_of(store, other) == before
    assert [finding async for finding in system.audit.whole()] == []
    (record,) = await store.collection("removals").find({}) if was_marked else [{"state": "done"}]
    assert record["state"] == "done"


async def test_a_removed_bulk_and_its_jobs_are_found_by_nobody(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await ended(system, make_bulk, failed=1)
    job = (await system.lookup.jobs(OWNER, None, bulk_id, 10, None)).documents[0]
    await system.deletion.delete(OWNER, bulk_id)
    for look in (
        lambda: system.lookup.bulk(OWNER, bulk_id),
        lambda: system.lookup.job(OWNER, job["_id"]),
        lambda: system.controls.retry(OWNER, bulk_id),
        lambda: system.controls.retry_job(OWNER, job["_id"]),
        lambda: system.deletion.delete(OWNER, bulk_id),
    ):
        with pytest.raises(NotFound):
            await look()
    assert (await system.lookup.bulks(OWNER)).documents == []
    assert (await system.notices.list(OWNER)).documents == []


async def test_between_mark_and_end_the_jobs_are_neither_shown_nor_sent_back(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await ended(system, make_bulk, failed=1)
    (failed,) = (await system.lookup.jobs(OWNER, "failed", bulk_id, 10, None)).documents
    dying = Removal(faulty_at(store, "generation_jobs", "delete_many", 1, after=False), clock, None)
    with pytest.raises(StoreUnavailable):
        await dying.remove(await system.lookup.bulk(OWNER, bulk_id), Why.RETENTION, None)
    assert await store.collection("generation_jobs").count({"bulk_job_id": bulk_id}) == 2
    assert (await system.lookup.jobs(OWNER, None, None, 10, None)).documents == []
    with pytest.raises(NotFound):
        await system.controls.retry_job(OWNER, failed["_id"])


async def test_a_retry_that_comes_before_the_bulk_is_gone_has_it_stay(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await ended(system, make_bulk, failed=1)
    seen = await system.lookup.bulk(OWNER, bulk_id)
    await system.controls.retry(OWNER, bulk_id)
    assert not await system.removal.remove(seen, Why.RETENTION, None)
    await later(system, clock)
    assert (await left_of(store, bulk_id))["generation_jobs"] == 2
    assert await store.collection("removals").find({}) == []
    await system.queue.finish(await claimed(system), FINISHED)
    await system.outbox.relay()
    await system.deletion.delete(OWNER, bulk_id)
    assert await left_of(store, bulk_id) == {}


async def test_who_slept_over_a_mark_that_was_withdrawn_leaves_the_next_one_alone(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await ended(system, make_bulk, failed=1)
    dying = Removal(faulty_at(store, "bulk_jobs", "delete_one", 1, after=False), clock, None)
    with pytest.raises(StoreUnavailable):
        await dying.remove(await system.lookup.bulk(OWNER, bulk_id), Why.RETENTION, None)
    (slept_over,) = await store.collection("removals").find({})
    await system.controls.retry(OWNER, bulk_id)
    await later(system, clock)
    await system.queue.finish(await claimed(system), FINISHED)
    await system.outbox.relay()
    again = Removal(faulty_at(store, "bulk_jobs", "delete_one", 1, after=False), clock, None)
    with pytest.raises(StoreUnavailable):
        await again.remove(await system.lookup.bulk(OWNER, bulk_id), Why.RETENTION, None)
    assert not await system.removal._carry_out(slept_over)
    (marked,) = await store.collection("removals").find({})
    assert (marked["state"], marked["rev"] > slept_over["rev"]) == ("marked", True)
    assert (await system.lookup.bulk(OWNER, bulk_id))["status"] == "completed"


async def test_of_two_at_once_one_removes_it_and_both_leave_nothing(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await ended(system, make_bulk)
    bulk = await system.lookup.bulk(OWNER, bulk_id)
    other = Removal(store, clock, None)
    told: list[Why] = []
    for one in (system.removal, other):
        one.watch(told.append)
    done = await asyncio.gather(*(one.remove(bulk, Why.RETENTION, None) for one in (system.removal, other)))
    assert sorted(done) == [False, True]
    assert await left_of(store, bulk_id) == {}
    assert told == [Why.RETENTION]


async def test_what_a_slow_writer_leaves_is_cleared_away_an_hour_later(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await make_bulk(1)
    claim = await claimed(system)
    await system.queue.finish(claim, FINISHED)
    await system.outbox.relay()
    await system.deletion.delete(OWNER, bulk_id)
    await system.materials.keep_asset(claim, b"late", "image/png")
    await later(system, clock)
    assert await left_of(store, bulk_id) == {}


async def test_the_record_is_forgotten_after_a_month(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    await system.deletion.delete(OWNER, await ended(system, make_bulk))
    await later(system, clock)
    (record,) = await store.collection("removals").find({})
    assert record["expires_at"] == clock.now() + KEPT
    assert (record["why"], record["by"], record["userId"]) == ("owner", OWNER, OWNER)


async def test_a_bulk_that_was_put_back_can_be_removed_again(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await ended(system, make_bulk)
    bulk = await system.lookup.bulk(OWNER, bulk_id)
    await system.deletion.delete(OWNER, bulk_id)
    await later(system, clock)
    await store.collection("bulk_jobs").insert_one(bulk)
    await system.deletion.delete(OWNER, bulk_id)
    await later(system, clock)
    (record,) = await store.collection("removals").find({})
    assert (record["state"], await left_of(store, bulk_id)) == ("done", {})


@pytest.mark.parametrize("state", ["waits", "runs", "cancelled, runs"])
async def test_a_bulk_that_has_not_come_to_its_end_is_not_deleted(
    system: System, make_bulk: MakeBulk, state: str
) -> None:
    bulk_id = await make_bulk(2)
    if state != "waits":
        await claimed(system)
    if state == "cancelled, runs":
        await system.controls.cancel(OWNER, bulk_id)
    with pytest.raises(MoveRefused, match="cannot be deleted"):
        await system.deletion.delete(OWNER, bulk_id)
    assert await system.lookup.bulk(OWNER, bulk_id)


async def test_a_bulk_whose_end_is_still_to_be_told_is_not_deleted(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(1)
    await system.queue.finish(await claimed(system), FINISHED)
    with pytest.raises(Busy):
        await system.deletion.delete(OWNER, bulk_id)
    await system.outbox.relay()
    await system.deletion.delete(OWNER, bulk_id)


async def test_nobody_deletes_what_is_another_s(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await ended(system, make_bulk)
    with pytest.raises(NotFound):
        await system.deletion.delete("another", bulk_id)
    assert await system.lookup.bulk(OWNER, bulk_id)


async def test_more_jobs_than_are_deleted_at_once_are_deleted(
    system: System, store: Store, make_bulk: MakeBulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.retention.removal.BATCH", 2)
    bulk_id = await ended(system, make_bulk, 5)
    await system.deletion.delete(OWNER, bulk_id)
    assert await left_of(store, bulk_id) == {}
