"""The port to the database: the few operations the protocol needs, the same on MongoDB and on the embedded store.

No rule about bulks or jobs may be spelled here; no driver type may leave this file's implementations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

Document = dict[str, Any]
Filter = Mapping[str, Any]
Update = Mapping[str, Any]
Sort = Sequence[tuple[str, int]]
Name = Literal[
    "bulk_jobs",
    "generation_jobs",
    "limits",
    "creations",
    "workers",
    "api_keys",
    "pipelines",
    "targets",
    "assets",
    "tallies",
    "templates",
    "schedules",
    "firings",
    "notices",
    "deliveries",
    "endpoints",
    "preferences",
    "mailboxes",
    "sessions",
    "users",
    "user_counts",
    "removals",
    "replicas",
    "database_format",
]
"""`sessions` and `users` are the application's: they are read, and never written."""


class Collection(Protocol):
    """Operations on one collection. Each is atomic for one document and acknowledged by a majority.

    Every method raises `StoreUnavailable` where the database cannot be reached (the write may or may not have taken
    effect), `DuplicateKey` where a unique index stands against it, and `StoreRefused` for any other refusal.
    """

    async def find_one(
        self, filter: Filter, *, projection: Sequence[str] | None = None, sort: Sort | None = None
    ) -> Document | None: ...

    async def find(
        self,
        filter: Filter,
        *,
        projection: Sequence[str] | None = None,
        sort: Sort | None = None,
        limit: int = 0,
    ) -> list[Document]: ...

    async def count(self, filter: Filter, *, limit: int = 0) -> int: ...

    async def aggregate(self, pipeline: Sequence[Filter]) -> list[Document]: ...

    async def insert_one(self, document: Document) -> None: ...

    async def insert_many(self, documents: Sequence[Document]) -> None:
        """In order; where one is refused, those before it are stored."""

    async def update_one(self, filter: Filter, update: Update, *, upsert: bool = False) -> int:
        """How many documents matched: 0 or 1 (1 for an upsert that inserted)."""

    async def update_many(self, filter: Filter, update: Update) -> int:
        """How many documents matched. Not atomic over several documents."""

    async def find_one_and_update(
        self, filter: Filter, update: Update, *, sort: Sort | None = None, upsert: bool = False
    ) -> Document | None:
        """The first match, changed, as it is afterwards; None where nothing matched."""

    async def delete_one(self, filter: Filter) -> int: ...

    async def delete_many(self, filter: Filter) -> int: ...


@dataclass(frozen=True)
class Index:
    """One index. `query` names the query that needs it; a unique or partial one says so."""

    collection: Name
    keys: tuple[tuple[str, int], ...]
    query: str
    unique: bool = False
    where: Filter | None = None
    expire_after_seconds: int | None = None

    @property
    def name(self) -> str:
        return "pressrun_" + "_".join(field.replace(".", "-") for field, _ in self.keys)


class Store(Protocol):
    """A database: its collections, its clock, its indexes, and how much it can hold."""

    max_live_jobs: int | None
    """The most jobs that may be queued, running or waiting at once; None where only the disk is the limit."""

    def collection(self, name: Name) -> Collection: ...

    async def server_time(self) -> datetime:
        """The database's own clock, UTC, now."""

    async def create_indexes(self, indexes: Sequence[Index]) -> None:
        """Make the indexes that are not there yet. Safe to call at every start, by several processes at once."""

    async def close(self) -> None: ...
