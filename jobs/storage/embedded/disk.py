"""Keeps the tables of an open store on the disk: loads, appends, syncs once a second, rewrites when there is need.

No document is judged or changed here.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import structlog

from jobs.errors import StoreUnavailable
from jobs.storage.embedded import journal as journals
from jobs.storage.embedded.folder import Folder
from jobs.storage.embedded.journal import Journal
from jobs.storage.embedded.table import Table
from jobs.storage.embedded.values import decoded, image_of, put_record
from jobs.storage.store import Document

JOURNAL: Final = "journal"
SYNC_SECONDS: Final = 1.0
REWRITE_AGAIN_SECONDS: Final = 30.0

Tables = dict[str, Table]

log = structlog.get_logger()


class Disk:
    def __init__(self, folder: Folder, journal: Journal, tables: Tables) -> None:
        self._folder = folder
        self._journal = journal
        self._tables = tables
        self._appended = asyncio.Event()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_suspect = False
        self._no_rewrite_before = 0.0

    @classmethod
    def loaded(cls, path: Path) -> tuple[Disk, Tables]:
        """Blocks. Raises `FolderInUse`, `JournalDamaged` and OSError."""
        folder = Folder(path)
        try:
            tables: Tables = {}
            return cls(folder, _load(path / JOURNAL, tables), tables), tables
        except BaseException:
            folder.release()
            raise

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep(), name="embedded-store-disk")

    async def stop(self) -> None:
        """Raises OSError where the last sync failed, and whatever ended the upkeep before its time."""
        self._stopping.set()
        self._appended.set()
        try:
            if self._task is not None:
                await asyncio.wait([self._task])
                self._task.result()
        finally:
            try:
                await asyncio.to_thread(self._journal.close)
            finally:
                self._folder.release()

    def append(self, payload: bytes) -> None:
        """Raises `StoreUnavailable`, and nothing is appended then."""
        if not self._stopping.is_set() and (self._task is None or self._task.done()):
            raise StoreUnavailable("the upkeep of its journal has ended")
        self._journal.append(payload)
        self._appended.set()

    async def _keep(self) -> None:
        while not self._stopping.is_set():
            await self._appended.wait()
            self._appended.clear()
            await self._sync()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), SYNC_SECONDS)

    async def _sync(self) -> None:
        try:
            await asyncio.to_thread(self._journal.sync)
        except OSError as error:
            # the kernel forgets what it failed to write: only writing everything anew, from memory, is safe
            self._is_suspect = True
            log.warning("journal_sync_failed", error=error.strerror)
        if not self._is_suspect and not self._journal.has_outgrown_itself:
            return
        if time.monotonic() < self._no_rewrite_before:
            self._appended.set()
            return
        try:
            await self._rewrite()
            self._is_suspect = False
        except OSError as error:
            self._no_rewrite_before = time.monotonic() + REWRITE_AGAIN_SECONDS
            log.warning("journal_rewrite_failed", error=error.strerror)

    async def _rewrite(self) -> None:
        since = self._journal.size
        stored = [(name, table.documents()) for name, table in self._tables.items()]
        draft = await asyncio.to_thread(Journal.draft, self._folder.path / JOURNAL, _payloads(stored))
        self._journal.replace(draft, since)


def _load(path: Path, tables: Tables) -> Journal:
    if not path.exists():
        return Journal.written(path, [])
    payloads, end = journals.read(path)
    for payload in payloads:
        record = decoded(payload)
        name = record["in"]
        table = tables.setdefault(name, Table(name))
        if "put" in record:
            table.put(record["put"])
        for document_id in record.get("drop", ()):
            table.remove(document_id)
    torn = path.stat().st_size - end
    if torn:
        log.warning("journal_tail_dropped", bytes=torn)
    if torn or len(payloads) > sum(len(table) for table in tables.values()):
        return Journal.written(path, _payloads((name, table.documents()) for name, table in tables.items()))
    return Journal.continued(path, end)


def _payloads(stored: Iterable[tuple[str, list[Document]]]) -> Iterator[bytes]:
    return (put_record(name, image_of(document)) for name, documents in stored for document in documents)
