"""The port, on both stores: what filters, sorts, projections and pipelines find."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs.errors import StoreRefused
from jobs.storage.store import Collection, Document, Store

NOON = datetime(2026, 11, 22, 12, 0, 0, 123000, tzinfo=UTC)


@pytest.fixture
def mongodb_store(fresh_mongodb_store: Store) -> Store:
    return fresh_mongodb_store


@pytest.fixture
def jobs(store: Store) -> Collection:
    return store.collection("generation_jobs")


async def ids(collection: Collection, filter: Document, **options: Any) -> list[Any]:
    return [document["_id"] for document in await collection.find(filter, **options)]


async def stored(collection: Collection, *documents: Document) -> None:
    await collection.insert_many([{"_id": str(number), **document} for number, document in enumerate(documents)])


FILTERS: list[tuple[Document, str]] = [
    ({"n": None}, "04"),
    ({"lease.token": None}, "0134"),
    ({"lease.token": {"$ne": None}}, "2"),
    ({"lease.token": "t"}, "2"),
    ({"n": {"$in": [1, None]}}, "014"),
    ({"n": {"$nin": [1, None]}}, "23"),
    ({"n": {"$ne": 1}}, "0234"),
    ({"n": {"$gt": 1}}, "2"),
    ({"n": 1}, "1"),
    ({"n": True}, "3"),
    ({"at": {"$lte": NOON}, "n": {"$exists": True}}, "013"),
    ({"at": {"$gt": NOON}}, "2"),
    ({"$or": [{"n": 2}, {"lease": {"$exists": False}}], "at": {"$gte": NOON}}, "02"),
    ({"$and": [{"at": NOON}, {"at": {"$exists": True}}], "$nor": [{"n": 1}]}, "03"),
    ({"$expr": {"$lt": ["$done", "$total"]}}, "123"),
    ({"$expr": {"$gte": ["$done", 3]}}, "0"),
    ({"$expr": {"$eq": [{"$add": ["$done", 1]}, "$total"]}}, "2"),
    ({"list": {"$elemMatch": {"k": 1, "v": "b"}}}, "1"),
    ({"list.k": 1}, "01"),
    ({"list.k": {"$exists": True}}, "01"),
    ({"list": {"$exists": True}}, "012"),
    ({"tags.k": {"$exists": True}}, ""),
    ({"list": {"$size": 0}}, "2"),
    ({"tags": "x"}, "1"),
    ({"tags": {"$type": "array"}}, "12"),
    ({"_id": {"$in": ["4", "2", "nobody"]}}, "24"),
    ({"_id": "3", "n": 1}, ""),
]


@pytest.mark.parametrize(("filter", "expected"), FILTERS, ids=[str(filter) for filter, _ in FILTERS])
async def test_a_filter_finds(jobs: Collection, filter: Document, expected: str) -> None:
    await stored(
        jobs,
        {"n": None, "at": NOON, "done": 3, "total": 3, "list": [{"k": 1, "v": "a"}, {"k": 2, "v": "b"}]},
        {"n": 1, "at": NOON, "total": 3, "lease": None, "list": [{"k": 1, "v": "b"}], "tags": ["x", "y"]},
        {
            "n": 2,
            "at": NOON + timedelta(days=1),
            "done": 2,
            "total": 3,
            "lease": {"token": "t"},
            "list": [],
            "tags": [],
        },
        {"n": True, "at": NOON, "total": 5, "lease": {"other": 1}, "tags": "z"},
        {"done": 1, "total": 1},
    )
    assert await ids(jobs, filter, sort=[("_id", 1)]) == list(expected)
    assert await jobs.count(filter) == len(expected)


async def test_sorting_by_several_fields_puts_missing_and_null_first(jobs: Collection) -> None:
    await stored(jobs, {"a": 2, "b": NOON}, {"a": 1}, {"b": NOON}, {"a": 2, "b": None}, {"a": None, "b": 1})
    assert await ids(jobs, {}, sort=[("a", 1), ("b", 1), ("_id", 1)]) == ["4", "2", "1", "3", "0"]
    assert await ids(jobs, {}, sort=[("a", -1), ("b", -1)], limit=3) == ["0", "3", "1"]
    assert await ids(jobs, {}, sort=[("a", -1), ("_id", 1)], limit=1) == ["0"]
    assert await jobs.count({"a": 2}, limit=1) == 1


async def test_a_projection_names_the_fields_that_are_answered_beside_the_id(jobs: Collection) -> None:
    await stored(jobs, {"a": {"b": 1, "c": 2}, "list": [{"k": 1, "v": 2}, 3], "n": 1})
    assert await jobs.find({}, projection=["a.c", "list.k", "no"]) == [{"_id": "0", "a": {"c": 2}, "list": [{"k": 1}]}]
    assert await jobs.find_one({"n": 1}, projection=[]) == {"_id": "0"}


PIPELINES: list[tuple[Sequence[Document], list[Document]]] = [
    (
        [{"$match": {"n": {"$gte": 1}}}, {"$group": {"_id": "$s", "n": {"$sum": "$n"}}}, {"$sort": {"_id": 1}}],
        [{"_id": "a", "n": 3}, {"_id": "b", "n": 3}],
    ),
    (
        [
            {"$group": {"_id": "$s", "jobs": {"$sum": 1}, "last": {"$max": "$n"}}},
            {"$sort": {"jobs": -1}},
            {"$limit": 1},
        ],
        [{"_id": "a", "jobs": 3, "last": 2}],
    ),
    ([{"$match": {"s": "a"}}, {"$count": "total"}], [{"total": 3}]),
    (
        [{"$group": {"_id": None, "big": {"$sum": {"$cond": [{"$gte": ["$n", 2]}, 1, 0]}}}}],
        [{"_id": None, "big": 2}],
    ),
    ([{"$unwind": "$tags"}, {"$group": {"_id": "$tags", "n": {"$sum": 1}}}], [{"_id": "x", "n": 2}]),
    ([{"$sort": {"n": -1}}, {"$project": {"_id": 0, "n": 1}}, {"$limit": 2}], [{"n": 3}, {"n": 2}]),
    (
        [{"$facet": {"b": [{"$match": {"s": "b"}}, {"$count": "n"}], "c": [{"$match": {"s": "c"}}]}}],
        [{"b": [{"n": 1}], "c": []}],
    ),
    ([{"$match": {"s": "none"}}, {"$group": {"_id": None, "n": {"$sum": 1}}}], []),
]


@pytest.mark.parametrize(("pipeline", "expected"), PIPELINES, ids=[str(pipeline) for pipeline, _ in PIPELINES])
async def test_a_pipeline_answers(jobs: Collection, pipeline: Sequence[Document], expected: list[Document]) -> None:
    await stored(
        jobs, {"s": "a", "n": 1, "tags": ["x"]}, {"s": "a", "n": 2, "tags": ["x"]}, {"s": "b", "n": 3}, {"s": "a"}
    )
    before = await jobs.find({}, sort=[("_id", 1)])
    assert await jobs.aggregate(pipeline) == expected
    assert await jobs.find({}, sort=[("_id", 1)]) == before


NOT_KNOWN: list[Document] = [
    {"$where": "this.n"},
    {"n": {"$no": 1}},
    {"$or": []},
    {"n": {"$in": 1}},
    {"$expr": {"$lt": ["$at", "$$NOPE"]}},
]


@pytest.mark.parametrize("filter", NOT_KNOWN, ids=str)
async def test_a_filter_that_means_nothing_is_refused(jobs: Collection, filter: Document) -> None:
    await stored(jobs, {"n": 1})
    with pytest.raises(StoreRefused):
        await jobs.find(filter)
