"""The embedded store's journal: one file of checksummed records, appended to, read at start, rewritten at times.

What a record says is not known here: it is bytes.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from jobs.errors import PressrunError, StoreRefused, StoreUnavailable

FORMAT = b"pressrun journal 1\n"
MARK = b"\xf5\xffPR"
HEAD = struct.Struct("<4sQII")
"""The mark, how much of the file was known to be on the disk, the payload's length, a checksum of it all."""
LARGE = 8 * 1024 * 1024


@dataclass(eq=False)
class JournalDamaged(PressrunError):
    """The journal {path} is damaged at byte {offset}: put a copy of it back, or move it away to start empty."""

    path: Path
    offset: int


@dataclass(frozen=True)
class Record:
    payload: memoryview
    durable: int
    end: int


@dataclass(frozen=True)
class Draft:
    """A new journal, complete and on the disk, that has not taken the old one's place yet."""

    descriptor: int
    size: int


def framed(payload: bytes, durable: int) -> bytes:
    return HEAD.pack(MARK, durable, len(payload), _checksum(durable, payload)) + payload


def _checksum(durable: int, payload: bytes | memoryview) -> int:
    return zlib.crc32(payload, zlib.crc32(struct.pack("<QI", durable, len(payload))))


def _record_at(data: memoryview, offset: int) -> Record | None:
    if offset + HEAD.size > len(data):
        return None
    mark, durable, length, checksum = HEAD.unpack_from(data, offset)
    start, end = offset + HEAD.size, offset + HEAD.size + length
    if mark != MARK or end > len(data) or _checksum(durable, data[start:end]) != checksum:
        return None
    return Record(data[start:end], durable, end)


def read(path: Path) -> tuple[list[memoryview], int]:
    """The payloads, and where the last whole record ends: what follows is a torn tail.

    Raises `JournalDamaged` where a later record proves that the damaged part had been on the disk. After a power cut
    the last second may be missing in pieces, and is dropped; nothing older is ever dropped silently.
    """
    data = path.read_bytes()
    if not data.startswith(FORMAT):
        raise JournalDamaged(path, 0)
    view = memoryview(data)
    payloads: list[memoryview] = []
    end = len(FORMAT)
    while (record := _record_at(view, end)) is not None:
        if record.payload:
            payloads.append(record.payload)
        end = record.end
    found = data.find(MARK, end + 1)
    while found != -1:
        later = _record_at(view, found)
        if later is not None and later.durable > end:
            raise JournalDamaged(path, end)
        found = data.find(MARK, found + 1)
    return payloads, end


class Journal:
    """One process writes it. `sync` and `draft` may run in another thread than the rest, one of them at a time."""

    def __init__(self, path: Path, descriptor: int, size: int) -> None:
        self._path = path
        self._descriptor: int | None = descriptor
        self._durable = 0
        self._written_at_start = size
        self.size = size

    @classmethod
    def continued(cls, path: Path, size: int) -> Journal:
        """The journal at `path`, from `size` on."""
        descriptor = os.open(path, os.O_RDWR)
        os.ftruncate(descriptor, size)
        return cls(path, descriptor, size)

    @classmethod
    def written(cls, path: Path, payloads: Iterable[bytes]) -> Journal:
        """A new journal in the place of any that is there."""
        draft = cls.draft(path, payloads)
        journal = cls(path, draft.descriptor, draft.size)
        journal._take_place()
        journal._durable = draft.size
        return journal

    @classmethod
    def draft(cls, path: Path, payloads: Iterable[bytes]) -> Draft:
        """Raises OSError, and leaves nothing behind then."""
        beside = _beside(path)
        descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            size = _write(descriptor, FORMAT, 0)
            for payload in payloads:
                size = _write(descriptor, framed(payload, 0), size)
            os.fsync(descriptor)
        except BaseException:
            os.close(descriptor)
            beside.unlink()
            raise
        return Draft(descriptor, size)

    @property
    def has_outgrown_itself(self) -> bool:
        return self.size > max(LARGE, 2 * self._written_at_start)

    def append(self, payload: bytes) -> None:
        """One write, complete or not there. Raises `StoreUnavailable`."""
        if self._descriptor is None:
            raise StoreRefused("the embedded store is closed")
        try:
            self.size = _write(self._descriptor, framed(payload, self._durable), self.size)
        except OSError as error:
            # a part that cannot be cut off is overwritten by the next record, or is a torn tail
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self.size)
            raise StoreUnavailable(f"its journal cannot be written: {error.strerror}") from error

    def sync(self) -> None:
        if self._descriptor is not None:
            written = self.size
            os.fsync(self._descriptor)
            self._durable = written

    def replace(self, draft: Draft, since: int) -> None:
        """Put the draft in this journal's place, with all that was appended after `since`.

        Raises OSError, and nothing has changed then.
        """
        assert self._descriptor is not None
        try:
            size = _write(draft.descriptor, os.pread(self._descriptor, self.size - since, since), draft.size)
            os.fsync(draft.descriptor)
            self._take_place()
        except OSError:
            os.close(draft.descriptor)
            _beside(self._path).unlink(missing_ok=True)
            raise
        os.close(self._descriptor)
        self._descriptor, self.size = draft.descriptor, size
        self._durable = self._written_at_start = size

    def close(self) -> None:
        """Everything is on the disk afterwards, and the file says so. Raises OSError."""
        if self._descriptor is None:
            return
        try:
            self.sync()
            with contextlib.suppress(StoreUnavailable):  # only the proof is missing then
                self.append(b"")
        finally:
            os.close(self._descriptor)
            self._descriptor = None

    def _take_place(self) -> None:
        _beside(self._path).replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".new")


def _write(descriptor: int, data: bytes, offset: int) -> int:
    """Where it ends."""
    remaining = memoryview(data)
    while remaining:
        count = os.pwrite(descriptor, remaining, offset)
        offset += count
        remaining = remaining[count:]
    return offset
