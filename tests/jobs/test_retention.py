"""Bulks go when they are old enough, and not before; with an archive they are on the disk first. On both stores."""

from __future__ import annotations

from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest
from bson import json_util

from jobs.errors import ArchiveFailed, StoreUnavailable
from jobs.retention.archive import Archive
from jobs.retention.dropping import Dropping
from jobs.retention.expiry import Retention, RetentionRules
from jobs.retention.removal import HELPED_AFTER, Removal, Why
from jobs.storage.store import Store
from jobs.system import System
from tests.jobs.conftest import OWNER, MakeBulk
from tests.jobs.ending import ended, left_of
from tests.jobs.test_queue import claimed
from tests.jobs.test_removal import FINISHED, faulty_at, later
from tests.support.clock import MovableClock

MONTH = timedelta(days=30)
AS_STORED = json_util.JSONOptions(tz_aware=True, tzinfo=UTC)


def retention(system: System, clock: MovableClock, **rules: Any) -> Retention:
    wanted = RetentionRules(**rules)
    archive = Archive(wanted.archive) if wanted.archive is not None else None
    removal = Removal(system.store, clock, archive)
    dropping = Dropping(system.store, clock, system.intents, removal, archive)
    return Retention(system.store, clock, removal, dropping, wanted)


def archived(folder: Path) -> list[list[dict[str, Any]]]:
    return [
        [json_util.loads(line, json_options=AS_STORED) for line in path.read_text().splitlines()]
        for path in sorted(folder.glob("*/*.jsonl"))
    ]


async def test_without_rules_nothing_ever_goes(system: System, make_bulk: MakeBulk, clock: MovableClock) -> None:
    bulk_id = await ended(system, make_bulk)
    clock.move(timedelta(days=10_000))
    assert await system.retention.run() == 0
    assert await system.lookup.bulk(OWNER, bulk_id)


