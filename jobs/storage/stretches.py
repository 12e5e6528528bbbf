"""Reads a page of an order a stretch of time at a time, so that a server that sorts what it finds never sorts much.

Not every server reads an order from an index (docs/query_plans.md). A stretch is made so long that it holds few
documents: it is counted first, up to that many, then made shorter or read. What is wanted is not decided here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from jobs.storage.paging import A_MILLISECOND, Page, Question
from jobs.storage.store import Collection, Document

MANY = 1_000
"""Fewer documents are sorted in a few milliseconds."""

FIRST = timedelta(days=7)
LONGEST = timedelta(days=365 * 10)
"""The stretch after one as long has no end, for few documents are older; unless it was seen that many are, as beyond a
place that somebody has made up."""

SHORTER = 16
LONGER = 8
EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 12, 31, tzinfo=UTC)


async def read_page(
    collection: Collection,
    question: Question,
    start: datetime,
    projection: Sequence[str] | None = None,
    *,
    first: timedelta = FIRST,
) -> Page:
    """The same page as one sorted read gives. `start` is where nearly all documents lie behind, in the direction in
    which they are read; the first stretch also holds those that lie before it, and is of the length `first`."""
    reading = _Reading(collection, question, projection)
    edge = question.place.moment if question.place is not None else start
    return question.page(await reading.documents(edge, first))


class _Reading:
    def __init__(self, collection: Collection, question: Question, projection: Sequence[str] | None) -> None:
        self._collection = collection
        self._order = question.toward
        self._after = question.filter
        self._limit = question.limit + 1
        self._projection = projection
        self._many_are_older = False

    async def documents(self, edge: datetime, length: timedelta) -> list[Document]:
        found: list[Document] = []
        behind: datetime | None = None
        while True:
            ahead = self._ahead(edge, length)
            while (count := await self._count(self._between(behind, ahead))) == MANY and length > A_MILLISECOND:
                self._many_are_older |= ahead is None
                length = max(length // SHORTER, A_MILLISECOND)
                ahead = self._ahead(edge, length)
            if count:
                found += await self._read(self._between(behind, ahead), self._limit - len(found))
            if len(found) == self._limit or ahead is None:
                return found
            behind = edge = ahead
            length *= LONGER

    def _ahead(self, edge: datetime, length: timedelta) -> datetime | None:
        """Where a stretch of this length ends; None where nothing is beyond."""
        there_is = LATEST - edge if self._order.direction > 0 else edge - EARLIEST
        if length > (there_is if self._many_are_older else min(there_is, LONGEST)):
            return None
        return edge + self._order.direction * length

    def _between(self, behind: datetime | None, ahead: datetime | None) -> Document:
        """From `behind` on, that moment left out, until `ahead`, which is in it; None: without an end.

        Always with two ends: a server that combines indexes then takes the one of these moments alone.
        """
        earlier, later = (behind, ahead) if self._order.direction > 0 else (ahead, behind)
        from_on, until = ("$gt", "$lte") if self._order.direction > 0 else ("$gte", "$lt")
        bounds = {from_on: earlier or EARLIEST, until: later or LATEST}
        return {"$and": [self._after, {self._order.path: bounds}]}

    async def _count(self, filter: Document) -> int:
        return await self._collection.count(filter, limit=MANY)

    async def _read(self, filter: Document, limit: int) -> list[Document]:
        return await self._collection.find(filter, projection=self._projection, sort=self._order.sort, limit=limit)
