"""Events of jobs: each failure and each question told once, by whoever ends the running. On both stores."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from bson import BSON, ObjectId

from jobs import events
from jobs.clock import NEVER
from jobs.outcomes import Awaiting, Cancelled, Failed, Lost, Retry, update_for
from jobs.selections import Choice
from jobs.storage.store import Document
from jobs.system import System
from tests.jobs.conftest import LEASE, OWNER, MakeBulk
from tests.jobs.test_events import FAILED, jobs_of, run
from tests.jobs.test_queue import claimed
from tests.support.clock import MovableClock

SELECTION = {
    "options": ["a", "b"], "recommended": 1, "until": None, "stage": "ideas", "hash": "h", "then": "content",
    "percentage": 50,
}  # fmt: skip


async def test_each_failure_of_a_job_has_an_id_of_its_own(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(1)
    await run(system, Failed("x" * 600, definite=True))
    await system.controls.retry(OWNER, bulk_id)
    await run(system, Failed("no answer", definite=False))
    (job,) = await jobs_of(system, bulk_id)
    first, second = job["events"]
    assert first["id"] != second["id"]
    assert {re.sub(r"-\d+-", "-n-", event["id"]) for event in job["events"]} == {f"{job['_id']}-n-failed"}
    assert (first["type"], first["data"]["position"], first["data"]["title"]) == ("job.failed", 1, "Topic 1")
    assert (len(first["data"]["error"]), second["data"]["error"]) == (498, "no answer")


async def test_a_failure_whose_answer_was_lost_is_told_once(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(2)
    claim = await claimed(system)
    await system.queue.finish(claim, FAILED)
    await system.queue.finish(claim, FAILED)
    assert [len(job["events"]) for job in await jobs_of(system, bulk_id)] == [1, 0]


async def test_what_is_tried_again_or_cancelled_is_no_failure(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(2)
    await run(system, Retry("later", timedelta(seconds=9), counted=True, definite=True), Cancelled())
    assert [job["events"] for job in await jobs_of(system, bulk_id)] == [[], []]


async def test_a_job_that_three_workers_were_lost_over_is_told_by_the_sweep(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await make_bulk(1)
    await system.sweep.run()
    clock.move(LEASE)
    for _ in range(3):
        await claimed(system)
        clock.move(LEASE * 2)
        assert await system.sweep.run() == 1
    (job,) = await jobs_of(system, bulk_id)
    (event,) = job["events"]
    assert (event["type"], event["data"]["error"]) == ("job.failed", "worker died 3 times")


async def test_each_question_to_a_person_has_an_id_of_its_own(system: System, make_bulk: MakeBulk) -> None:
    """Also two in one attempt, with no failure between."""
    bulk_id = await make_bulk(1)
    await run(system, Awaiting(SELECTION))
    (job,) = await jobs_of(system, bulk_id)
    await system.selections.choose(OWNER, job["_id"], Choice(OWNER, 0))
    await run(system, Awaiting(SELECTION))
    (job,) = await jobs_of(system, bulk_id)
    first, second = job["events"]
    assert first["type"] == second["type"] == "job.awaiting_selection"
    assert first["id"] != second["id"]
    assert {key: first["data"][key] for key in ("options", "recommended", "until")} == {
        "options": 2, "recommended": 1, "until": None,
    }  # fmt: skip


def test_an_end_written_by_a_lost_worker_is_told_only_where_it_is_the_last(system: System) -> None:
    job: dict[str, Any] = {"_id": ObjectId(), "epoch": 1, "queue_position": 1, "started_at": NEVER, "owed": 0.0}
    job["lease"] = {"token": "t", "worker_id": "w", "taken_at": NEVER, "cost": 0.0, "spent": None}
    pushed = [update_for(Lost(final=final), job, NEVER)["$push"] for final in (False, True)]
    assert ["events" in one for one in pushed] == [False, True]


@pytest.mark.parametrize("letter", ["a", "ß", "語", "😀", "\ud800"])
def test_an_event_stays_small_whatever_people_write(letter: str) -> None:
    long = letter * 20_000
    bulk: Document = dict.fromkeys(("total_items", "completed_items", "failed_items", "cancelled_items"), 10**12)
    bulk |= dict.fromkeys(("created_at", "started_at", "completed_at"), NEVER)
    bulk |= {"_id": ObjectId(), "generation": 1, "rev": 10**9, "status": "paused", "name": long, "cost": 1.5}
    bulk |= {"usage": {"input_tokens": 1, "output_tokens": 1}, "error_summary": [long] * 50}
    bulk["pause"] = {"reason": long, "cause": None, "until": NEVER}
    job = {"_id": ObjectId(), "epoch": 3, "queue_position": 7, "keywords": [long] * 50}
    for event in (events.paused(bulk, NEVER, "person"), events.failed(job, NEVER, long)):
        assert len(BSON.encode(event)) < events.MAX_BYTES


def test_what_is_cut_says_so_and_what_fits_is_left() -> None:
    assert events.cut("short", 5) == "short"
    assert events.cut("語語語", 8) == "語…"
