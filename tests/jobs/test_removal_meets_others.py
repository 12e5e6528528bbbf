"""Removals, erasures and archives where others are at the same thing: marks, schedules, files, what was put back."""

from __future__ import annotations

import errno
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest

from jobs.documents import BulkRequest
from jobs.errors import ArchiveFailed, StoreUnavailable
from jobs.retention.archive import Archive
from jobs.retention.removal import HELPED_AFTER, LATE_WRITER_TIME, Removal, Stage, Why
from jobs.scheduling.schedules import Schedule
from jobs.storage.store import Store
from jobs.system import System
from tests.jobs import scheduling
from tests.jobs.conftest import OWNER, MakeBulk
from tests.jobs.ending import ended, left_of
from tests.jobs.test_removal import faulty_at
from tests.jobs.test_retention import archived, retention
from tests.support.clock import MovableClock

MONTH = timedelta(days=30)


async def marked_by_retention(system: System, store: Store, clock: MovableClock, folder: Path, bulk_id: Any) -> None:
    """Its archive cannot be written: the mark stays."""
    folder.write_text("no folder")
    clock.move(MONTH)
    with pytest.raises(ArchiveFailed):
        await retention(system, clock, completed=MONTH, archive=folder).run()
    (record,) = await store.collection("removals").find({"_id": bulk_id})
    assert record["state"] == Stage.MARKED


async def test_an_owner_deletes_what_retention_cannot_archive(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock, tmp_path: Path
) -> None:
    bulk_id = await ended(system, make_bulk)
    await marked_by_retention(system, store, clock, tmp_path / "archive", bulk_id)
    await system.deletion.delete(OWNER, bulk_id)
    assert await left_of(store, bulk_id) == {}
    (record,) = await store.collection("removals").find({})
    assert (record["why"], record["by"], record["archived"]) == ("owner", OWNER, False)


async def test_a_user_is_erased_whatever_has_become_of_the_archive(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock, tmp_path: Path
) -> None:
    bulk_id = await ended(system, make_bulk)
    await marked_by_retention(system, store, clock, tmp_path / "archive", bulk_id)
    assert (await system.erasure.erase(OWNER)).open_bulks == 0
    assert await left_of(store, bulk_id) == {}


