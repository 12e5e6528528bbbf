"""The store of given answers, by Idempotency-Key: a file of one JSON record a line, or memory alone.

Only successes may be kept here, and one process at a time may use a file. Nothing is generated or waited for here.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import SEEK_END, FileIO
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from generator.answers import Answer

MOST_RECORDS = 10_000

T = TypeVar("T")
log = logging.getLogger(__name__)


class Record(BaseModel):
    model_config = ConfigDict(frozen=True)

    key: str
    body_hash: str
    answer: Answer


class Results:
    """The newest `most` records. The file may hold twice as many before it is written anew without the older ones.

    One thread does everything that changes records and file, in order, so that neither blocks the event loop and a
    caller that goes away in the middle leaves no half-kept record.
    """

    def __init__(self, path: Path | None, most: int = MOST_RECORDS) -> None:
        self._path = path
        self._most = most
        self._records: dict[str, Record] = {}
        self._lines = 0
        self._file: FileIO | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="generator-results")

    async def open(self) -> None:
        """Reads the file, and cuts off a last line that was never finished. Raises `OSError`."""
        await self._in_order(self._open)

    async def keep(self, record: Record) -> None:
        """Once this returns, the record is written and no buffer holds it back. Raises `OSError`: nothing is kept."""
        await self._in_order(lambda: self._keep(record))

    async def close(self) -> None:
        await self._in_order(self._close)
        self._thread.shutdown()

    def find(self, key: str) -> Record | None:
        return self._records.get(key)

    async def _in_order(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _open(self) -> None:
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._path.exists():
            self._load(self._path)
        self._file = self._path.open("ab", buffering=0)
        self._compact_if_due()

    def _load(self, path: Path) -> None:
        whole = 0
        with path.open("r+b") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    log.warning("generator.torn_line_cut_off file=%s bytes=%d", path, len(line))
                    break
                whole += len(line)
                self._lines += 1
                self._load_line(line)
            file.truncate(whole)

    def _load_line(self, line: bytes) -> None:
        try:
            self._remember(Record.model_validate_json(line))
        except ValidationError:
            log.warning("generator.unreadable_record_skipped file=%s line=%d", self._path, self._lines)

    def _keep(self, record: Record) -> None:
        if self._file is not None:
            self._append(self._file, record)
        self._remember(record)
        self._compact_if_due()

    def _append(self, file: FileIO, record: Record) -> None:
        rest = memoryview(_line(record))
        before = file.seek(0, SEEK_END)
        try:
            while rest:
                rest = rest[file.write(rest) :]
        except OSError:
            # The next record must not go on behind half a line.
            file.truncate(before)
            raise
        self._lines += 1

    def _remember(self, record: Record) -> None:
        self._records.pop(record.key, None)
        self._records[record.key] = record
        if len(self._records) > self._most:
            del self._records[next(iter(self._records))]

    def _compact_if_due(self) -> None:
        if self._file is None or self._path is None or self._lines <= 2 * self._most:
            return
        try:
            self._write_anew(self._path)
        except OSError as error:
            log.warning("generator.file_not_shortened file=%s error=%s", self._path, error)
            return
        self._file.close()
        self._file = self._path.open("ab", buffering=0)
        self._lines = len(self._records)

    def _write_anew(self, path: Path) -> None:
        fresh = path.with_name(path.name + ".new")
        with fresh.open("wb") as file:
            file.writelines(_line(record) for record in self._records.values())
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _line(record: Record) -> bytes:
    return record.model_dump_json().encode() + b"\n"
