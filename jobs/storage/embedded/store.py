"""The store for one process with nothing else to install: documents in memory, every change in a journal.

A change is answered once the operating system has it, so a kill loses nothing; it is on the disk within a second, so
a power cut may lose that second. No operation is carried out here (`jobs/storage/embedded/collection.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from jobs.clock import whole_milliseconds
from jobs.storage.embedded.collection import EmbeddedCollection
from jobs.storage.embedded.disk import Disk, Tables
from jobs.storage.embedded.table import Table
from jobs.storage.store import Index, Name

MAX_LIVE_JOBS: Final = 2000


def _wall_clock() -> datetime:
    return whole_milliseconds(datetime.now(UTC))


class EmbeddedStore:
    """Implements `jobs.storage.store.Store`. Made with `open` or `in_memory`. `now` is its clock."""

    def __init__(
        self, tables: Tables, disk: Disk | None, max_live_jobs: int, now: Callable[[], datetime] = _wall_clock
    ) -> None:
        self.max_live_jobs: int | None = max_live_jobs
        self._tables = tables
        self._disk = disk
        self._now = now
        self._collections: dict[str, EmbeddedCollection] = {}

    @classmethod
    def in_memory(cls, *, max_live_jobs: int = MAX_LIVE_JOBS) -> EmbeddedStore:
        """Keeps nothing."""
        return cls({}, None, max_live_jobs)

    @classmethod
    async def open(cls, folder: Path, *, max_live_jobs: int = MAX_LIVE_JOBS) -> EmbeddedStore:
        """The store in `folder`, which is made if need be.

        Raises `FolderInUse` while another process has it open, `JournalDamaged` where what was stored cannot be read,
        and OSError where the folder cannot be used.
        """
        disk, tables = await asyncio.to_thread(Disk.loaded, folder)
        disk.start()
        return cls(tables, disk, max_live_jobs)

    def collection(self, name: Name) -> EmbeddedCollection:
        if name not in self._collections:
            append = _nowhere if self._disk is None else self._disk.append
            self._collections[name] = EmbeddedCollection(self._table(name), append, self._now)
        return self._collections[name]

    async def server_time(self) -> datetime:
        return self._now()

    async def create_indexes(self, indexes: Sequence[Index]) -> None:
        """Raises `StoreRefused` where stored documents stand against a unique one."""
        for index in indexes:
            self._table(index.collection).add_index(index)

    async def close(self) -> None:
        """Everything is on the disk afterwards. Raises OSError where that failed."""
        if self._disk is not None:
            await self._disk.stop()

    def _table(self, name: str) -> Table:
        return self._tables.setdefault(name, Table(name))


def _nowhere(payload: bytes) -> None:
    """Where a store that keeps nothing appends to."""
