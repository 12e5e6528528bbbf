"""Pages that are read a stretch of time at a time are the pages that one sorted read gives."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId

from jobs.storage import stretches
from jobs.storage.paging import Order, Page, Place, Question
from jobs.storage.store import Collection, Document, Filter, Sort, Store
from jobs.storage.stretches import read_page

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
OLDER = [timedelta(minutes=-3), *[timedelta(days=age) for age in (0, 0, 1, 2, 6, 8, 40, 41, 400, 9_000)]]
BURST = [timedelta(days=20)] * 9
"""More at one moment than a stretch is to hold."""


class Watched:
    """How many documents each sorted read of a collection has found: what a server that sorts would have sorted; and
    how often it was asked."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self.sorted: list[int] = []
        self.asked = 0

    async def count(self, filter: Filter, *, limit: int = 0) -> int:
        self.asked += 1
        return await self._collection.count(filter, limit=limit)

    async def find(
        self, filter: Filter, *, projection: Sequence[str] | None = None, sort: Sort | None = None, limit: int = 0
    ) -> list[Document]:
        self.sorted.append(await self._collection.count(filter))
        return await self._collection.find(filter, projection=projection, sort=sort, limit=limit)


@pytest.fixture(autouse=True)
def _small_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stretches, "MANY", 5)


async def filled(store: Store, ages: Sequence[timedelta]) -> list[Document]:
    documents: list[Document] = [{"_id": ObjectId(), "userId": "me", "at": NOW - age} for age in ages]
    random.Random(len(ages)).shuffle(documents)
    others = [{"_id": ObjectId(), "userId": "other", "at": NOW - age} for age in ages]
    await store.collection("bulk_jobs").insert_many(documents + others)
    return documents


def in_order(documents: Sequence[Document], order: Order) -> list[Any]:
    return [
        one["_id"] for one in sorted(documents, key=lambda one: (one["at"], one["_id"]), reverse=order.direction < 0)
    ]


async def read(collection: Any, order: Order, limit: int, cursor: str | None) -> Page:
    return await read_page(collection, Question({"userId": "me"}, order, limit, Place.read(cursor)), NOW)


@pytest.mark.parametrize("order", [Order("at", -1), Order("at", 1)])
@pytest.mark.parametrize("limit", [1, 3, 7, 50])
@pytest.mark.parametrize("ages", [[], OLDER, OLDER + BURST])
async def test_all_pages_together_are_the_whole_in_order_and_the_way_back_is_the_same(
    store: Store, order: Order, limit: int, ages: list[timedelta]
) -> None:
    documents = in_order(await filled(store, ages), order)
    collection = store.collection("bulk_jobs")
    pages = [await read(collection, order, limit, None)]
    while pages[-1].next_cursor is not None:
        pages.append(await read(collection, order, limit, pages[-1].next_cursor))
    assert [one["_id"] for page in pages for one in page.documents] == documents
    assert all(len(page.documents) == limit for page in pages[:-1])
    assert pages[0].previous_cursor is None
    back, cursor = [pages[-1]], pages[-1].previous_cursor
    while cursor is not None:
        back.append(await read(collection, order, limit, cursor))
        cursor = back[-1].previous_cursor
    assert [page.documents for page in back] == [page.documents for page in reversed(pages)]
    assert all(page.next_cursor is not None for page in back[1:])


@pytest.mark.parametrize("order", [Order("at", -1), Order("at", 1)])
async def test_no_more_than_a_stretch_is_sorted_where_moments_differ(store: Store, order: Order) -> None:
    ages = [timedelta(seconds=number**3) for number in range(120)]
    documents = in_order(await filled(store, ages), order)
    watched = Watched(store.collection("bulk_jobs"))
    start = NOW if order.direction < 0 else NOW - ages[-1]
    question = Question({"userId": "me"}, order, 20)
    page = await read_page(watched, question, start)  # type: ignore[arg-type]
    assert [one["_id"] for one in page.documents] == documents[:20]
    assert max(watched.sorted) < 5


async def test_a_page_whose_neighbours_are_gone_still_leads_on(store: Store) -> None:
    documents = in_order(await filled(store, [timedelta(days=age) for age in range(6)]), Order("at", -1))
    collection = store.collection("bulk_jobs")
    first = await read(collection, Order("at", -1), 2, None)
    second = await read(collection, Order("at", -1), 2, first.next_cursor)
    await collection.delete_many({"_id": {"$in": documents[:2]}})
    before = await read(collection, Order("at", -1), 2, second.previous_cursor)
    assert (before.documents, before.previous_cursor) == ([], None)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("moment", [datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)])
async def test_a_place_at_the_end_of_time_is_a_place(
    store: Store, moment: datetime, direction: int, *, backwards: bool
) -> None:
    """Anybody can make up a cursor; it costs little."""
    order = Order("at", direction)
    documents = in_order(await filled(store, OLDER), order)
    place = Place(moment, ObjectId("0" * 24), backwards)
    watched = Watched(store.collection("bulk_jobs"))
    page = await read(watched, order, 50, place.cursor)
    beyond = (moment > NOW) == (direction > 0)
    assert [one["_id"] for one in page.documents] == (documents if beyond == backwards else [])
    assert watched.asked < 100
