"""Articles go when they are old enough, and the record stays, whoever dies at which write. On both stores."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from jobs.checkpoints import Reached
from jobs.documents import BulkId
from jobs.errors import ArchiveFailed, StoreUnavailable
from jobs.expenses import Expense
from jobs.intents import Intent, Intents
from jobs.outcomes import Completed, Failed
from jobs.retention.archive import Archive
from jobs.retention.dropping import Dropping
from jobs.retention.removal import HELPED_AFTER, LATE_WRITER_TIME, Removal
from jobs.storage.store import Document, Name, Store
from jobs.system import Rules, System, assemble
from tests.jobs.conftest import LEASE, OWNER, MakeBulk
from tests.jobs.ending import META, ended
from tests.jobs.test_queue import claimed
from tests.jobs.test_removal import faulty_at
from tests.jobs.test_retention import archived, retention
from tests.jobs.test_twins import SAME, submit
from tests.support.clock import MovableClock
from tests.support.invariants import assert_at_rest

MONTH = timedelta(days=30)
WRITES: tuple[tuple[Name, str, int], ...] = (
    ("bulk_jobs", "find_one_and_update", 1),
    ("generation_jobs", "update_many", 1),
    ("generation_jobs", "update_many", 2),
    ("assets", "delete_many", 1),
    ("bulk_jobs", "find_one_and_update", 2),
)
"""Of one bulk with a failed and two completed jobs, in their order: collection, operation, the how manieth."""


async def jobs_of(store: Store, bulk_id: BulkId) -> list[Document]:
    return await store.collection("generation_jobs").find({"bulk_job_id": bulk_id}, sort=[("queue_position", 1)])


async def texts(store: Store, bulk_id: BulkId) -> list[object]:
    """What is left of articles: results, stages, assets."""
    held = [job["result"] or job["checkpoints"] or None for job in await jobs_of(store, bulk_id)]
    assets = await store.collection("assets").find({"bulk_job_id": bulk_id})
    return [text for text in held if text is not None] + [asset["data"] for asset in assets]


async def half_finished(system: System, make_bulk: MakeBulk) -> BulkId:
    """Its first job has failed after a stage, the others are completed, the first and the last have an asset."""
    bulk_id = await make_bulk(3, max_retries=0)
    claim = await claimed(system)
    await system.checkpoints.keep(claim, Reached("validation", {"result": "text"}, "storage", 50), Expense())
    await system.materials.keep_asset(claim, b"picture", "image/png")
    await system.queue.finish(claim, Failed("no", definite=True))
    for _ in range(2):
        claim = await claimed(system)
        await system.queue.finish(claim, Completed("text", dict(META)))
    await system.materials.keep_asset(claim, b"another", "image/png")
    await system.outbox.relay()
    await system.outbox.relay_jobs()
    return bulk_id


async def test_articles_go_when_they_are_old_enough_and_not_before(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await half_finished(system, make_bulk)
    old_go = retention(system, clock, results=MONTH)
    clock.move(MONTH - timedelta(minutes=1))
    await old_go.run()
    assert len(await texts(store, bulk_id)) == 5
    clock.move(timedelta(minutes=1))
    await old_go.run()
    assert await texts(store, bulk_id) == []


async def test_the_record_stays_as_it_was(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await half_finished(system, make_bulk)
    before, queue = await system.lookup.bulk(OWNER, bulk_id), await system.overview.queue(OWNER)
    jobs = await jobs_of(store, bulk_id)
    notices = (await system.notices.list(OWNER)).documents
    clock.move(MONTH)
    await retention(system, clock, results=MONTH).run()
    after = await system.lookup.bulk(OWNER, bulk_id)
    changed = {"rev", "changed_at", "epoch", "spaced_until", "results_dropped_at"}
    assert {name for name in after if after[name] != before.get(name)} <= changed
    assert after["results_dropped_at"] == clock.now()
    assert (await system.overview.queue(OWNER)).counts == queue.counts
    gone = {"rev", "changed_at", "result", "result_meta", "result_dropped_at", "checkpoints"}
    for job, was in zip(await jobs_of(store, bulk_id), jobs, strict=True):
        assert {name for name in job if job[name] != was.get(name)} <= gone
        assert job.get("result_dropped_at") == (clock.now() if job["status"] == "completed" else None)
        if job["status"] == "completed":
            assert job["result_meta"] == {"usage": None, "stages": [], "word_count": 1}
    assert (await system.notices.list(OWNER)).documents == notices
    assert await system.outbox.relay() == 0
    assert [finding async for finding in system.audit.whole()] == []
    await assert_at_rest(store)


async def test_what_has_not_ended_keeps_its_articles(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await make_bulk(3)
    await system.queue.finish(await claimed(system), Completed("text", {}))
    await claimed(system)
    await system.controls.cancel(OWNER, bulk_id)
    clock.move(MONTH)
    await retention(system, clock, results=timedelta(seconds=1)).run()
    assert await texts(store, bulk_id) == ["text"]
    with pytest.raises(ValueError, match="has ended"):
        await dropping_of(system, store, clock).drop({**(await system.lookup.bulk(OWNER, bulk_id)), "status": "paused"})


def dropping_of(system: System, store: Store, clock: MovableClock, archive: Archive | None = None) -> Dropping:
    parts = assemble(store, clock, Rules(lease=LEASE))
    return Dropping(store, clock, parts.intents, parts.removal, archive)


async def test_whatever_a_stage_has_put_beside_a_result_goes_with_it(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await make_bulk(4)
    for meta in ({"a.b": "text", "slug": "tea"}, {"idea": {"title": "text"}, "slug": "tea"}, {}, {"slug": "tea"}):
        await system.queue.finish(await claimed(system), Completed("text", meta))
    jobs = store.collection("generation_jobs")
    await jobs.update_one({"bulk_job_id": bulk_id, "queue_position": 3}, {"$set": {"result_meta": None}})
    await system.outbox.relay()
    clock.move(MONTH)
    await retention(system, clock, results=MONTH).run()
    assert await texts(store, bulk_id) == []
    kept = [job["result_meta"] for job in await jobs_of(store, bulk_id)]
    assert kept == [{"slug": "tea"}, {"slug": "tea"}, None, {"slug": "tea"}]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("write", WRITES, ids=lambda write: "-".join(map(str, write)))
async def test_whoever_dies_at_any_write_leaves_all_articles_or_none(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock, write: tuple[Name, str, int], *, after: bool
) -> None:
    bulk_id, other = await half_finished(system, make_bulk), await ended(system, make_bulk)
    dying = dropping_of(system, faulty_at(store, *write, after=after), clock)
    with pytest.raises(StoreUnavailable):
        await dying.drop(await system.lookup.bulk(OWNER, bulk_id))
    clock.move(timedelta(seconds=10))
    await system.intents.finish_half_done(timedelta(seconds=5))
    was_begun = (write, after) != (WRITES[0], False)
    bulk = await system.lookup.bulk(OWNER, bulk_id)
    assert (bulk.get("results_dropped_at") is not None, bulk["intent"]) == (was_begun, None)
    assert len(await texts(store, bulk_id)) == (0 if was_begun else 5)
    assert len(await texts(store, other)) == 3
    assert [finding async for finding in system.audit.whole()] == []


async def test_what_is_sent_back_afterwards_is_written_anew_and_goes_in_its_turn(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await half_finished(system, make_bulk)
    clock.move(MONTH)
    old_go = retention(system, clock, results=MONTH)
    await old_go.run()
    first = clock.now()
    await system.controls.retry(OWNER, bulk_id)
    claim = await claimed(system)
    assert (claim.job["queue_position"], claim.job["checkpoints"]) == (1, {})
    await system.queue.finish(claim, Completed("written anew", {}))
    await system.outbox.relay()
    clock.move(MONTH - timedelta(minutes=1))
    await old_go.run()
    assert await texts(store, bulk_id) == ["written anew"]
    clock.move(timedelta(minutes=1))
    await old_go.run()
    assert await texts(store, bulk_id) == []
    dates = [job["result_dropped_at"] for job in await jobs_of(store, bulk_id)]
    assert dates == [clock.now(), first, first]


async def test_a_retry_has_to_let_half_a_drop_be_finished_first(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await half_finished(system, make_bulk)
    seen = await system.lookup.bulk(OWNER, bulk_id)
    dying = dropping_of(system, faulty_at(store, "generation_jobs", "update_many", 1, after=False), clock)
    with pytest.raises(StoreUnavailable):
        await dying.drop(seen)
    await system.controls.retry(OWNER, bulk_id)
    assert await texts(store, bulk_id) == []
    await system.queue.finish(await claimed(system), Completed("written anew", {}))
    assert await texts(store, bulk_id) == ["written anew"]


async def test_who_slept_over_a_drop_leaves_what_was_written_since_alone(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await half_finished(system, make_bulk)
    seen = await system.lookup.bulk(OWNER, bulk_id)
    await dropping_of(system, store, clock).drop(seen)
    slept_over = {"id": "gone", "kind": Intent.DROP_RESULTS.value, "epoch": seen["epoch"] + 1, "at": clock.now()}
    clock.move(timedelta(seconds=1))
    await system.controls.retry(OWNER, bulk_id)
    claim = await claimed(system)
    await system.materials.keep_asset(claim, b"new", "image/png")
    await system.queue.finish(claim, Completed("written anew", {}))
    sleeper: Intents = system.intents
    await sleeper.carry_out({**seen, "intent": slept_over})
    assert await texts(store, bulk_id) == ["written anew", b"new"]


async def test_an_article_that_is_gone_is_shared_with_nobody(system: System, store: Store, clock: MovableClock) -> None:
    bulk_id = await submit(system, SAME, SAME)
    await system.queue.finish(await claimed(system), Completed("text", {}))
    await system.queue.finish(await claimed(system), Failed("no", definite=True))
    await system.outbox.relay()
    clock.move(MONTH)
    await retention(system, clock, results=MONTH).run()
    await system.controls.retry(OWNER, bulk_id)
    claim = await claimed(system)
    assert claim.twin is None
    await system.queue.finish(claim, Completed("written anew", {}))
    assert await texts(store, bulk_id) == ["written anew"]


async def test_articles_are_archived_first_and_stay_while_they_cannot_be(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock, tmp_path: Path
) -> None:
    bulk_id = await half_finished(system, make_bulk)
    clock.move(MONTH)
    folder = tmp_path / "archive"
    folder.write_text("no folder")
    old_go = retention(system, clock, results=MONTH, archive=folder)
    with pytest.raises(ArchiveFailed):
        await old_go.run()
    assert len(await texts(store, bulk_id)) == 5
    jobs = await jobs_of(store, bulk_id)
    folder.unlink()
    await old_go.run()
    assert await texts(store, bulk_id) == []
    (lines,) = archived(folder)
    assert [line["document"] for line in lines if line["collection"] == "generation_jobs"] == jobs
    assert len([line for line in lines if line["collection"] == "assets"]) == 2


async def test_a_removal_that_is_withdrawn_leaves_the_file_of_the_articles(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock, tmp_path: Path
) -> None:
    bulk_id = await half_finished(system, make_bulk)
    clock.move(MONTH)
    archive = Archive(tmp_path)
    seen = await system.lookup.bulk(OWNER, bulk_id)
    dying = retention(system, clock, completed=MONTH, archive=tmp_path)
    dying._removal = Removal(faulty_at(store, "bulk_jobs", "delete_one", 1, after=False), clock, archive)
    with pytest.raises(StoreUnavailable):
        await dying.run()
    assert await dropping_of(system, store, clock, archive).drop(seen)
    assert len(archived(tmp_path)) == 2
    clock.move(HELPED_AFTER + LATE_WRITER_TIME)
    await Removal(store, clock, archive).finish_half_done()
    (path,) = tmp_path.glob("*/*.jsonl")
    assert path.name == f"{bulk_id}-{seen['rev']}-articles.jsonl"


async def test_of_two_who_drop_at_once_one_does_and_the_file_is_whole(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock, tmp_path: Path
) -> None:
    bulk_id = await half_finished(system, make_bulk)
    seen = await system.lookup.bulk(OWNER, bulk_id)
    archive = Archive(tmp_path)
    done = [await dropping_of(system, store, clock, archive).drop(seen) for _ in range(2)]
    assert done == [True, False]
    (lines,) = archived(tmp_path)
    assert [line["document"].get("result") for line in lines[1:4]] == [None, "text", "text"]
