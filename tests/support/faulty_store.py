"""A store that fails as a test has planned: before an operation takes effect, after it, or altogether while it is down.

It wraps a real store, and so stands at the outward edge: `StoreUnavailable` is all that the code under test is told.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from jobs.errors import StoreUnavailable
from jobs.storage.store import Collection, Document, Filter, Index, Name, Sort, Store, Update
from tests.support.news import News

T = TypeVar("T")


@dataclass(frozen=True)
class Planned:
    """`act` is called once, before the operation or when it has taken effect; it may raise.

    A `deaf` one then waits to be cancelled, and answers as if it had not been.
    """

    act: Callable[[], object]
    after: bool
    deaf: bool = False


class FaultyStore:
    """Implements `jobs.storage.store.Store`."""

    def __init__(self, store: Store) -> None:
        self.max_live_jobs = store.max_live_jobs
        self.done: Counter[tuple[str, str]] = Counter()
        self.struck = 0
        self._store = store
        self._plans: dict[tuple[str, str], deque[Planned]] = defaultdict(deque)
        self._down = False
        self._news = News()

    def go_down(self) -> None:
        """No operation is answered, or takes effect."""
        self._down = True

    def come_back(self) -> None:
        self._down = False

    def break_before(self, collection: str, operation: str, *, times: int = 1) -> None:
        """The next such operations do not arrive."""
        self._plans[collection, operation].extend([Planned(self._break, after=False)] * times)

    def break_after(self, collection: str, operation: str, *, times: int = 1) -> None:
        """The next such operations take effect, and their answers are lost."""
        self._plans[collection, operation].extend([Planned(self._break, after=True)] * times)

    def before(self, collection: str, operation: str, act: Callable[[], object]) -> None:
        """At the next such operation, first do this."""
        self._plans[collection, operation].append(Planned(act, after=False))

    def after(self, collection: str, operation: str, act: Callable[[], object]) -> None:
        """Once the next such operation has taken effect, do this."""
        self._plans[collection, operation].append(Planned(act, after=True))

    def swallow_cancellation(self, collection: str, operation: str) -> None:
        """The next such operation does not answer before it is cancelled: `asyncio.wait_for` before Python 3.12."""
        self._plans[collection, operation].append(Planned(lambda: None, after=True, deaf=True))

    async def was_struck(self, count: int) -> None:
        """Wait until this many operations have been broken, or refused while down."""
        await self._news.until(lambda: self.struck >= count, f"{count} broken operations")

    async def did(self, collection: str, operation: str, count: int) -> None:
        """Wait until this many such operations have taken effect."""
        await self._news.until(
            lambda: self.done[collection, operation] >= count, f"{count} of {collection}.{operation}"
        )

    async def run(self, collection: str, operation: str, call: Callable[[], Awaitable[T]]) -> T:
        if self._down:
            self._break()
        plans = self._plans[collection, operation]
        planned = plans.popleft() if plans else None
        if planned and not planned.after:
            planned.act()
        answer = await call()
        self.done[collection, operation] += 1
        self._news.tell()
        if planned and planned.after:
            planned.act()
        if planned and planned.deaf:
            await _cancelled()
        return answer

    def collection(self, name: Name) -> FaultyCollection:
        return FaultyCollection(self, name, self._store.collection(name))

    async def server_time(self) -> datetime:
        return await self.run("store", "server_time", self._store.server_time)

    async def create_indexes(self, indexes: Sequence[Index]) -> None:
        await self.run("store", "create_indexes", lambda: self._store.create_indexes(indexes))

    async def close(self) -> None:
        """Left to whoever made the store."""

    def _break(self) -> None:
        self.struck += 1
        self._news.tell()
        raise StoreUnavailable("cut by a test")


async def _cancelled() -> None:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        pass


class FaultyCollection:
    """Implements `jobs.storage.store.Collection`."""

    def __init__(self, store: FaultyStore, name: Name, collection: Collection) -> None:
        self._store = store
        self._name = name
        self._to = collection

    async def _run(self, operation: str, call: Callable[[], Awaitable[T]]) -> T:
        return await self._store.run(self._name, operation, call)

    async def find_one(
        self, filter: Filter, *, projection: Sequence[str] | None = None, sort: Sort | None = None
    ) -> Document | None:
        return await self._run("find_one", lambda: self._to.find_one(filter, projection=projection, sort=sort))

    async def find(
        self,
        filter: Filter,
        *,
        projection: Sequence[str] | None = None,
        sort: Sort | None = None,
        limit: int = 0,
    ) -> list[Document]:
        return await self._run("find", lambda: self._to.find(filter, projection=projection, sort=sort, limit=limit))

    async def count(self, filter: Filter, *, limit: int = 0) -> int:
        return await self._run("count", lambda: self._to.count(filter, limit=limit))

    async def aggregate(self, pipeline: Sequence[Filter]) -> list[Document]:
        return await self._run("aggregate", lambda: self._to.aggregate(pipeline))

    async def insert_one(self, document: Document) -> None:
        await self._run("insert_one", lambda: self._to.insert_one(document))

    async def insert_many(self, documents: Sequence[Document]) -> None:
        await self._run("insert_many", lambda: self._to.insert_many(documents))

    async def update_one(self, filter: Filter, update: Update, *, upsert: bool = False) -> int:
        return await self._run("update_one", lambda: self._to.update_one(filter, update, upsert=upsert))

    async def update_many(self, filter: Filter, update: Update) -> int:
        return await self._run("update_many", lambda: self._to.update_many(filter, update))

    async def find_one_and_update(
        self, filter: Filter, update: Update, *, sort: Sort | None = None, upsert: bool = False
    ) -> Document | None:
        return await self._run(
            "find_one_and_update",
            lambda: self._to.find_one_and_update(filter, update, sort=sort, upsert=upsert),
        )

    async def delete_one(self, filter: Filter) -> int:
        return await self._run("delete_one", lambda: self._to.delete_one(filter))

    async def delete_many(self, filter: Filter) -> int:
        return await self._run("delete_many", lambda: self._to.delete_many(filter))
