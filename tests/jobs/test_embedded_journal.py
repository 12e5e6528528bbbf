"""The embedded store keeps what it acknowledged: torn and damaged files, kills, a second process, a full disk."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from jobs.embedded import disk, journal
from jobs.embedded.folder import FolderInUse
from jobs.embedded.journal import JournalDamaged
from jobs.embedded.store import EmbeddedStore
from jobs.errors import DuplicateKey, StoreRefused, StoreUnavailable
from jobs.store import Collection, Document, Index

ROOT = Path(__file__).parents[2]
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


async def test_a_second_opening_is_refused_with_a_sentence(tmp_path: Path) -> None:
    async with opened(tmp_path):
        with pytest.raises(FolderInUse, match=f"in use by another Pressrun, process {os.getpid()}"):
            await EmbeddedStore.open(tmp_path)
    async with opened(tmp_path):
        pass


async def test_a_closed_store_takes_no_writes(tmp_path: Path) -> None:
    async with opened(tmp_path) as jobs:
        pass
    with pytest.raises(StoreRefused, match="closed"):
        await jobs.insert_one({"_id": 1})


STORM = """
import asyncio, sys
from pathlib import Path
from jobs.embedded import disk, journal
from jobs.embedded.store import EmbeddedStore

disk.SYNC_SECONDS, journal.LARGE = 0.001, 50_000

async def main() -> None:
    store = await EmbeddedStore.open(Path(sys.argv[1]))
    jobs = store.collection("generation_jobs")
    number = 0
    while True:
        await jobs.insert_one({"_id": number, "text": "x" * 500})
        await jobs.find_one_and_update({"_id": number}, {"$set": {"done": True}})
        print(number, flush=True)
        number += 1

asyncio.run(main())
"""


async def test_every_acknowledged_write_is_there_after_a_kill_in_a_storm_of_writes(tmp_path: Path) -> None:
    last = -1
    for enough in (300, 100, 5):
        shutil.rmtree(tmp_path, ignore_errors=True)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", STORM, str(tmp_path), cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        while last < enough:
            last = int(await process.stdout.readline())
        with pytest.raises(FolderInUse, match=f"process {process.pid}"):
            await EmbeddedStore.open(tmp_path)
        process.send_signal(signal.SIGKILL)
        acknowledged = [last, *(int(line) for line in (await process.stdout.read()).split())]
        await process.wait()
        found = await contents(tmp_path)
        assert [document["_id"] for document in found if document.get("done")][: acknowledged[-1] + 1] == list(
            range(acknowledged[-1] + 1)
        )
        assert len(found) <= acknowledged[-1] + 2
        last = -1


LIMITED = """
import asyncio, resource, sys
from pathlib import Path
from jobs.embedded.store import EmbeddedStore
from jobs.errors import StoreUnavailable

async def main() -> None:
    store = await EmbeddedStore.open(Path(sys.argv[1]))
    jobs = store.collection("generation_jobs")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    number = 0
    try:
        while True:
            await jobs.insert_one({"_id": number, "n": 0, "text": "x" * 999})
            number += 1
    except StoreUnavailable as error:
        print(error)
    try:
        await jobs.find_one_and_update({"_id": 0}, {"$set": {"text": "y" * 9999}})
    except StoreUnavailable as error:
        assert (await jobs.find_one({"_id": 0}))["text"][0] == "x"
        assert await jobs.count({}) == number
        print(number)
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    await jobs.insert_one({"_id": "after"})

asyncio.run(main())
"""


async def test_a_full_disk_refuses_the_write_and_keeps_the_rest(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LIMITED, str(tmp_path), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    sentence, count = output.decode().splitlines()
    assert sentence == f"The database does not answer: its journal cannot be written: {os.strerror(errno.EFBIG)}"
    assert [document["_id"] for document in await contents(tmp_path)] == [*range(int(count)), "after"]


async def test_a_write_that_the_disk_refuses_halfway_leaves_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def only_half(descriptor: int, data: bytes, offset: int) -> int:
        monkeypatch.setattr(os, "pwrite", no_space)
        return write(descriptor, data[: len(data) // 2], offset)

    def no_space(descriptor: int, data: bytes, offset: int) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    write = os.pwrite
    async with opened(tmp_path) as jobs:
        await jobs.insert_many([{"_id": 1, "n": 1}, {"_id": 2, "n": 1}])
        size = (tmp_path / "journal").stat().st_size
        monkeypatch.setattr(os, "pwrite", only_half)
        with pytest.raises(StoreUnavailable, match="No space left"):
            await jobs.update_one({"_id": 1}, {"$inc": {"n": 1}})
        with pytest.raises(StoreUnavailable, match="No space left"):
            await jobs.delete_many({})
        monkeypatch.setattr(os, "pwrite", write)
        assert (tmp_path / "journal").stat().st_size == size
        assert await jobs.find({}) == [{"_id": 1, "n": 1}, {"_id": 2, "n": 1}]
        await jobs.insert_one({"_id": 3})
    assert len(await contents(tmp_path)) == 3


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
