"""Single jobs: their pages, one with its stages and attempts, and retry and cancel of one."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from jobs.documents import Wish
from jobs.outcomes import Cancelled, Completed, Retry
from jobs.states import JobStatus
from jobs.system import System
from tests.service.requesting import (
    BULKS,
    DONE,
    FAILED,
    JOBS,
    bulk_with,
    claimed,
    end_jobs,
    faults,
    get,
    job_ids,
    post,
    refused,
    status_of,
    submit,
    submit_quick,
)
from tests.support.clock import MovableClock
from tests.support.invariants import assert_at_rest

SUMMARY = {
    "id", "status", "queue_position", "error", "retry_count", "current_stage", "percentage", "bulk_job_id", "mode",
    "topic", "keywords", "trend", "external_id", "created_at", "started_at", "completed_at",
}  # fmt: skip
DETAIL = SUMMARY | {
    "waiting", "userId", "params", "stages", "selection", "attempts", "cost", "usage", "result", "result_meta",
    "result_dropped_at", "language", "steps", "running_since", "elapsed_seconds", "remaining",
}  # fmt: skip


async def test_a_job_is_shown_with_exactly_the_fields_of_the_contract(api: httpx2.AsyncClient, system: System) -> None:
    body = {"mode": "topic", "topic": "tea", "word_count": 300, "metadata": {"sku_count": 1}, "extra": [1]}
    job_id = (await post(api, JOBS, body))["job_id"]
    await end_jobs(system, DONE)
    answer = await get(api, f"{JOBS}/{job_id}")
    assert answer.keys() == {"job"}
    job = answer["job"]
    assert job.keys() == DETAIL | {"word_count", "metadata"}
    assert (job["id"], job["userId"], job["topic"], job["word_count"]) == (job_id, "owner", "tea", 300)
    assert (job["params"], job["metadata"]["sku_count"]) == ({"extra": [1]}, 1)
    assert (job["result"], job["result_meta"]) == (DONE.content, {"word_count": 2})
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", job["completed_at"])


async def test_a_job_tells_its_attempts(api: httpx2.AsyncClient, system: System, clock: MovableClock) -> None:
    job_id = (await post(api, JOBS, {"mode": "topic", "topic": "tea"}))["job_id"]
    assert (await get(api, f"{JOBS}/{job_id}"))["job"]["attempts"] == []
    for outcome in (Retry("busy", timedelta(seconds=1), counted=True, definite=False), DONE):
        clock.move(timedelta(seconds=10))
        claim = await claimed(system)
        clock.move(timedelta(milliseconds=1_500))
        await system.queue.finish(claim, outcome)
    job = (await get(api, f"{JOBS}/{job_id}"))["job"]
    first, second = job["attempts"]
    assert first.keys() == {"started_at", "ended_at", "worker_id", "outcome", "error", "cost", "usage"}
    assert (first["outcome"], first["error"], first["worker_id"]) == ("retried", "busy", "worker-1")
    assert (second["outcome"], second["error"]) == ("completed", None)
    assert (job["retry_count"], job["percentage"], job["error"]) == (1, 100, None)


@pytest.mark.parametrize("content", ["text", {"title": "a", "parts": [{"n": 1.0}, None]}, {}])
async def test_a_result_is_given_as_the_generator_gave_it(
    api: httpx2.AsyncClient, system: System, content: Any
) -> None:
    job_id = (await post(api, JOBS, {"mode": "topic", "topic": "tea"}))["job_id"]
    await end_jobs(system, Completed(content, {}))
    assert (await get(api, f"{JOBS}/{job_id}"))["job"]["result"] == content


async def test_jobs_are_listed_newest_first_a_page_at_a_time(api: httpx2.AsyncClient, clock: MovableClock) -> None:
    for _ in range(3):
        await submit(api)
        clock.move(timedelta(seconds=1))
    seen: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 7}
    while True:
        page = await get(api, JOBS, **query)
        assert page.keys() == {"jobs", "next_cursor"}
        seen += page["jobs"]
        if page["next_cursor"] is None:
            break
        assert len(page["jobs"]) == 7
        query["cursor"] = page["next_cursor"]
    assert all(job.keys() == SUMMARY for job in seen)
    assert len({job["id"] for job in seen}) == 30
    assert [job["created_at"] for job in seen] == sorted((job["created_at"] for job in seen), reverse=True)


async def test_jobs_can_be_listed_by_status_and_bulk(api: httpx2.AsyncClient, system: System) -> None:
    first = await submit_quick(api)
    await end_jobs(system, DONE, FAILED)
    second = await submit_quick(api)
    assert {job["bulk_job_id"] for job in (await get(api, JOBS, bulk_job_id=second))["jobs"]} == {second}
    failed = (await get(api, JOBS, status="failed"))["jobs"]
    assert [(job["queue_position"], job["error"]) for job in failed] == [(2, "The generator said no.")]
    assert len((await get(api, JOBS, status="queued", bulk_job_id=first))["jobs"]) == 8
    assert (await get(api, JOBS, status="completed", bulk_job_id=second))["jobs"] == []
    for status in JobStatus:
        await get(api, JOBS, status=status)


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"status": "paused"}, "status"),
        ({"limit": "0"}, "limit"),
        ({"limit": "201"}, "limit"),
        ({"cursor": "x"}, "cursor"),
    ],
)
async def test_a_wrong_question_about_jobs_is_refused(
    refusing: httpx2.AsyncClient, query: dict[str, str], path: str
) -> None:
    assert faults(await refusing.get(JOBS, params=query)).keys() == {path}


@pytest.mark.parametrize("wrong", ["x", "", "6b027bdfe484bda5c9f5777d"])
async def test_jobs_of_a_bulk_that_is_not_there_are_not_found(api: httpx2.AsyncClient, wrong: str) -> None:
    refused(await api.get(JOBS, params={"bulk_job_id": wrong}), 404)


async def test_one_job_can_be_cancelled_and_the_others_go_on(api: httpx2.AsyncClient, system: System) -> None:
    bulk_id = await submit_quick(api)
    _, second, *_ = await job_ids(api, bulk_id)
    for _ in range(2):
        answer = await post(api, f"{JOBS}/{second}/cancel")
        assert answer == {"success": True, "message": "Job cancelled", "status": "cancelled"}
    shown = await get(api, f"{BULKS}/{bulk_id}")
    assert (shown["bulk_job"]["status"], shown["progress"]["cancelled"]) == ("queued", 1)
    await end_jobs(system, *[DONE] * 9)
    assert await status_of(api, bulk_id) == "completed"
    await assert_at_rest(system.store)


async def test_a_running_job_is_processing_until_its_worker_has_heard(api: httpx2.AsyncClient, system: System) -> None:
    bulk_id = await submit_quick(api)
    running = await claimed(system)
    answer = await post(api, f"{JOBS}/{running.job_id}/cancel")
    assert answer["status"] == "processing"
    assert (await system.queue.controls([running]))[running.token].wish is Wish.CANCEL
    await system.queue.finish(running, Cancelled())
    assert (await get(api, f"{BULKS}/{bulk_id}"))["jobs"][0]["status"] == "cancelled"


async def test_a_failed_or_cancelled_job_can_be_sent_back(api: httpx2.AsyncClient, system: System) -> None:
    bulk_id = await submit_quick(api)
    await end_jobs(system, FAILED, *[DONE] * 8)
    ids = await job_ids(api, bulk_id)
    await post(api, f"{JOBS}/{ids[9]}/cancel")
    assert await status_of(api, bulk_id) == "completed"
    for job_id in (ids[0], ids[9], ids[9]):
        answer = await post(api, f"{JOBS}/{job_id}/retry")
        assert answer == {"success": True, "message": "Job sent back to the queue", "status": "queued"}
    shown = await get(api, f"{BULKS}/{bulk_id}")
    assert (shown["bulk_job"]["status"], shown["bulk_job"]["generation"]) == ("processing", 2)
    assert shown["jobs"][0]["error"] is None
    await end_jobs(system, DONE, DONE)
    assert await status_of(api, bulk_id) == "completed"
    await assert_at_rest(system.store)


async def test_moves_that_are_none_are_refused_with_a_sentence(api: httpx2.AsyncClient, system: System) -> None:
    bulk_id = await submit_quick(api)
    await end_jobs(system, DONE, FAILED)
    await claimed(system)
    completed, failed, running, *_ = await job_ids(api, bulk_id)
    sentences = {
        (completed, "cancel"): "A job that is completed cannot be cancelled.",
        (completed, "retry"): "A job that is completed cannot be sent back to the queue.",
        (failed, "cancel"): "A job that is failed cannot be cancelled.",
        (running, "retry"): "A job that is processing cannot be sent back to the queue.",
    }
    before = await get(api, f"{BULKS}/{bulk_id}")
    for (job_id, control), sentence in sentences.items():
        assert refused(await api.post(f"{JOBS}/{job_id}/{control}"), 409) == sentence
    assert await get(api, f"{BULKS}/{bulk_id}") == before


async def test_a_job_of_every_kind_of_item_can_be_looked_at(api: httpx2.AsyncClient) -> None:
    bulk_id = (await post(api, BULKS, bulk_with({"keywords": ["a", "b"], "external_id": "7"}, "keywords")))[
        "bulk_job_id"
    ]
    job = (await get(api, JOBS, bulk_job_id=bulk_id, limit=200))["jobs"][6]
    assert (job["keywords"], job["external_id"], job["topic"]) == (["a", "b"], "7", None)
