"""The embedded store keeps what it acknowledged: kills in a storm of writes, a second process, a full disk."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from jobs.errors import StoreUnavailable
from jobs.storage.embedded.folder import FolderInUse
from jobs.storage.embedded.store import EmbeddedStore
from jobs.storage.store import Collection, Document

ROOT = Path(__file__).parents[2]


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


async def test_a_second_opening_is_refused_with_a_sentence(tmp_path: Path) -> None:
    async with opened(tmp_path):
        with pytest.raises(FolderInUse, match=f"in use by another Pressrun, process {os.getpid()}"):
            await EmbeddedStore.open(tmp_path)
    async with opened(tmp_path):
        pass


STORM = """
import asyncio, sys
from pathlib import Path
from jobs.storage.embedded import disk, journal
from jobs.storage.embedded.store import EmbeddedStore

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
from jobs.storage.embedded.store import EmbeddedStore
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
