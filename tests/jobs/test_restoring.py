"""An archived bulk comes back as it was, seen by all or by nobody, and never where it may not. On both stores."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.documents import BulkId
from jobs.errors import InvalidInput, StoreUnavailable
from jobs.outcomes import Completed
from jobs.retention.removal import HELPED_AFTER, LATE_WRITER_TIME, Stage
from jobs.retention.restoring import Restoring
from jobs.storage.store import Document, Name, Store
from jobs.system import System
from tests.jobs.conftest import OWNER, MakeBulk
from tests.jobs.ending import BELONGING, ended, left_of
from tests.jobs.test_queue import claimed
from tests.jobs.test_removal import faulty_at
from tests.jobs.test_retention import MONTH, retention
from tests.support.clock import MovableClock

WRITES: tuple[tuple[Name, str, int], ...] = (
    ("removals", "update_one", 1),
    ("generation_jobs", "update_one", 1),
    ("generation_jobs", "update_one", 2),
    ("assets", "update_one", 1),
    ("bulk_jobs", "insert_one", 1),
)


async def all_of(store: Store, bulk_id: BulkId) -> dict[Name, list[Document]]:
    filters = {name: {"_id" if name == "bulk_jobs" else "bulk_job_id": bulk_id} for name in BELONGING[:3]}
    return {name: await store.collection(name).find(mine, sort=[("_id", 1)]) for name, mine in filters.items()}


async def archived_bulk(system: System, make_bulk: MakeBulk, clock: MovableClock, folder: Path) -> tuple[BulkId, Path]:
    bulk_id = await ended(system, make_bulk, 3, failed=1)
    clock.move(MONTH)
    assert await retention(system, clock, completed=MONTH, archive=folder).run() == 1
    (file,) = folder.glob("*/*.jsonl")
    return bulk_id, file


async def test_it_comes_back_as_it_was_and_is_counted_again(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock, tmp_path: Path
) -> None:
    bulk_id = await ended(system, make_bulk, 3, failed=1)
    before, counts = await all_of(store, bulk_id), (await system.overview.queue(OWNER)).counts
    clock.move(MONTH)
    await retention(system, clock, completed=MONTH, archive=tmp_path).run()
    assert (await system.overview.queue(OWNER)).counts != counts
    (file,) = tmp_path.glob("*/*.jsonl")
    restored = await system.restoring.restore(file)
    assert (restored.bulk["_id"], restored.counts) == (bulk_id, {"generation_jobs": 3, "assets": 1})
    after = await all_of(store, bulk_id)
    (was,), (bulk,) = before.pop("bulk_jobs"), after.pop("bulk_jobs")
    assert after == before
    assert {name for name in bulk if bulk[name] != was[name]} == {"rev", "changed_at"}
    assert (await system.overview.queue(OWNER)).counts == counts
    clock.move(LATE_WRITER_TIME)
    await system.removal.finish_half_done()
    assert await all_of(store, bulk_id) == {"bulk_jobs": [bulk], **before}
    await system.controls.retry(OWNER, bulk_id)
    await system.queue.finish(await claimed(system), Completed("text", {}))
    assert (await system.lookup.bulk(OWNER, bulk_id))["completed_items"] == 3
    assert [finding async for finding in system.audit.whole()] == []


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("write", WRITES, ids=lambda write: "-".join(map(str, write)))
async def test_who_dies_at_any_write_is_made_up_for_by_doing_it_again(
    system: System,
    store: Store,
    make_bulk: MakeBulk,
    clock: MovableClock,
    tmp_path: Path,
    write: tuple[Name, str, int],
    *,
    after: bool,
) -> None:
    bulk_id, file = await archived_bulk(system, make_bulk, clock, tmp_path)
    dying = Restoring(faulty_at(store, *write, after=after), clock)
    with pytest.raises(StoreUnavailable):
        await dying.restore(file)
    is_back = (write, after) == (WRITES[-1], True)
    assert await store.collection("bulk_jobs").count({"_id": bulk_id}) == int(is_back)
    if is_back:
        with pytest.raises(InvalidInput, match="is there already"):
            await system.restoring.restore(file)
    else:
        assert (await system.lookup.jobs(OWNER, None, None, 10, None)).documents == []
        await system.restoring.restore(file)
    counts = await left_of(store, bulk_id)
    assert (counts["bulk_jobs"], counts["generation_jobs"], counts["assets"]) == (1, 3, 1)
    assert [finding async for finding in system.audit.whole()] == []


async def test_one_that_is_there_is_left_as_it_is(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock, tmp_path: Path
) -> None:
    bulk_id, file = await archived_bulk(system, make_bulk, clock, tmp_path)
    await system.restoring.restore(file)
    before = await all_of(store, bulk_id)
    with pytest.raises(InvalidInput, match="is there already"):
        await system.restoring.restore(file)
    assert await all_of(store, bulk_id) == before


async def test_what_was_erased_with_its_user_stays_so(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock, tmp_path: Path
) -> None:
    bulk_id, file = await archived_bulk(system, make_bulk, clock, tmp_path)
    await system.erasure.erase(OWNER)
    with pytest.raises(InvalidInput, match="erased with its user"):
        await system.restoring.restore(file)
    assert await left_of(store, bulk_id) == {}


@pytest.mark.parametrize("state", [Stage.GONE, Stage.CLEARED])
async def test_one_that_is_just_being_cleared_away_does_not_come_back_meanwhile(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock, tmp_path: Path, state: Stage
) -> None:
    bulk_id, file = await archived_bulk(system, make_bulk, clock, tmp_path)
    now = {"state": state.value, "until": clock.now()}
    await store.collection("removals").update_one({"_id": bulk_id}, {"$set": now})
    with pytest.raises(InvalidInput, match="just being removed"):
        await system.restoring.restore(file)
    assert await left_of(store, bulk_id) == {}
    clock.move(HELPED_AFTER + LATE_WRITER_TIME)
    for _ in range(2):
        await system.removal.finish_half_done()
        clock.move(LATE_WRITER_TIME)
    await system.restoring.restore(file)
    assert (await left_of(store, bulk_id))["generation_jobs"] == 3


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (slice(0, -2), "it is not whole"),
        (slice(1, None), "does not begin with a bulk"),
        (slice(0, 0), "does not begin with a bulk"),
    ],
)
async def test_of_a_file_that_is_not_whole_nothing_is_put_back(
    system: System,
    store: Store,
    make_bulk: MakeBulk,
    clock: MovableClock,
    tmp_path: Path,
    lines: slice,
    sentence: str,
) -> None:
    bulk_id, file = await archived_bulk(system, make_bulk, clock, tmp_path)
    file.write_text("\n".join(file.read_text().splitlines()[lines]))
    with pytest.raises(InvalidInput, match=sentence):
        await system.restoring.restore(file)
    assert await left_of(store, bulk_id) == {}


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"collection": "users", "document": {"_id": 1}}', '{"collection": "assets"}']
)
async def test_a_line_that_is_none_of_an_archive_is_named(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock, tmp_path: Path, line: str
) -> None:
    bulk_id, file = await archived_bulk(system, make_bulk, clock, tmp_path)
    file.write_text(f"{file.read_text()}{line}\n")
    with pytest.raises(InvalidInput, match="line 6: this is no line of an archived bulk"):
        await system.restoring.restore(file)
    assert await left_of(store, bulk_id) == {}


async def test_a_file_that_is_not_there_is_told(system: System, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read: No such file"):
        await system.restoring.restore(tmp_path / "none.jsonl")