async def test_a_completed_bulk_goes_when_it_is_old_enough_and_not_before(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await ended(system, make_bulk)
    old_enough = retention(system, clock, completed=MONTH)
    clock.move(MONTH - timedelta(seconds=1))
    assert await old_enough.run() == 0
    clock.move(timedelta(seconds=1))
    assert await old_enough.run() == 1
    assert await left_of(store, bulk_id) == {}


async def test_each_way_to_end_has_its_own_age(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    completed = await ended(system, make_bulk)
    cancelled = await make_bulk(2)
    await system.controls.cancel(OWNER, cancelled)
    await system.outbox.relay()
    clock.move(MONTH)
    assert await retention(system, clock, cancelled=timedelta(days=7)).run() == 1
    assert await left_of(store, cancelled) == {}
    assert await system.lookup.bulk(OWNER, completed)


async def test_what_runs_waits_or_is_still_to_be_told_never_goes(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    await make_bulk(2)
    await claimed(system)
    cancelled = await make_bulk(1)
    await system.controls.cancel(OWNER, cancelled)
    clock.move(MONTH)
    every = retention(system, clock, completed=timedelta(seconds=1), cancelled=timedelta(seconds=1))
    assert await every.run() == 0
    await system.outbox.relay()
    assert await every.run() == 1


async def test_a_look_removes_so_many_and_the_next_one_goes_on(
    system: System, make_bulk: MakeBulk, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.retention.expiry.AT_ONCE", 2)
    for _ in range(3):
        await ended(system, make_bulk, 1)
    clock.move(MONTH)
    old_enough = retention(system, clock, completed=MONTH)
    assert [await old_enough.run() for _ in range(3)] == [2, 1, 0]


async def test_an_archived_bulk_is_all_there_in_a_file_that_can_be_read_back(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock, tmp_path: Path
) -> None:
    bulk_id = await ended(system, make_bulk, 3, failed=1)
    bulk = await store.collection("bulk_jobs").find_one({"_id": bulk_id})
    jobs = await store.collection("generation_jobs").find({}, sort=[("queue_position", 1)])
    assets = await store.collection("assets").find({})
    clock.move(MONTH)
    assert await retention(system, clock, completed=MONTH, archive=tmp_path / "archive").run() == 1
    (lines,) = archived(tmp_path / "archive")
    assert [line["collection"] for line in lines] == ["bulk_jobs", *["generation_jobs"] * 3, "assets"]
    assert [line["document"] for line in lines] == [bulk, *jobs, *assets]
    assert await left_of(store, bulk_id) == {}
    assert list(tmp_path.glob("archive/*/.*")) == []


async def test_what_is_put_back_from_a_file_is_the_bulk_that_it_was(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock, tmp_path: Path
) -> None:
    bulk_id = await ended(system, make_bulk, 3, failed=1)
    before = (await system.lookup.bulk(OWNER, bulk_id), await system.overview.queue(OWNER))
    clock.move(MONTH)
    await retention(system, clock, completed=MONTH, archive=tmp_path).run()
    (lines,) = archived(tmp_path)
    for line in reversed(lines):  # as the guide says: the bulk last, then the sums anew
        await store.collection(line["collection"]).insert_one(line["document"])
    await store.collection("tallies").delete_many({})
    assert await system.lookup.bulk(OWNER, bulk_id) == before[0]
    assert (await system.overview.queue(OWNER)).counts == before[1].counts
    assert [finding async for finding in system.audit.whole()] == []
    await system.controls.retry(OWNER, bulk_id)
    await system.queue.finish(await claimed(system), FINISHED)
    assert (await system.lookup.bulk(OWNER, bulk_id))["completed_items"] == 3


async def test_an_archive_that_cannot_be_written_holds_everything_back(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock, tmp_path: Path
) -> None:
    bulk_id = await ended(system, make_bulk)
    clock.move(MONTH)
    (tmp_path / "archive").write_text("no folder")
    wanted = retention(system, clock, completed=MONTH, archive=tmp_path / "archive")
    with pytest.raises(ArchiveFailed):
        await wanted.run()
    assert await system.lookup.bulk(OWNER, bulk_id)
    (tmp_path / "archive").unlink()
    clock.move(HELPED_AFTER)
    await wanted.run()
    assert await left_of(store, bulk_id) == {}
    assert len(archived(tmp_path / "archive")) == 1


async def test_a_worker_without_the_archive_leaves_a_bulk_that_is_to_be_archived(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock, tmp_path: Path
) -> None:
    bulk_id = await ended(system, make_bulk)
    dying = Removal(faulty_at(store, "bulk_jobs", "delete_one", 1, after=False), clock, Archive(tmp_path / "other"))
    with pytest.raises(StoreUnavailable):
        await dying.remove(await system.lookup.bulk(OWNER, bulk_id), Why.RETENTION, None)
    clock.move(HELPED_AFTER)
    await system.removal.finish_half_done()
    assert await system.lookup.bulk(OWNER, bulk_id)
    clock.move(HELPED_AFTER)
    await Removal(store, clock, Archive(tmp_path / "archive")).finish_half_done()
    assert await left_of(store, bulk_id) == {}
    assert len(archived(tmp_path / "archive")) == 1


async def test_who_reads_too_late_for_a_whole_file_leaves_none(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock, tmp_path: Path
) -> None:
    bulk_id = await ended(system, make_bulk)
    bulk = await system.lookup.bulk(OWNER, bulk_id)

    async def no_more() -> bool:
        return False

    await system.deletion.delete(OWNER, bulk_id)
    await Archive(tmp_path).keep(bulk, system.removal.parts(bulk), no_more)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def test_the_file_of_a_bulk_that_stays_is_taken_away(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock, tmp_path: Path
) -> None:
    bulk_id = await ended(system, make_bulk, failed=1)
    archive = Archive(tmp_path)
    dying = Removal(faulty_at(store, "bulk_jobs", "delete_one", 1, after=False), clock, archive)
    with pytest.raises(StoreUnavailable):
        await dying.remove(await system.lookup.bulk(OWNER, bulk_id), Why.RETENTION, None)
    assert len(archived(tmp_path)) == 1
    await system.controls.retry(OWNER, bulk_id)
    clock.move(HELPED_AFTER)
    await Removal(store, clock, archive).finish_half_done()
    assert archived(tmp_path) == []
    assert (await left_of(store, bulk_id))["generation_jobs"] == 2


async def test_what_an_owner_deletes_is_not_archived(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock, tmp_path: Path
) -> None:
    bulk = await system.lookup.bulk(OWNER, await ended(system, make_bulk))
    assert await Removal(store, clock, Archive(tmp_path)).remove(bulk, Why.OWNER, OWNER)
    assert archived(tmp_path) == []
    await later(system, clock)
    assert await left_of(store, bulk["_id"]) == {}