async def test_retention_takes_no_mark_over(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await ended(system, make_bulk)
    bulk = await system.lookup.bulk(OWNER, bulk_id)
    dying = Removal(faulty_at(store, "bulk_jobs", "delete_one", 1, after=False), clock, None)
    with pytest.raises(StoreUnavailable):
        await dying.remove(bulk, Why.ERASURE, None)
    assert not await system.removal.remove(bulk, Why.RETENTION, None)
    (record,) = await store.collection("removals").find({})
    assert record["why"] == "erasure"


async def test_removals_that_wait_for_an_archive_leave_room_for_the_others(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.retention.removal.HALF_DONE_AT_ONCE", 1)
    waiting, other = await ended(system, make_bulk), await ended(system, make_bulk)
    for bulk_id, archive in ((waiting, Archive(Path("unused"))), (other, None)):
        dying = Removal(faulty_at(store, "removals", "update_one", 1, after=True), clock, archive)
        with pytest.raises(StoreUnavailable):
            await dying.remove(await system.lookup.bulk(OWNER, bulk_id), Why.RETENTION, None)
        clock.move(timedelta(seconds=1))
    clock.move(HELPED_AFTER)
    for _ in range(2):
        await system.removal.finish_half_done()
    assert await left_of(store, other) == {}
    assert await system.lookup.bulk(OWNER, waiting)


async def test_what_is_put_back_while_its_removal_is_not_over_is_left_alone(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock, tmp_path: Path
) -> None:
    bulk_id = await ended(system, make_bulk)
    clock.move(MONTH)
    assert await retention(system, clock, completed=MONTH, archive=tmp_path).run() == 1
    (lines,) = archived(tmp_path)
    for line in reversed(lines):
        await store.collection(line["collection"]).insert_one(line["document"])
    before = await left_of(store, bulk_id)
    clock.move(LATE_WRITER_TIME)
    await system.removal.finish_half_done()
    assert await left_of(store, bulk_id) == before
    await system.deletion.delete(OWNER, bulk_id)
    assert await left_of(store, bulk_id) == {}


async def test_jobs_in_places_of_their_own_are_archived_with_the_others(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock, tmp_path: Path
) -> None:
    bulk_id = await ended(system, make_bulk, 3)
    jobs = store.collection("generation_jobs")
    for position, strange in ((1, 0), (2, 900), (3, None)):
        await jobs.update_one(
            {"bulk_job_id": bulk_id, "queue_position": position}, {"$set": {"queue_position": strange}}
        )
    clock.move(MONTH)
    assert await retention(system, clock, completed=MONTH, archive=tmp_path).run() == 1
    (lines,) = archived(tmp_path)
    assert len([line for line in lines if line["collection"] == "generation_jobs"]) == 3


async def test_a_folder_without_hard_links_will_do(
    system: System, make_bulk: MakeBulk, clock: MovableClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*paths: object, **how: object) -> NoReturn:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    await ended(system, make_bulk)
    clock.move(MONTH)
    assert await retention(system, clock, completed=MONTH, archive=tmp_path).run() == 1
    assert len(archived(tmp_path)) == 1


async def test_a_full_disk_leaves_nothing_behind_and_removes_nothing(
    system: System, make_bulk: MakeBulk, clock: MovableClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    bulk_id = await ended(system, make_bulk)
    clock.move(MONTH)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(ArchiveFailed, match="No space left on device"):
            await retention(system, clock, completed=MONTH, archive=tmp_path).run()
    assert await system.lookup.bulk(OWNER, bulk_id)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def test_what_a_killed_process_had_begun_to_write_goes_with_the_next_file(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock, tmp_path: Path
) -> None:
    bulk = await system.lookup.bulk(OWNER, await ended(system, make_bulk))
    folder = tmp_path / f"{bulk['created_at']:%Y-%m}"
    folder.mkdir()
    (folder / f".{bulk['_id']}-{bulk['rev']}.jsonl.0badcafe").write_text("half a line")
    (folder / ".another-1.jsonl.0badcafe").write_text("somebody else's")
    assert await Removal(store, clock, Archive(tmp_path)).remove(bulk, Why.RETENTION, None)
    assert sorted(path.name for path in folder.iterdir()) == [
        ".another-1.jsonl.0badcafe",
        f"{bulk['_id']}-{bulk['rev']}.jsonl",
    ]


async def test_no_id_leads_out_of_the_archive(tmp_path: Path, clock: MovableClock) -> None:
    bulk = {"_id": "../../etc/passwd", "rev": 7, "created_at": clock.now()}

    async def parts() -> Any:
        yield "bulk_jobs", bulk

    async def is_whole() -> bool:
        return True

    await Archive(tmp_path / "archive").keep(bulk, parts(), is_whole)
    (path,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert path.parent.parent == tmp_path / "archive"


class ErasingJudge:
    """While a schedule fires, its owner is erased."""

    def __init__(self, system: System) -> None:
        self._system = system
        self.open_bulks: list[int] = []

    async def __call__(self, schedule: Schedule, planned_at: datetime) -> BulkRequest:
        self.open_bulks.append((await self._system.erasure.erase(schedule.owner)).open_bulks)
        return scheduling.REQUEST


async def test_a_user_is_not_erased_while_a_schedule_of_theirs_fires(
    system: System, store: Store, clock: MovableClock
) -> None:
    await scheduling.due(system, clock)
    judge = ErasingJudge(system)
    await system.schedule_firing.fire_due(judge)
    assert judge.open_bulks == [1]
    assert (await system.erasure.erase(scheduling.OWNER)).open_bulks == 0
    assert await system.erasure.counts(scheduling.OWNER) == {}
