"""What the watcher finds: every change of ours, also when the database's clock was put back, and nothing of others."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

from bson import ObjectId

from jobs.reading.changes import Change, Changes
from jobs.storage.store import Store
from service.live.watcher import Watcher
from tests.support.clock import MovableClock
from tests.support.eventually import eventually


@contextlib.asynccontextmanager
async def watching(store: Store, clock: MovableClock) -> AsyncIterator[list[Change]]:
    """What it tells."""
    told: list[Change] = []
    looking = asyncio.create_task(Watcher(Changes(store), clock, 0.01, told.append).run(), name="watcher")
    try:
        yield told
        assert not looking.done()
    finally:
        looking.cancel()


async def change(store: Store, clock: MovableClock) -> ObjectId:
    """Of a new bulk, dated by the clock."""
    bulk_id = ObjectId()
    bulk = {"_id": bulk_id, "schema": 1, "userId": "me", "rev": 1, "changed_at": clock.now()}
    await store.collection("bulk_jobs").insert_one(bulk)
    return bulk_id


async def until_told(told: list[Change], bulk_id: ObjectId) -> None:
    async def ids() -> set[ObjectId]:
        return {each.bulk_id for each in told}

    await eventually(ids, lambda found: bulk_id in found)


async def test_documents_of_the_applications_own_are_not_looked_at(store: Store, clock: MovableClock) -> None:
    """They may have a date of that name, and none of our fields."""
    theirs = {"changed_at": clock.now(), "bulk_job_id": None}
    for collection in (store.collection("bulk_jobs"), store.collection("generation_jobs")):
        await collection.insert_one(dict(theirs))
    async with watching(store, clock) as told:
        await until_told(told, await change(store, clock))
    assert len(told) == 1


async def test_what_was_dated_while_the_clock_was_wrong_is_found_once_it_is_measured_again(
    store: Store, clock: MovableClock
) -> None:
    """The database's clock was put back; a process measures it anew after a minute at most."""
    database = MovableClock()
    database.move(clock.now() - database.now() - timedelta(minutes=10))
    async with watching(store, clock) as told:
        await until_told(told, await change(store, clock))
        dated_before = await change(store, database)
        await until_told(told, await change(store, clock))
        assert dated_before not in {each.bulk_id for each in told}
        clock.move(timedelta(seconds=50) - timedelta(minutes=10))
        await until_told(told, dated_before)
