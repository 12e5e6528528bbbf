"""The stages of a job as it runs, what each has cost, and beginning again at one of them."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from jobs.checkpoints import Reached
from jobs.expenses import Expense, Tokens
from jobs.outcomes import Completed, Failed
from jobs.system import System
from tests.service.conftest import As
from tests.service.requesting import (
    BULKS,
    DONE,
    JOBS,
    claimed,
    end_jobs,
    faults,
    get,
    job_ids,
    post,
    refused,
    submit_quick,
)

SPENT = Expense(0.02, Tokens(100, 50), settled=True)
USAGE = {"input_tokens": 100, "output_tokens": 50}
STAGES = [
    "validation", "context-building", "component-generation", "template-assembly", "quality-validation",
    "post-processing", "storage",
]  # fmt: skip


async def job_of(client: httpx2.AsyncClient, job_id: str) -> dict[str, Any]:
    job: dict[str, Any] = (await get(client, f"{JOBS}/{job_id}"))["job"]
    return job


async def failed_after_the_content(client: httpx2.AsyncClient, system: System) -> tuple[str, str]:
    """A bulk, and its first job, which has paid for its content and failed at what comes after."""
    bulk_id = await submit_quick(client)
    claim = await claimed(system)
    kept: list[tuple[str, dict[str, Any], str, int, Expense]] = [
        ("validation", {"status": "completed"}, "context-building", 14, Expense()),
        ("context-building", {"status": "skipped", "note": "No context."}, "component-generation", 28, Expense()),
        ("component-generation", {"status": "completed", "cost": 0.02, "usage": USAGE}, "template-assembly", 42, SPENT),
    ]
    for stage, told, then, percentage, expense in kept:
        entry = {"hash": "secret-hash", "result": "secret-result", "duration_ms": 1_500, **told}
        await system.checkpoints.keep(claim, Reached(stage, entry, then, percentage), expense)
    shown = await job_of(client, str(claim.job_id))
    assert [stage["status"] for stage in shown["stages"]] == ["completed", "skipped", "completed", "running", *PENDING]
    assert (shown["current_stage"], shown["percentage"]) == ("template-assembly", 42)
    await system.queue.finish(claim, Failed("The template is wrong.", definite=False, expense=SPENT))
    return bulk_id, str(claim.job_id)


PENDING = ["pending"] * 3


async def test_all_stages_of_a_job_are_shown_as_far_as_it_has_come(api: httpx2.AsyncClient, system: System) -> None:
    _, job_id = await failed_after_the_content(api, system)
    job = await job_of(api, job_id)
    assert [stage["name"] for stage in job["stages"]] == STAGES
    assert [stage["status"] for stage in job["stages"]] == ["completed", "skipped", "completed", "failed", *PENDING]
    nothing = {"duration_ms": None, "cost": None, "usage": None, "note": None}
    assert job["stages"][1] == {
        "name": "context-building", "status": "skipped", **nothing, "duration_ms": 1_500, "note": "No context.",
    }  # fmt: skip
    paid = {"name": "component-generation", "status": "completed", "duration_ms": 1_500, "cost": 0.02, "usage": USAGE}
    assert job["stages"][2] == {**paid, "note": None}
    assert job["stages"][6] == {"name": "storage", "status": "pending", **nothing}
    text = (await api.get(f"{JOBS}/{job_id}")).text
    assert "secret" not in text


async def test_what_a_job_has_cost_is_shown_by_attempt_in_all_and_in_its_bulk(
    api: httpx2.AsyncClient, system: System
) -> None:
    bulk_id, job_id = await failed_after_the_content(api, system)
    job = await job_of(api, job_id)
    assert [(attempt["cost"], attempt["usage"]) for attempt in job["attempts"]] == [(0.02, USAGE)]
    assert (job["cost"], job["usage"]) == (0.02, USAGE)
    for _ in range(2):
        await end_jobs(system, Completed("text", {}, Expense(0.1, Tokens(1, 2), settled=True)))
    progress = (await get(api, f"{BULKS}/{bulk_id}"))["progress"]
    assert (progress["cost"], progress["usage"]) == (0.22, {"input_tokens": 102, "output_tokens": 54})


async def test_the_stages_of_a_completed_job_are_those_that_its_result_tells_of(
    api: httpx2.AsyncClient, system: System
) -> None:
    job_id = (await post(api, JOBS, {"mode": "topic", "topic": "tea", "pipeline": "plain"}))["job_id"]
    assert [stage["status"] for stage in (await job_of(api, job_id))["stages"]] == ["pending"]
    told = {"name": "content-generation", "status": "completed", "duration_ms": 7, "cost": None, "usage": USAGE}
    await end_jobs(system, Completed("text", {"stages": [told]}))
    job = await job_of(api, job_id)
    assert job["stages"] == [{**told, "note": None}]
    assert (job["current_stage"], job["percentage"]) == (None, 100)


async def test_a_cancelled_job_shows_where_it_was_cancelled(api: httpx2.AsyncClient) -> None:
    bulk_id = await submit_quick(api)
    job_id = (await job_ids(api, bulk_id))[0]
    await post(api, f"{JOBS}/{job_id}/cancel")
    stages = (await job_of(api, job_id))["stages"]
    assert [stage["status"] for stage in stages] == ["cancelled", *["pending"] * 6]


async def test_a_failed_job_goes_on_where_it_ended_or_begins_again_at_an_earlier_stage(
    api: httpx2.AsyncClient, system: System
) -> None:
    _, job_id = await failed_after_the_content(api, system)
    answer = await post(api, f"{JOBS}/{job_id}/retry", {"from_stage": "context-building"})
    assert answer == {"success": True, "message": "Job sent back to the queue", "status": "queued"}
    job = await job_of(api, job_id)
    assert [stage["status"] for stage in job["stages"]] == ["completed", *["pending"] * 6]
    assert (job["percentage"], job["cost"]) == (14, 0.02)
    claim = await claimed(system)
    assert (str(claim.job_id), claim.job["current_stage"]) == (job_id, "context-building")
    assert claim.job["checkpoints"].keys() == {"validation"}


async def test_a_retry_without_a_stage_keeps_what_was_paid_for(api: httpx2.AsyncClient, system: System) -> None:
    for body in (None, {}, {"from_stage": None}):
        _, job_id = await failed_after_the_content(api, system)
        await post(api, f"{JOBS}/{job_id}/retry", body)
        claim = await claimed(system)
        assert claim.job["current_stage"] == "template-assembly"
        assert "component-generation" in claim.job["checkpoints"]
        await api.post(f"{BULKS}/{claim.bulk_id}/cancel")
        await system.queue.finish(claim, DONE)


BAD_STAGES = ["storage", "quality-validation", "no-such-stage", "Validation", "selection"]
NO_STAGES: list[Any] = ["", 5, ["validation"], {"name": "validation"}, True]


async def test_a_stage_that_the_job_has_not_come_to_is_refused_with_those_that_it_has(
    api: httpx2.AsyncClient, system: System
) -> None:
    _, job_id = await failed_after_the_content(api, system)
    before = await job_of(api, job_id)
    reached = ", ".join(STAGES[:4])
    for stage in BAD_STAGES:
        response = await api.post(f"{JOBS}/{job_id}/retry", json={"from_stage": stage})
        assert faults(response) == {"from_stage": f"must be a stage that the job has come to: {reached}"}
    for wrong in NO_STAGES:
        assert faults(await api.post(f"{JOBS}/{job_id}/retry", json={"from_stage": wrong})).keys() == {"from_stage"}
    assert faults(await api.post(f"{JOBS}/{job_id}/retry", json={"when": 1})).keys() == {"when"}
    assert await job_of(api, job_id) == before


async def test_only_ones_own_failed_jobs_begin_again_at_a_stage(
    api: httpx2.AsyncClient, as_user: As, system: System
) -> None:
    _, job_id = await failed_after_the_content(api, system)
    body = {"from_stage": "validation"}
    refused(await as_user("other").post(f"{JOBS}/{job_id}/retry", json=body), 404)
    running = await claimed(system)
    refused(await api.post(f"{JOBS}/{running.job_id}/retry", json=body), 409)
    await system.queue.finish(running, DONE)
    sentence = "A job that is completed cannot be sent back to the queue."
    assert refused(await api.post(f"{JOBS}/{running.job_id}/retry", json=body), 409) == sentence


@pytest.mark.parametrize("stage", STAGES[:4])
async def test_beginning_again_at_each_stage_forgets_it_and_what_comes_after(
    api: httpx2.AsyncClient, system: System, stage: str
) -> None:
    _, job_id = await failed_after_the_content(api, system)
    await post(api, f"{JOBS}/{job_id}/retry", {"from_stage": stage})
    job = await job_of(api, job_id)
    done = [entry["name"] for entry in job["stages"] if entry["status"] != "pending"]
    assert done == STAGES[: STAGES.index(stage)]
