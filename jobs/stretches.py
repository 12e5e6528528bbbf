"""Reads a page of an order a stretch of time at a time, so that a server that sorts what it finds never sorts much.

Not every server reads an order from an index (docs/query_plans.md). A stretch is made so long that it holds few
documents: it is counted first, up to that many, then made shorter or read. What is wanted is not decided here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from jobs.paging import A_MILLISECOND, Page, Question
from jobs.store import Collection, Document

MANY = 1_000
"""Fewer documents are sorted in a few milliseconds."""

FIRST = timedelta(days=7)
SHORTER = 16
LONGER = 8
LONGEST = timedelta(days=50_000)


async def read_page(
    collection: Collection, question: Question, start: datetime, projection: Sequence[str] | None = None
) -> Page:
    """The same page as one sorted read gives. `start` is where nearly all documents lie behind, in the direction in
    which they are read; the first stretch also holds those that lie before it."""
    reading = _Reading(collection, question, projection)
    return question.page(await reading.documents(question.place.moment if question.place is not None else start))


class _Reading:
    def __init__(self, collection: Collection, question: Question, projection: Sequence[str] | None) -> None:
        self._collection = collection
        self._order = question.toward
        self._after = question.filter
        self._limit = question.limit + 1
        self._projection = projection

    async def documents(self, edge: datetime) -> list[Document]:
        found: list[Document] = []
        behind: datetime | None = None
        length = FIRST
        while True:
            ahead = edge + self._order.direction * length
            while (count := await self._count(self._between(behind, ahead))) == MANY and length > A_MILLISECOND:
                length = max(length // SHORTER, A_MILLISECOND)
                ahead = edge + self._order.direction * length
            if count:
                found += await self._read(self._between(behind, ahead), self._limit - len(found))
            if len(found) == self._limit:
                return found
            behind = edge = ahead
            rest = self._between(behind, None)
            if await self._count(rest) < MANY:
                return found + await self._read(rest, self._limit - len(found))
            length = min(length * LONGER, LONGEST)

    def _between(self, behind: datetime | None, ahead: datetime | None) -> Document:
        """From `behind` on, that moment left out, until `ahead`, which is in it; None: without an end."""
        past, up_to = ("$gt", "$lte") if self._order.direction > 0 else ("$lt", "$gte")
        bounds = {past: behind, up_to: ahead}
        told = {operator: moment for operator, moment in bounds.items() if moment is not None}
        return {"$and": [self._after, {self._order.path: told}]} if told else self._after

    async def _count(self, filter: Document) -> int:
        return await self._collection.count(filter, limit=MANY)

    async def _read(self, filter: Document, limit: int) -> list[Document]:
        return await self._collection.find(filter, projection=self._projection, sort=self._order.sort, limit=limit)
