"""The embedded store reads again what it wrote: torn and damaged journals, restarts, rewriting."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from jobs.errors import DuplicateKey, StoreRefused
from jobs.storage.embedded import disk, journal
from jobs.storage.embedded.journal import Journal, JournalDamaged
from jobs.storage.embedded.store import EmbeddedStore
from jobs.storage.store import Collection, Document, Index

KEY = Index("creations", (("key", 1),), "one record a key", unique=True)
EXPIRY = Index("creations", (("at", 1),), "a record is kept for an hour", expire_after_seconds=3600)


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Collection]:
    store = await EmbeddedStore.open(folder)
    try:
        yield store.collection("generation_jobs")
    finally:
        await store.close()


async def contents(folder: Path) -> list[Document]:
    async with opened(folder) as jobs:
        return await jobs.find({}, sort=[("_id", 1)])


def copied(folder: Path, to: Path, size: int | None = None) -> Path:
    """What another process would find after a kill at this moment, or after one that tore the file at `size`."""
    to.mkdir()
    shutil.copy(folder / "journal", to / "journal")
    if size is not None:
        os.truncate(to / "journal", size)
    return to


def flipped(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 0x40
    path.write_bytes(data)


async def test_what_was_changed_and_deleted_is_so_after_a_kill(tmp_path: Path) -> None:
    async with opened(tmp_path / "a") as jobs:
        await jobs.insert_many([{"_id": number, "n": 0} for number in range(5)])
        await jobs.update_many({"_id": {"$lt": 3}}, {"$inc": {"n": 1}})
        await jobs.find_one_and_update({"_id": 0}, {"$set": {"slots.t": {"until": 1}}})
        await jobs.delete_many({"_id": {"$gte": 3}})
        await jobs.insert_one({"_id": 4, "again": True})
        before = await jobs.find({})
        killed = copied(tmp_path / "a", tmp_path / "b")
    for folder in (killed, tmp_path / "a", killed):
        async with opened(folder) as jobs:
            assert await jobs.find({}) == before


async def test_a_torn_tail_is_dropped_wherever_it_was_torn(tmp_path: Path) -> None:
    async with opened(tmp_path / "a") as jobs:
        await jobs.insert_one({"_id": 1})
        whole = (tmp_path / "a" / "journal").stat().st_size
        await jobs.insert_one({"_id": 2, "text": "half of this may be missing"})
        end = (tmp_path / "a" / "journal").stat().st_size
        for size in range(whole, end):
            torn = copied(tmp_path / "a", tmp_path / str(size), size)
            assert await contents(torn) == [{"_id": 1}]
            async with opened(torn) as again:
                await again.insert_one({"_id": 3})
            assert await contents(torn) == [{"_id": 1}, {"_id": 3}]


async def test_a_flipped_bit_in_what_was_on_the_disk_is_told_and_nothing_is_dropped(tmp_path: Path) -> None:
    async with opened(tmp_path / "a") as jobs:
        start = (tmp_path / "a" / "journal").stat().st_size
        await jobs.insert_many([{"_id": number} for number in range(2)])
        end = (tmp_path / "a" / "journal").stat().st_size
    for offset in range(start, end):
        damaged = copied(tmp_path / "a", tmp_path / str(offset))
        flipped(damaged / "journal", offset)
        before = (damaged / "journal").read_bytes()
        with pytest.raises(JournalDamaged, match="is damaged at byte"):
            await EmbeddedStore.open(damaged)
        assert (damaged / "journal").read_bytes() == before


async def test_a_flipped_bit_in_the_last_unsynced_record_is_a_torn_tail(tmp_path: Path) -> None:
    async with opened(tmp_path / "a") as jobs:
        await jobs.insert_one({"_id": 1})
        start = (tmp_path / "a" / "journal").stat().st_size
        await jobs.insert_one({"_id": 2})
        for offset in range(start, (tmp_path / "a" / "journal").stat().st_size):
            damaged = copied(tmp_path / "a", tmp_path / str(offset))
            flipped(damaged / "journal", offset)
            assert await contents(damaged) == [{"_id": 1}]


async def test_a_hole_that_a_power_cut_left_in_the_last_second_is_dropped_with_what_follows(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    before = journal.framed(b"kept", 0)
    path.write_bytes(journal.FORMAT + before + bytes(100) + journal.framed(b"later", len(journal.FORMAT + before)))
    payloads, end = journal.read(path)
    assert [bytes(payload) for payload in payloads] == [b"kept"]
    assert end == len(journal.FORMAT + before)


async def test_closing_puts_on_the_disk_what_was_written_since_the_last_sync(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    closed = Journal.written(path, [b"first"])
    closed.append(b"last")
    size = closed.size
    closed.close()
    flipped(path, size - 1)
    with pytest.raises(JournalDamaged):
        journal.read(path)


async def test_a_file_that_is_no_journal_is_refused(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("something else")
    with pytest.raises(JournalDamaged):
        await EmbeddedStore.open(tmp_path)


async def test_a_unique_index_holds_after_a_restart_and_expired_documents_go(tmp_path: Path) -> None:
    store = await EmbeddedStore.open(tmp_path)
    await store.create_indexes([KEY, EXPIRY])
    now = await store.server_time()
    await store.collection("creations").insert_many(
        [{"key": "new", "at": now}, {"key": "old", "at": now - timedelta(hours=2)}]
    )
    await store.close()
    store = await EmbeddedStore.open(tmp_path)
    creations = store.collection("creations")
    await store.create_indexes([KEY, EXPIRY])
    with pytest.raises(DuplicateKey):
        await creations.insert_one({"key": "new", "at": now})
    await creations.insert_one({"key": "old", "at": now})
    assert await creations.count({}) == 2
    await store.close()


async def test_a_closed_store_takes_no_writes(tmp_path: Path) -> None:
    async with opened(tmp_path) as jobs:
        pass
    with pytest.raises(StoreRefused, match="closed"):
        await jobs.insert_one({"_id": 1})


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "SYNC_SECONDS", 0.001)
    monkeypatch.setattr(disk, "REWRITE_AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(journal, "LARGE", 20_000)


async def write_until_the_journal_shrinks(jobs: Collection, path: Path) -> int:
    """How many documents were inserted on the way."""
    largest = number = 0
    async with asyncio.timeout(20):
        while (size := path.stat().st_size) >= largest:
            largest = size
            number += 1
            await jobs.insert_one({"_id": number, "rev": 0})
            await jobs.update_many({}, {"$inc": {"rev": 1}})
    return number


@pytest.mark.usefixtures("soon")
async def test_a_journal_that_has_grown_is_rewritten_while_writes_go_on(tmp_path: Path) -> None:
    async with opened(tmp_path / "a") as jobs:
        count = 0
        for _ in range(3):
            await jobs.delete_many({})
            count = await write_until_the_journal_shrinks(jobs, tmp_path / "a" / "journal")
        before = await jobs.find({})
        killed = copied(tmp_path / "a", tmp_path / "b")
    assert len(before) == count
    assert await contents(killed) == before
    assert await contents(tmp_path / "a") == before


@pytest.mark.usefixtures("soon")
async def test_after_a_failed_sync_everything_is_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = asyncio.Event()
    loop = asyncio.get_running_loop()
    sync = os.fsync

    def failing(descriptor: int) -> None:
        loop.call_soon_threadsafe(tried.set)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    async with opened(tmp_path) as jobs:
        path = tmp_path / "journal"
        inode = path.stat().st_ino
        monkeypatch.setattr(os, "fsync", failing)
        await jobs.insert_one({"_id": 1})
        await tried.wait()
        await jobs.insert_one({"_id": 2})
        monkeypatch.setattr(os, "fsync", sync)
        async with asyncio.timeout(20):
            while path.stat().st_ino == inode:
                await asyncio.sleep(0.001)
    assert await contents(tmp_path) == [{"_id": 1}, {"_id": 2}]
    assert not (tmp_path / "journal.new").exists()


async def test_the_journal_is_rewritten_at_start(tmp_path: Path) -> None:
    async with opened(tmp_path) as jobs:
        await jobs.insert_one({"_id": 1, "n": 0})
        for _ in range(100):
            await jobs.update_one({"_id": 1}, {"$inc": {"n": 1}})
    grown = (tmp_path / "journal").stat().st_size
    assert await contents(tmp_path) == [{"_id": 1, "n": 100}]
    assert (tmp_path / "journal").stat().st_size < grown / 20
