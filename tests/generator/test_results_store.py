"""The generator's store: what is on disk after crashes, full disks and many records."""

from __future__ import annotations

import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from generator.answers import Answer, Usage
from generator.results import Record, Results


def record(name: str, content: str = "text") -> Record:
    answer = Answer(content=content, usage=Usage(input_tokens=1, output_tokens=2, cost=0.5))
    return Record(key=name, body_hash=f"hash of {name}", answer=answer)


@asynccontextmanager
async def opened(path: Path | None, most: int = 100) -> AsyncIterator[Results]:
    results = Results(path, most)
    await results.open()
    yield results
    await results.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "generator.jsonl"


async def test_a_kept_record_is_in_the_file_at_once(path: Path) -> None:
    async with opened(path) as results:
        await results.keep(record("a", "Grüße\nund mehr"))
        assert Record.model_validate_json(path.read_bytes()) == results.find("a") == record("a", "Grüße\nund mehr")


async def test_records_are_there_after_a_restart(path: Path) -> None:
    async with opened(path) as results:
        await results.keep(record("a"))
        await results.keep(record("b"))
    async with opened(path) as results:
        assert results.find("a") == record("a")
        assert results.find("b") == record("b")
        assert results.find("c") is None


async def test_a_torn_last_line_is_cut_off(path: Path) -> None:
    async with opened(path) as results:
        await results.keep(record("a"))
        await results.keep(record("b"))
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    async with opened(path) as results:
        assert results.find("b") is None
        await results.keep(record("c"))
    async with opened(path) as results:
        assert results.find("a") == record("a")
        assert results.find("c") == record("c")
    assert path.read_bytes().count(b"\n") == 2


async def test_an_unreadable_line_costs_only_itself(path: Path) -> None:
    async with opened(path) as results:
        await results.keep(record("a"))
    path.write_bytes(b"\x00\x00\n" + path.read_bytes())
    async with opened(path) as results:
        assert results.find("a") == record("a")


async def test_only_the_newest_records_are_kept(path: Path) -> None:
    async with opened(path, most=3) as results:
        for number in range(20):
            await results.keep(record(str(number)))
            assert path.read_bytes().count(b"\n") <= 6
    async with opened(path, most=3) as results:
        assert [name for name in map(str, range(20)) if results.find(name)] == ["17", "18", "19"]
    assert list(path.parent.iterdir()) == [path]


async def test_a_file_that_has_grown_too_long_is_shortened_at_the_start(path: Path) -> None:
    async with opened(path) as results:
        for number in range(50):
            await results.keep(record(str(number)))
    async with opened(path, most=5):
        assert path.read_bytes().count(b"\n") == 5


async def test_a_full_disk_leaves_no_half_record(path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with opened(path) as results:
        await results.keep(record("a"))
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, hard))
        try:
            with pytest.raises(OSError, match="too large"):
                await results.keep(record("b"))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert results.find("b") is None
        await results.keep(record("c"))
    async with opened(path) as results:
        assert [results.find(name) is not None for name in "abc"] == [True, False, True]


async def test_without_a_file_records_live_in_memory() -> None:
    async with opened(None) as results:
        await results.keep(record("a"))
        assert results.find("a") == record("a")
