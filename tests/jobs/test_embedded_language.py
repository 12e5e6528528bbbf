"""What the embedded store refuses by name, and that its quick tests never contradict mongomock."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta

import pytest
from bson import ObjectId
from hypothesis import given, settings
from hypothesis import strategies as some

from jobs.errors import StoreRefused
from jobs.storage.embedded.condition import Condition
from jobs.storage.embedded.engine import applies
from jobs.storage.embedded.store import EmbeddedStore
from jobs.storage.store import Collection, Document

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
async def jobs() -> Collection:
    collection = EmbeddedStore.in_memory().collection("generation_jobs")
    await collection.insert_one({"_id": "1", "n": 1, "flag": True, "null": None, "slots": [{"k": 1}]})
    return collection


FILTERS: list[tuple[str, Document]] = [
    ("$not", {"n": {"$not": {"$gt": 1}}}),
    ("$not", {"$expr": {"$not": ["$n"]}}),
    ("$$NOW", {"$expr": {"$lt": ["$due", "$$NOW"]}}),
    ("$jsonSchema", {"$jsonSchema": {}}),
    ("$near", {"n": {"$near": [1, 2]}}),
    ("$type: int", {"n": {"$type": "int"}}),
    ("$lte with null", {"n": {"$lte": None}}),
    ("$eq with a boolean", {"$expr": {"$eq": ["$n", True]}}),
]


@pytest.mark.parametrize(("name", "filter"), FILTERS, ids=str)
async def test_a_filter_that_mongomock_gets_wrong_is_refused_by_name(
    jobs: Collection, name: str, filter: Document
) -> None:
    with pytest.raises(StoreRefused, match=re.escape(name)):
        await jobs.find(filter)


UPDATES: list[tuple[str, Document]] = [
    ("$mul", {"$mul": {"n": 2}}),
    ("$rename", {"$rename": {"n": "m"}}),
    ("slots.$.k", {"$set": {"slots.$.k": 2}}),
    ("slots.0.k", {"$set": {"slots.0.k": 2}}),
    ("$push with $sort", {"$push": {"slots": {"$each": [], "$sort": 1}}}),
    ("$currentDate", {"$currentDate": {"at": {"$type": "timestamp"}}}),
    ("True at flag", {"$max": {"flag": 2}}),
    ("TypeError", {"$min": {"null": 2}}),
]


@pytest.mark.parametrize(("name", "update"), UPDATES, ids=str)
async def test_an_update_that_mongomock_gets_wrong_is_refused_by_name(
    jobs: Collection, name: str, update: Document
) -> None:
    before = await jobs.find({})
    with pytest.raises(StoreRefused, match=re.escape(name)):
        await jobs.update_one({"_id": "1"}, {"$set": {"half": True}, **update} if "$set" not in update else update)
    assert await jobs.find({}) == before


@pytest.mark.parametrize("stage", [{"$lookup": {}}, {"$set": {"a": 1}}, {"$group": {"_id": 1, "a": {"$addToSet": 1}}}])
async def test_a_pipeline_that_mongomock_gets_wrong_is_refused_by_name(jobs: Collection, stage: Document) -> None:
    with pytest.raises(StoreRefused, match=r"\$lookup|\$set|\$addToSet"):
        await jobs.aggregate([{"$match": {}}, stage])


async def test_sorting_by_an_array_is_refused(jobs: Collection) -> None:
    with pytest.raises(StoreRefused, match="sort by slots"):
        await jobs.find({}, sort=[("slots", 1)])


async def test_two_tasks_that_read_and_then_write_race_as_on_a_server(jobs: Collection) -> None:
    async def raise_by_one() -> None:
        found = await jobs.find_one({"_id": "1"})
        assert found is not None
        await jobs.update_one({"_id": "1"}, {"$set": {"n": found["n"] + 1}})

    await asyncio.gather(raise_by_one(), raise_by_one())
    assert await jobs.count({"n": 2}) == 1


async def test_nothing_is_counted_in_no_document(jobs: Collection) -> None:
    nothing: list[Document] = [{"$match": {"n": 2}}]
    assert await jobs.aggregate([*nothing, {"$count": "n"}]) == []
    assert await jobs.aggregate([{"$facet": {"a": [*nothing, {"$count": "n"}]}}]) == [{"a": []}]


scalars = some.sampled_from([None, 1, True, 1.0, 2, "a", NOON, NOON + timedelta(1), ObjectId("0" * 24)])
values = scalars | some.lists(scalars, max_size=2) | some.fixed_dictionaries({}, optional={"x": scalars})
fields = some.sampled_from(["a", "a.x"])
documents = some.fixed_dictionaries({"_id": some.just("1")}, optional={"a": values})
ranges = some.sampled_from(["$gt", "$gte", "$lt", "$lte"])
asked = (
    scalars
    | some.builds(lambda one: {"$eq": one}, scalars)
    | some.builds(lambda many: {"$in": many}, some.lists(scalars, max_size=3))
    | some.builds(lambda name, bound: {name: bound}, ranges, scalars.filter(lambda bound: bound is not None))
)


@settings(max_examples=1000)
@given(documents, some.dictionaries(fields, asked, min_size=1, max_size=2))
def test_quick_tests_and_mongomock_are_of_one_opinion(document: Document, filter: Document) -> None:
    condition = Condition.of(filter)
    assert condition.holds(document) == applies(condition.exact, document)
