"""Creating a bulk: all of it or nothing, once per key, whoever dies in between."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

import jobs.creation
from jobs.creation import IdempotencyKey
from jobs.documents import BulkRequest
from jobs.errors import KeyReused, NotFound, StillRunning, StoreFull
from jobs.indexes import INDEXES
from jobs.storage.embedded.store import EmbeddedStore
from jobs.storage.store import Document, Name
from jobs.system import Rules, System, assemble
from tests.jobs.conftest import OWNER
from tests.support.clock import MovableClock

KEY = IdempotencyKey("key-1", "hash")


def request_for(items: int = 3) -> BulkRequest:
    return BulkRequest(mode="topic", items=[{"topic": f"Topic {number}"} for number in range(items)])


async def half_created(system: System, state: str) -> Document:
    """What a process leaves that died with the creation in this state."""
    created = await system.creation.create(OWNER, request_for(), KEY)
    bulk = await system.lookup.bulk(OWNER, created.bulk_id)
    await system.store.collection("bulk_jobs").delete_one({"_id": created.bulk_id})
    await system.store.collection("creations").update_one(
        {"key": KEY.key},
        {"$set": {"state": state, "bulk": bulk, "until": system.clock.now() + timedelta(minutes=1)}},
    )
    return bulk


async def stored(system: System) -> dict[str, int]:
    names: tuple[Name, ...] = ("bulk_jobs", "generation_jobs", "creations")
    return {name: await system.store.collection(name).count({}) for name in names}


async def test_a_bulk_is_stored_with_its_jobs_in_order(system: System) -> None:
    created = await system.creation.create(OWNER, request_for(3))
    bulk = await system.lookup.bulk(OWNER, created.bulk_id)
    jobs = await system.lookup.jobs_of(bulk, 10)
    assert [job["queue_position"] for job in jobs] == [1, 2, 3]
    assert [job["_id"] for job in jobs] == list(created.job_ids)
    assert await stored(system) == {"bulk_jobs": 1, "generation_jobs": 3, "creations": 0}


async def test_a_repeated_key_gives_the_first_answer(system: System) -> None:
    first = await system.creation.create(OWNER, request_for(), KEY)
    again = await system.creation.create(OWNER, request_for(), KEY)
    assert (again.bulk_id, again.job_ids[0], again.total_items) == (first.bulk_id, first.job_ids[0], 3)
    assert (await stored(system))["bulk_jobs"] == 1


async def test_a_key_with_another_body_is_refused(system: System) -> None:
    await system.creation.create(OWNER, request_for(), KEY)
    with pytest.raises(KeyReused):
        await system.creation.create(OWNER, request_for(), IdempotencyKey(KEY.key, "other"))
    assert (await system.creation.create("other", request_for(), KEY)).total_items == 3


async def test_identical_requests_at_once_make_one_bulk(system: System) -> None:
    created = await asyncio.gather(*(system.creation.create(OWNER, request_for(), KEY) for _ in range(6)))
    assert len({one.bulk_id for one in created}) == 1
    assert await stored(system) == {"bulk_jobs": 1, "generation_jobs": 3, "creations": 1}


async def test_a_half_written_bulk_is_neither_seen_nor_claimed_and_is_cleared_away(
    system: System, clock: MovableClock
) -> None:
    bulk = await half_created(system, "writing")
    jobs = await system.store.collection("generation_jobs").find({})
    assert len(jobs) == 3
    assert await system.queue.claim("w1") is None
    assert (await system.lookup.jobs(OWNER, None, None, 10, None)).documents == []
    with pytest.raises(NotFound):
        await system.lookup.job(OWNER, jobs[0]["_id"])
    with pytest.raises(NotFound):
        await system.lookup.bulk(OWNER, bulk["_id"])
    assert await system.creation.complete_owed() == 0
    clock.move(timedelta(minutes=2))
    assert await system.creation.complete_owed() == 1
    assert await stored(system) == {"bulk_jobs": 0, "generation_jobs": 0, "creations": 1}
    clock.move(timedelta(hours=2))
    assert await system.creation.complete_owed() == 1
    assert (await stored(system))["creations"] == 0


async def test_a_key_is_free_again_once_its_half_written_bulk_is_cleared_away(
    system: System, clock: MovableClock
) -> None:
    await half_created(system, "writing")
    clock.move(timedelta(minutes=2))
    await system.creation.complete_owed()
    assert (await system.creation.create(OWNER, request_for(), KEY)).total_items == 3
    assert (await stored(system))["bulk_jobs"] == 1


async def test_a_committed_bulk_is_published_by_upkeep(system: System, clock: MovableClock) -> None:
    bulk = await half_created(system, "committed")
    clock.move(timedelta(minutes=2))
    assert await system.creation.complete_owed() == 1
    assert (await system.lookup.bulk(OWNER, bulk["_id"]))["total_items"] == 3
    again = await system.creation.create(OWNER, request_for(), KEY)
    assert again.bulk_id == bulk["_id"]


async def test_jobs_that_a_slow_writer_stores_after_being_given_up_are_cleared_away_too(
    system: System, clock: MovableClock
) -> None:
    bulk = await half_created(system, "writing")
    late = (await system.store.collection("generation_jobs").find({}))[0]
    clock.move(timedelta(minutes=2))
    await system.creation.complete_owed()
    await system.store.collection("generation_jobs").insert_one(late)
    clock.move(timedelta(hours=2))
    await system.creation.complete_owed()
    assert await system.store.collection("generation_jobs").count({"bulk_job_id": bulk["_id"]}) == 0


async def test_a_request_that_is_still_being_worked_on_is_waited_for_and_then_told(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs.creation, "REPEAT_WAIT", timedelta(milliseconds=200))
    await half_created(system, "writing")
    with pytest.raises(StillRunning):
        await system.creation.create(OWNER, request_for(), KEY)


async def test_the_embedded_store_refuses_more_live_jobs_than_it_can_hold(clock: MovableClock) -> None:
    store = EmbeddedStore.in_memory(max_live_jobs=5)
    await store.create_indexes(INDEXES)
    system = assemble(store, clock, Rules())
    await system.creation.create(OWNER, request_for(3))
    with pytest.raises(StoreFull, match="up to 5 live jobs and has 3"):
        await system.creation.create(OWNER, request_for(3))
    assert await stored(system) == {"bulk_jobs": 1, "generation_jobs": 3, "creations": 0}
