"""Bulks and jobs that the application stored itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId

from jobs.adoption import Adoption
from jobs.bulk_hours import hours_in
from jobs.chores import Chore
from jobs.documents import BulkRequest
from jobs.outcomes import Completed
from jobs.states import BulkStatus
from jobs.storage.store import Document
from jobs.system import System
from tests.jobs.test_queue import claimed
from tests.support.invariants import assert_at_rest

OWNER = ObjectId()
DONE = Completed("text", {})


def foreign_bulk(total: int, **fields: Any) -> Document:
    return {
        "_id": ObjectId(),
        "userId": OWNER,
        "mode": "topic",
        "status": "queued",
        "total_items": total,
        "created_at": datetime(2026, 1, 2, tzinfo=UTC),
        **fields,
    }


def foreign_job(bulk: Document, number: int, **fields: Any) -> Document:
    return {
        "_id": ObjectId(),
        "bulk_job_id": bulk["_id"],
        "userId": OWNER,
        "mode": "topic",
        "topic": f"Topic {number}",
        "status": "queued",
        **fields,
    }


async def store(system: System, bulk: Document, jobs: list[Document]) -> None:
    await system.store.collection("bulk_jobs").insert_one(bulk)
    if jobs:
        await system.store.collection("generation_jobs").insert_many(jobs)


async def test_a_bulk_is_adopted_once_its_jobs_are_all_there(system: System) -> None:
    bulk = foreign_bulk(2)
    first, second = foreign_job(bulk, 1), foreign_job(bulk, 2)
    await store(system, bulk, [first])
    assert await system.adoption.run() == 0
    assert await system.queue.claim("w1") is None
    await system.store.collection("generation_jobs").insert_one(second)
    assert await system.adoption.run() == 1
    assert await system.adoption.run() == 0
    for job in (first, second):
        claim = await claimed(system)
        assert (claim.job_id, claim.job["topic"]) == (job["_id"], job["topic"])
        await system.queue.finish(claim, DONE)
    done = await system.lookup.bulk(OWNER, bulk["_id"])
    assert (done["status"], done["completed_items"], done["created_at"]) == (
        BulkStatus.COMPLETED,
        2,
        bulk["created_at"],
    )
    await assert_at_rest(system.store)


async def test_the_applications_own_order_is_kept(system: System) -> None:
    bulk = foreign_bulk(2)
    jobs = [foreign_job(bulk, 1, queue_position=2), foreign_job(bulk, 2, queue_position=1)]
    await store(system, bulk, jobs)
    await system.adoption.run()
    assert (await claimed(system)).job_id == jobs[1]["_id"]


@pytest.mark.parametrize("created_at", ["2026-01-02", None, 5])
async def test_a_bulk_that_does_not_say_when_it_was_made_is_listed_and_counted(
    system: System, created_at: object
) -> None:
    bulk = foreign_bulk(1) | {"created_at": created_at}
    await store(system, bulk, [foreign_job(bulk, 1)])
    await system.adoption.run()
    await system.queue.finish(await claimed(system), DONE)
    assert [one["_id"] for one in (await system.lookup.bulks(OWNER)).documents] == [bulk["_id"]]
    assert (await system.overview.queue(OWNER)).counts.completed == 1


async def test_jobs_that_had_ended_before_stay_ended(system: System) -> None:
    bulk = foreign_bulk(2)
    await store(system, bulk, [foreign_job(bulk, 1, status="completed", result="old"), foreign_job(bulk, 2)])
    await system.adoption.run()
    assert (await system.lookup.bulk(OWNER, bulk["_id"]))["completed_items"] == 1
    await system.queue.finish(await claimed(system), DONE)
    await assert_at_rest(system.store)


async def test_an_adopted_bulk_has_the_settings_stagger_and_cost(system: System) -> None:
    bulk = foreign_bulk(1)
    await store(system, bulk, [foreign_job(bulk, 1)])
    defaults = BulkRequest(mode="", items=(), stagger=timedelta(milliseconds=150), cost_per_job=0.5)
    await Adoption(system.store, system.clock, system.settling, defaults, single_jobs=False).run()
    adopted = await system.lookup.bulk(OWNER, bulk["_id"])
    assert (adopted["stagger_ms"], adopted["job_cost"], adopted["usual_cost"]) == (150, 0.5, 0.5)


async def test_the_end_of_an_adopted_bulk_is_told(system: System) -> None:
    bulk = foreign_bulk(2)
    await store(system, bulk, [foreign_job(bulk, 1), foreign_job(bulk, 2) | {"status": "failed", "error": "old"}])
    await system.adoption.run()
    await system.queue.finish(await claimed(system), Completed("text", {}))
    told = [event["id"] for event in (await system.lookup.bulk(OWNER, bulk["_id"]))["events"]]
    assert told == [f"{bulk['_id']}-1-completed"]


async def test_an_adoption_that_died_half_way_is_completed(system: System) -> None:
    bulk = foreign_bulk(2)
    jobs = [foreign_job(bulk, 1), foreign_job(bulk, 2)]
    await store(system, bulk, jobs)
    await system.adoption._adopt_job(system.adoption._as_ours(bulk), jobs[0], 1)
    assert await system.adoption.run() == 1
    assert (await claimed(system)).job_id == jobs[0]["_id"]


@pytest.mark.parametrize("total", [None, 0, -1, "2", 1.5, True])
async def test_a_bulk_without_a_usable_total_is_left_alone(system: System, total: object) -> None:
    bulk = foreign_bulk(1) | {"total_items": total}
    await store(system, bulk, [foreign_job(bulk, 1)])
    assert await system.adoption.run() == 0
    assert await system.queue.claim("w1") is None


async def test_single_jobs_are_left_alone_unless_the_settings_say_otherwise(system: System) -> None:
    job = foreign_job({"_id": None}, 1)
    await system.store.collection("generation_jobs").insert_one(job)
    assert await system.adoption.run() == 0
    both = Adoption(system.store, system.clock, system.settling, BulkRequest(mode="", items=()), single_jobs=True)
    assert await both.run() == 1
    claim = await claimed(system)
    assert claim.job_id == job["_id"]
    await system.queue.finish(claim, DONE)
    single = await system.lookup.bulk(OWNER, claim.bulk_id)
    assert (single["kind"], single["status"]) == ("single", BulkStatus.COMPLETED)
    await assert_at_rest(system.store)


async def test_a_field_of_the_applications_that_is_named_like_one_of_ours_means_nothing(system: System) -> None:
    bulk = foreign_bulk(1, hours=3, results_dropped_at="never", trace=7)
    await store(system, bulk, [foreign_job(bulk, 1)])
    assert await system.adoption.run() == 1
    adopted = await system.lookup.bulk(OWNER, bulk["_id"])
    assert (adopted["hours"], adopted["results_dropped_at"], adopted["trace"]) == (None, None, None)


async def test_nor_does_it_in_a_bulk_that_an_earlier_version_has_adopted(system: System) -> None:
    bulk = foreign_bulk(1)
    await store(system, bulk, [foreign_job(bulk, 1)])
    await system.adoption.run()
    await system.store.collection("bulk_jobs").update_one({"_id": bulk["_id"]}, {"$set": {"hours": 3}})
    await claimed(system)
    assert Chore.SLOTS in await system.chores.due()
    assert hours_in(await system.lookup.bulk(OWNER, bulk["_id"])) is None
