"""The port's operations on one table. Each lets others run first, then takes effect in one step.

A change is worked out, journaled and put in its place without a pause, so that a failure or a cancelled task leaves
all of it or nothing: no `await` may stand between these. No filter or update is evaluated here.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from bson import ObjectId

from jobs.errors import DuplicateKey, StoreRefused
from jobs.storage.embedded import reading
from jobs.storage.embedded.condition import Condition
from jobs.storage.embedded.engine import Scratch, aggregated
from jobs.storage.embedded.language import operators_in, pipeline_for_mongomock
from jobs.storage.embedded.table import Table
from jobs.storage.embedded.updates import check_update
from jobs.storage.embedded.values import decoded, drop_record, image_of, key_of, normal, put_record
from jobs.storage.store import Document, Filter, Sort, Update

MANY = 100
"""How many documents one step changes: a larger command lets others run in between, as on a server."""
EXPIRY_SECONDS = 60.0


class EmbeddedCollection:
    def __init__(self, table: Table, append: Callable[[bytes], None], now: Callable[[], datetime]) -> None:
        self._table = table
        self._append = append
        self._now = now
        self._scratch = Scratch()
        self._expired_at = float("-inf")

    async def find_one(
        self, filter: Filter, *, projection: Sequence[str] | None = None, sort: Sort | None = None
    ) -> Document | None:
        found = await self.find(filter, projection=projection, sort=sort, limit=1)
        return found[0] if found else None

    async def find(
        self,
        filter: Filter,
        *,
        projection: Sequence[str] | None = None,
        sort: Sort | None = None,
        limit: int = 0,
    ) -> list[Document]:
        await _others_first()
        return reading.copies(self._found(Condition.of(filter), sort, limit), projection)

    async def count(self, filter: Filter, *, limit: int = 0) -> int:
        await _others_first()
        return len(self._found(Condition.of(filter), None, limit))

    async def aggregate(self, pipeline: Sequence[Filter]) -> list[Document]:
        await _others_first()
        stages: list[Document] = normal(list(pipeline))
        first = stages.pop(0)["$match"] if stages and "$match" in stages[0] else {}
        documents = self._found(Condition.of(first), None, 0)
        return reading.copies(aggregated(documents, pipeline_for_mongomock(stages)), None)

    async def insert_one(self, document: Document) -> None:
        document.setdefault("_id", ObjectId())
        await _others_first()
        self._expire()
        self._insert(document)

    async def insert_many(self, documents: Sequence[Document]) -> None:
        for document in documents:
            document.setdefault("_id", ObjectId())
        for some in _batches(documents):
            await _others_first()
            self._expire()
            for document in some:
                self._insert(document)

    async def update_one(self, filter: Filter, update: Update, *, upsert: bool = False) -> int:
        return 0 if await self._update_first(filter, update, None, upsert) is None else 1

    async def update_many(self, filter: Filter, update: Update) -> int:
        await _others_first()
        condition, change = self._asked(filter, update)
        keys = [key_of(document["_id"]) for document in self._table.matching(condition)]
        matched = 0
        for number, some in enumerate(_batches(keys)):
            if number:
                await _others_first()
            # what others changed meanwhile is judged again
            still = (self._table.get(key) for key in some)
            for document in [one for one in still if one is not None and condition.holds(one)]:
                self._put(self._scratch.updated(document, change))
                matched += 1
        return matched

    async def find_one_and_update(
        self, filter: Filter, update: Update, *, sort: Sort | None = None, upsert: bool = False
    ) -> Document | None:
        changed = await self._update_first(filter, update, sort, upsert)
        return None if changed is None else normal(changed)

    async def delete_one(self, filter: Filter) -> int:
        await _others_first()
        return self._delete(self._found(Condition.of(filter), None, 1))

    async def delete_many(self, filter: Filter) -> int:
        await _others_first()
        return self._delete(self._found(Condition.of(filter), None, 0))

    async def _update_first(self, filter: Filter, update: Update, sort: Sort | None, upsert: bool) -> Document | None:
        await _others_first()
        condition, change = self._asked(filter, update)
        found = self._found(condition, sort, 1)
        if found:
            return self._put(self._scratch.updated(found[0], change))
        if not upsert:
            return None
        self._expire()
        return self._insert(self._scratch.upserted(_for_upsert(condition), change))

    def _asked(self, filter: Filter, update: Update) -> tuple[Condition, Document]:
        change: Document = normal(update)
        check_update(change)
        if dated := change.pop("$currentDate", None):
            change.setdefault("$set", {}).update(dict.fromkeys(dated, self._now()))
        return Condition.of(filter), change

    def _found(self, condition: Condition, sort: Sort | None, limit: int) -> list[Document]:
        matching = self._table.matching(condition)
        if sort:
            return reading.in_order(matching, sort)[: limit or None]
        return list(itertools.islice(matching, limit or None))

    def _insert(self, document: Document) -> Document:
        document_id = document["_id"]
        if self._table.get(key_of(normal(document_id))) is not None:
            raise DuplicateKey(f"_id {document_id}")
        return self._put(document)

    def _put(self, document: Document) -> Document:
        image = image_of({"_id": document["_id"], **document})
        stored = decoded(image)
        self._table.check(stored)
        self._append(put_record(self._table.name, image))
        self._table.put(stored)
        return stored

    def _delete(self, documents: Sequence[Document]) -> int:
        ids = [document["_id"] for document in documents]
        if ids:
            self._append(drop_record(self._table.name, ids))
        for document_id in ids:
            self._table.remove(document_id)
        return len(ids)

    def _expire(self) -> None:
        """A server's expiry runs once a minute; here before an insert, which is when it matters."""
        now = time.monotonic()
        if now - self._expired_at >= EXPIRY_SECONDS:
            self._expired_at = now
            self._delete(self._table.expired(datetime.now(UTC)))


async def _others_first() -> None:
    # the only pause: a race between two tasks shows here as it would on a server
    await asyncio.sleep(0)


def _for_upsert(condition: Condition) -> Document:
    if "$and" in condition.said or "$eq" not in operators_in(condition.said.get("_id")):
        raise StoreRefused("the embedded store upserts only by plain equalities outside of $and")
    return condition.said


def _batches(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (items[start : start + MANY] for start in range(0, len(items), MANY))
