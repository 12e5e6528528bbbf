"""What has changed since a moment: every change is dated by the database, found once, and read a page at a time."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from jobs.documents import BulkId
from jobs.outcomes import Completed
from jobs.reading import changes
from jobs.reading.changes import Change
from jobs.storage.revisions import changed
from jobs.storage.store import Store
from jobs.system import Rules, System, start
from tests.jobs.conftest import OWNER, MakeBulk
from tests.support.eventually import eventually

A_MOMENT = timedelta(milliseconds=1)


@pytest.fixture
async def system(store: Store) -> System:
    """With the database's own clock, for it dates the changes."""
    return await start(store, Rules())


async def since(system: System, moment: datetime) -> list[Change]:
    return [change async for change in system.changes.since(moment)]


async def after_the_last(system: System) -> datetime:
    """A moment that the database's clock has come to, after all that it has dated."""
    told = [change.at for change in await since(system, system.clock.now() - timedelta(hours=1))]
    moment = max(told) + A_MOMENT

    async def now() -> datetime:
        return await system.store.server_time()

    await eventually(now, lambda seen: seen > moment)
    return moment


async def test_what_is_stored_anew_has_changed(system: System, make_bulk: MakeBulk) -> None:
    before = system.clock.now() - timedelta(seconds=5)
    bulk_id = await make_bulk(items=3)
    found = await since(system, before)
    assert [(change.bulk_id, change.owner, change.rev) for change in found] == [(bulk_id, OWNER, 1)] * 4
    assert len({change.document_id for change in found}) == 4
    assert [change.job_id for change in found][-1] is None


async def test_a_claim_and_an_end_are_changes_of_that_job_and_its_bulk_alone(
    system: System, make_bulk: MakeBulk
) -> None:
    bulk_id = await make_bulk(items=3)
    made = await after_the_last(system)
    claim = await system.queue.claim("w1")
    assert claim is not None
    assert {change.document_id for change in await since(system, made)} == {bulk_id, claim.job_id}
    claimed = await after_the_last(system)
    await system.queue.finish(claim, Completed("text", {}))
    assert {change.document_id for change in await since(system, claimed)} == {bulk_id, claim.job_id}


async def test_a_lease_that_is_renewed_is_no_change(system: System, make_bulk: MakeBulk) -> None:
    await make_bulk(items=1)
    claim = await system.queue.claim("w1")
    assert claim is not None
    claimed = await after_the_last(system)
    await system.queue.renew([claim])
    assert await since(system, claimed) == []


async def test_many_changes_of_one_moment_are_read_a_page_at_a_time_and_none_is_passed_over(
    system: System, make_bulk: MakeBulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "PAGE", 3)
    bulk_id = await make_bulk(items=20)
    moment = system.clock.now()
    jobs = system.store.collection("generation_jobs")
    await jobs.update_many({"queue_position": {"$gt": 10}}, {"$set": {"changed_at": moment}})
    later = moment + A_MOMENT
    await jobs.update_many({"queue_position": {"$lt": 5}}, {"$set": {"changed_at": later}})
    found = [change for change in await since(system, moment) if change.job_id is not None]
    assert len(found) == len({change.job_id for change in found}) == 14
    assert [change.at for change in found] == [moment] * 10 + [later] * 4
    assert {change.bulk_id for change in found} == {bulk_id}


async def test_rows_have_what_a_row_shows_and_their_revision(system: System, make_bulk: MakeBulk) -> None:
    bulk = await system.lookup.bulk(OWNER, await make_bulk(items=4))
    other = await make_bulk(items=4)
    made = await after_the_last(system)
    jobs = await system.lookup.jobs_of(bulk, 10)
    await system.store.collection("generation_jobs").update_one({"_id": jobs[2]["_id"]}, changed({}))
    (row,) = await system.changes.rows_since(bulk, made, 10)
    assert row == {**jobs[2], "rev": 2}
    wanted = [jobs[3]["_id"], jobs[0]["_id"]]
    assert [row["queue_position"] for row in await system.changes.rows(bulk, wanted)] == [1, 4]
    of_another = await system.lookup.bulk(OWNER, BulkId(other))
    assert await system.changes.rows(of_another, wanted) == []


async def test_a_document_that_is_not_dated_is_found_from_its_next_change_on(
    system: System, make_bulk: MakeBulk
) -> None:
    bulk_id = await make_bulk(items=1)
    long_ago = system.clock.now() - timedelta(days=1)
    bulks = system.store.collection("bulk_jobs")
    await bulks.update_many({}, {"$unset": {"changed_at": ""}})
    assert bulk_id not in {change.document_id for change in await since(system, long_ago)}
    await bulks.update_one({"_id": bulk_id}, changed({"$set": {"name": "n"}}))
    assert bulk_id in {change.document_id for change in await since(system, long_ago)}
