"""The port as one simulated process sees it: every operation waits for its turn on the schedule.

What it does is the embedded store's doing. What a server does document by document is divided here likewise.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, TypeVar

from jobs.storage.store import Collection, Document, Filter, Index, Name, Sort, Store, Update
from tests.support.simulation.schedule import Process, Steps

T = TypeVar("T")


def at_once(step: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that only lets others run first, as those of the embedded store in memory do."""
    while True:
        try:
            step.send(None)
        except StopIteration as done:
            result: T = done.value
            return result


def in_one_step(call: Callable[[], T]) -> Steps[T]:
    return call()
    yield


class SimulatedStore:
    """Implements `jobs.storage.store.Store`."""

    def __init__(self, process: Process, store: Store, now: Callable[[], datetime]) -> None:
        self.max_live_jobs = store.max_live_jobs
        self._process = process
        self._store = store
        self._now = now

    def collection(self, name: Name) -> SimulatedCollection:
        return SimulatedCollection(self._process, name, self._store.collection(name))

    async def server_time(self) -> datetime:
        return await self._process.does("store.server_time", in_one_step(self._now))

    async def create_indexes(self, indexes: Sequence[Index]) -> None:
        call = self._store.create_indexes
        await self._process.does("store.create_indexes", in_one_step(lambda: at_once(call(indexes))))

    async def close(self) -> None:
        """Left to whoever made the store."""


class SimulatedCollection:
    """Implements `jobs.storage.store.Collection`."""

    def __init__(self, process: Process, name: Name, collection: Collection) -> None:
        self.name = name
        self._process = process
        self._to = collection

    async def _reads(self, operation: str, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return await self._process.does(f"{self.name}.{operation}", in_one_step(lambda: at_once(call())))

    async def _writes(self, operation: str, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return await self._divided(operation, in_one_step(lambda: at_once(call())))

    async def _divided(self, operation: str, steps: Steps[T]) -> T:
        return await self._process.does(f"{self.name}.{operation}", steps, writes=True)

    async def find_one(
        self, filter: Filter, *, projection: Sequence[str] | None = None, sort: Sort | None = None
    ) -> Document | None:
        return await self._reads("find_one", lambda: self._to.find_one(filter, projection=projection, sort=sort))

    async def find(
        self,
        filter: Filter,
        *,
        projection: Sequence[str] | None = None,
        sort: Sort | None = None,
        limit: int = 0,
    ) -> list[Document]:
        return await self._reads("find", lambda: self._to.find(filter, projection=projection, sort=sort, limit=limit))

    async def count(self, filter: Filter, *, limit: int = 0) -> int:
        return await self._reads("count", lambda: self._to.count(filter, limit=limit))

    async def aggregate(self, pipeline: Sequence[Filter]) -> list[Document]:
        return await self._reads("aggregate", lambda: self._to.aggregate(pipeline))

    async def insert_one(self, document: Document) -> None:
        await self._writes("insert_one", lambda: self._to.insert_one(document))

    async def insert_many(self, documents: Sequence[Document]) -> None:
        def one_by_one() -> Steps[None]:
            for number, document in enumerate(documents):
                if number:
                    yield
                at_once(self._to.insert_one(document))

        await self._divided("insert_many", one_by_one())

    async def update_one(self, filter: Filter, update: Update, *, upsert: bool = False) -> int:
        return await self._writes("update_one", lambda: self._to.update_one(filter, update, upsert=upsert))

    async def update_many(self, filter: Filter, update: Update) -> int:
        def one_by_one() -> Steps[int]:
            matched = 0
            for number, only in enumerate(self._each(filter)):
                if number:
                    yield
                matched += at_once(self._to.update_one(only, update))
            return matched

        return await self._divided("update_many", one_by_one())

    async def find_one_and_update(
        self, filter: Filter, update: Update, *, sort: Sort | None = None, upsert: bool = False
    ) -> Document | None:
        return await self._writes(
            "find_one_and_update",
            lambda: self._to.find_one_and_update(filter, update, sort=sort, upsert=upsert),
        )

    async def delete_one(self, filter: Filter) -> int:
        return await self._writes("delete_one", lambda: self._to.delete_one(filter))

    async def delete_many(self, filter: Filter) -> int:
        def one_by_one() -> Steps[int]:
            deleted = 0
            for number, only in enumerate(self._each(filter)):
                if number:
                    yield
                deleted += at_once(self._to.delete_one(only))
            return deleted

        return await self._divided("delete_many", one_by_one())

    def _each(self, filter: Filter) -> list[Document]:
        """The same filter for each document that matches now; it is asked again when its turn comes."""
        found = at_once(self._to.find(filter, projection=[]))
        return [{**filter, "_id": document["_id"]} for document in found]
