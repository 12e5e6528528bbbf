"""The port, on both stores: writes, indexes and races, as the protocol uses them. Queries are in a file beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId

from jobs.errors import DuplicateKey, StoreRefused
from jobs.storage.embedded.store import EmbeddedStore
from jobs.storage.store import Collection, Document, Index, Store

NOON = datetime(2026, 11, 22, 12, 0, 0, 123000, tzinfo=UTC)


class Colour(StrEnum):
    RED = "red"


@pytest.fixture
def mongodb_store(fresh_mongodb_store: Store) -> Store:
    return fresh_mongodb_store


@pytest.fixture
async def embedded_store(tmp_path: Path) -> AsyncIterator[Store]:
    """One that keeps what it is told: after each test it is read again, and must be as it was."""
    store = await EmbeddedStore.open(tmp_path)
    yield store
    before = await everything(store)
    await store.close()
    reopened = await EmbeddedStore.open(tmp_path)
    assert await everything(reopened) == before
    await reopened.close()


async def everything(store: Store) -> list[Document]:
    return await store.collection("generation_jobs").find({})


@pytest.fixture
def jobs(store: Store) -> Collection:
    return store.collection("generation_jobs")


async def ids(collection: Collection, filter: Document, **options: Any) -> list[Any]:
    return [document["_id"] for document in await collection.find(filter, **options)]


async def stored(collection: Collection, *documents: Document) -> None:
    await collection.insert_many([{"_id": str(number), **document} for number, document in enumerate(documents)])


async def test_a_document_comes_back_as_it_went_in_with_whole_milliseconds_in_utc(jobs: Collection) -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=3))).replace(microsecond=123999)
    document: Document = {"_id": ObjectId(), "z": 1, "a": {"y": [1, {"b": None}], "x": Colour.RED}, "at": elsewhere}
    await jobs.insert_one(document)
    found = await jobs.find_one({"at": NOON})
    assert found == {"_id": document["_id"], "z": 1, "a": {"y": [1, {"b": None}], "x": "red"}, "at": NOON}
    assert list(found) == ["_id", "z", "a", "at"]
    assert list(found["a"]) == ["y", "x"]
    assert type(found["a"]["x"]) is str
    assert found["at"].tzinfo is UTC


async def test_what_is_answered_is_a_copy(jobs: Collection) -> None:
    document = {"_id": "1", "list": [{"n": 1}]}
    await jobs.insert_one(document)
    document["list"] = []
    found = await jobs.find_one_and_update({"_id": "1"}, {"$set": {"rev": 2}})
    assert found is not None
    found["list"][0]["n"] = 7
    assert await jobs.find({}) == [{"_id": "1", "list": [{"n": 1}], "rev": 2}]


async def test_a_document_without_an_id_is_given_one(jobs: Collection) -> None:
    document: Document = {"n": 1}
    await jobs.insert_one(document)
    assert await ids(jobs, {}) == [document["_id"]]


async def test_the_first_match_in_order_is_taken_and_answered_as_it_is_afterwards(jobs: Collection) -> None:
    await stored(
        jobs,
        {"status": "queued", "lane": 1, "position": 1},
        {"status": "queued", "lane": 0, "position": 3},
        {"status": "queued", "lane": 0, "position": 2},
        {"status": "failed", "lane": 0, "position": 1},
    )
    taken = await jobs.find_one_and_update(
        {"status": "queued"}, {"$set": {"status": "processing"}}, sort=[("lane", 1), ("position", 1)]
    )
    assert taken == {"_id": "2", "status": "processing", "lane": 0, "position": 2}
    assert await jobs.find_one_and_update({"status": "none"}, {"$set": {"a": 1}}) is None


async def test_slots_in_a_map_are_set_counted_and_removed_by_token(jobs: Collection) -> None:
    await stored(jobs, {"slots": {}, "busy": 0, "due_at": NOON, "head": 3, "attempts": [1, 2, 3]})
    changed = await jobs.find_one_and_update(
        {"_id": "0", "slots.t1": {"$exists": False}},
        {
            "$set": {"slots.t1": {"worker": "w", "until": NOON}, "pause.by.name": "u"},
            "$inc": {"busy": 1, "rev": 1},
            "$min": {"due_at": NOON - timedelta(seconds=1), "new": 5},
            "$max": {"head": 2},
            "$push": {"attempts": {"$each": [4, 5], "$slice": -3}, "lines": "x"},
            "$addToSet": {"tags": "a"},
        },
    )
    assert changed == {
        "_id": "0",
        "slots": {"t1": {"worker": "w", "until": NOON}},
        "busy": 1,
        "due_at": NOON - timedelta(seconds=1),
        "head": 3,
        "attempts": [3, 4, 5],
        "pause": {"by": {"name": "u"}},
        "rev": 1,
        "new": 5,
        "lines": ["x"],
        "tags": ["a"],
    }
    later = NOON + timedelta(seconds=30)
    assert await jobs.update_one({"slots.t1.until": {"$lte": NOON}}, {"$set": {"slots.t1.until": later}}) == 1
    assert await ids(jobs, {"slots.t1": {"$exists": True}, "slots.t2": {"$exists": False}}) == ["0"]
    assert await jobs.update_one({"slots.t2": {"$exists": True}}, {"$unset": {"slots.t2": ""}}) == 0
    pulled = {"$unset": {"slots.t1": "", "no.such": ""}, "$inc": {"busy": -1}, "$pull": {"attempts": {"$gte": 4}}}
    freed = await jobs.find_one_and_update({"slots.t1": {"$exists": True}}, pulled)
    assert freed is not None
    assert (freed["slots"], freed["busy"], freed["attempts"]) == ({}, 0, [3])


async def test_an_upsert_inserts_its_equalities_once(jobs: Collection) -> None:
    update = {"$inc": {"used": 1}, "$setOnInsert": {"limit": 20}}
    first = await jobs.find_one_and_update({"_id": "rate", "kind": "generator"}, update, upsert=True)
    assert first == {"_id": "rate", "kind": "generator", "used": 1, "limit": 20}
    assert await jobs.update_one({"_id": "rate"}, update, upsert=True) == 1
    assert await jobs.update_one({"_id": "other"}, update, upsert=True) == 1
    assert await jobs.find({}, sort=[("_id", 1)], projection=["used"]) == [
        {"_id": "other", "used": 1},
        {"_id": "rate", "used": 2},
    ]
    with pytest.raises(DuplicateKey):
        await jobs.update_one({"_id": "rate", "kind": "tenant"}, update, upsert=True)


async def test_many_are_changed_and_deleted_and_the_matches_counted(jobs: Collection) -> None:
    await jobs.insert_many([{"_id": number, "n": number % 3, "at": NOON} for number in range(250)])
    assert await jobs.update_many({"n": 1}, {"$set": {"n": 1}}) == 83
    assert await jobs.update_many({"n": 0}, {"$set": {"n": 7}, "$inc": {"rev": 1}}) == 84
    assert await jobs.update_many({"n": 0}, {"$set": {"n": 7}}) == 0
    assert await jobs.delete_one({"n": 7}) == 1
    assert await jobs.delete_many({"n": 7}) == 83
    assert await jobs.delete_many({"n": 7}) == 0
    assert await jobs.count({}) == 166


def unique(*fields: str, where: Document | None = None) -> Index:
    keys = tuple((field, 1) for field in fields)
    return Index("generation_jobs", keys, query="this test", unique=True, where=where)


async def test_a_unique_index_lets_one_in_and_leaves_the_rest_as_it_was(store: Store, jobs: Collection) -> None:
    indexes = [unique("bulk", "position"), Index("generation_jobs", (("at", 1),), "expiry", expire_after_seconds=60)]
    await asyncio.gather(*(store.create_indexes(indexes) for _ in range(4)))
    await stored(jobs, {"bulk": 1, "position": 1}, {"bulk": 1, "position": 2}, {"bulk": 2, "position": 1})
    with pytest.raises(DuplicateKey):
        await jobs.insert_one({"_id": "new", "bulk": 1, "position": 2})
    with pytest.raises(DuplicateKey):
        await jobs.insert_one({"_id": "0", "bulk": 3, "position": 1})
    with pytest.raises(DuplicateKey):
        await jobs.update_one({"_id": "1"}, {"$set": {"touched": True, "position": 1}})
    assert await jobs.find_one({"_id": "1"}) == {"_id": "1", "bulk": 1, "position": 2}
    await jobs.update_one({"_id": "1"}, {"$set": {"position": 3}})
    await jobs.insert_one({"_id": "new", "bulk": 1, "position": 2})
    await jobs.delete_one({"_id": "new"})
    await jobs.insert_one({"_id": "newer", "bulk": 1, "position": 2})


@pytest.mark.parametrize("where", [{"key": {"$type": "string"}}, {"key": {"$exists": True}}], ids=["type", "exists"])
async def test_a_partial_unique_index_leaves_the_others_alone(store: Store, jobs: Collection, where: Document) -> None:
    await store.create_indexes([unique("user", "key", where=where)])
    await jobs.insert_many([{"user": 1}, {"user": 1}, {"user": 1, "key": "k"}, {"user": 2, "key": "k"}])
    with pytest.raises(DuplicateKey):
        await jobs.insert_one({"user": 1, "key": "k"})
    with pytest.raises(DuplicateKey):
        await jobs.update_one({"user": 1, "key": None}, {"$set": {"key": "k"}})


async def test_an_index_against_stored_documents_or_other_options_is_refused(store: Store, jobs: Collection) -> None:
    await jobs.insert_many([{"n": 1}, {"n": 1}])
    with pytest.raises(StoreRefused):
        await store.create_indexes([unique("n")])
    await store.create_indexes([unique("m", where={"m": {"$exists": True}})])
    with pytest.raises(StoreRefused):
        await store.create_indexes([unique("m", where={"m": {"$type": "string"}})])


async def test_documents_are_inserted_in_order_up_to_the_one_that_is_refused(jobs: Collection) -> None:
    with pytest.raises(DuplicateKey):
        await jobs.insert_many([{"_id": "a"}, {"_id": "b"}, {"_id": "a"}, {"_id": "c"}])
    assert await ids(jobs, {}, sort=[("_id", 1)]) == ["a", "b"]
    await jobs.insert_many([])


REFUSED: list[Document] = [
    {"$set": {"a.b": 1}},
    {"$inc": {"text": 1}},
    {"$push": {"text": 1}},
    {"$set": {"x": 1}, "$inc": {"x": 1}},
    {"$set": {"x": 1, "x.y": 1}},
    {"$set": {"_id": "other"}},
    {"$set": {"x": {1, 2}}},
    {"$set": {"x": 1 << 64}},
    {"$replace": {"x": 1}},
    {"x": 1},
    {},
]


@pytest.mark.parametrize("update", REFUSED, ids=str)
async def test_an_update_that_cannot_be_made_is_refused_and_changes_nothing(jobs: Collection, update: Document) -> None:
    await stored(jobs, {"a": None, "text": "t", "n": 1})
    with pytest.raises(StoreRefused):
        await jobs.find_one_and_update({"_id": "0"}, {"$set": {"n": 2}, **update} if update.get("$inc") else update)
    assert await jobs.find({}) == [{"_id": "0", "a": None, "text": "t", "n": 1}]


async def test_of_many_takers_each_gets_another_one(jobs: Collection) -> None:
    await jobs.insert_many([{"_id": number, "taken": False} for number in range(20)])
    takers = (
        jobs.find_one_and_update({"taken": False}, {"$set": {"taken": True}}, sort=[("_id", 1)]) for _ in range(25)
    )
    taken = [document["_id"] for document in await asyncio.gather(*takers) if document is not None]
    assert sorted(taken) == list(range(20))


async def test_a_cancelled_write_took_effect_in_full_or_not_at_all(jobs: Collection) -> None:
    await stored(jobs, {"a": 0, "b": 0})
    for delay in range(5):
        task = asyncio.create_task(jobs.update_one({"_id": "0"}, {"$inc": {"a": 1, "b": 1}}))
        for _ in range(delay):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
    found = await jobs.find_one({})
    assert found is not None
    assert found["a"] == found["b"]


async def test_the_store_tells_its_time_in_utc(store: Store) -> None:
    told = await store.server_time()
    assert abs(told - datetime.now(UTC)) < timedelta(seconds=60)
    assert told.microsecond % 1000 == 0
