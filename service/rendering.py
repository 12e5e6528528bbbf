"""From stored documents to the answers of the API. Slots, leases and tokens end here: no answer holds one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from jobs.bson_json import plain
from jobs.controls import Answer
from jobs.documents import ITEM_FIELDS
from jobs.lookup import Counts, QueueView
from jobs.priority import Priority
from jobs.states import JobStatus
from jobs.store import Document
from jobs.waiting import HeldUp
from service.answers import (
    Attempt,
    BulkJob,
    Controlled,
    Job,
    JobDetail,
    JobRow,
    JobSummary,
    Progress,
    Stage,
    Waiting,
)
from service.system_answers import ByPriority, QueueState, Rate, WorkerState

STAGE = "content-generation"


def bulk_job(bulk: Document) -> BulkJob:
    budget = {**bulk["budget"], "left": bulk["budget_left"]} if bulk["budget"] else None
    return BulkJob.model_validate(plain({**bulk, "priority": _priority(bulk["priority"]), "budget": budget}))


def progress(counts: Counts, held_up: HeldUp | None) -> Progress:
    return Progress(
        total=counts.total,
        completed=counts.completed,
        failed=counts.failed,
        cancelled=counts.cancelled,
        running=counts.running,
        awaiting=counts.awaiting,
        remaining=counts.remaining,
        percentage=counts.percentage,
        waiting=waiting(held_up),
    )


def waiting(held_up: HeldUp | None) -> Waiting | None:
    return Waiting(code=held_up.code, text=held_up.text) if held_up else None


def controlled(answer: Answer, what: str) -> Controlled:
    return Controlled(message=f"Bulk job {what}", running=[str(job_id) for job_id in answer.running])


def job_row(job: Document, held_up: HeldUp | None) -> JobRow:
    return JobRow.model_validate({**_shown(job), "waiting": waiting(held_up)})


def job_summary(job: Document) -> JobSummary:
    return JobSummary.model_validate(_shown(job))


def job_detail(job: Document, held_up: HeldUp | None) -> JobDetail:
    public = {"_id", *ITEM_FIELDS, *Job.model_fields}
    shown = {name: value for name, value in _shown(job).items() if name in public}
    attempts = [Attempt.model_validate(plain(attempt)) for attempt in job["attempts"]]
    ours = {"stages": [_stage(job)], "attempts": attempts, "waiting": waiting(held_up)}
    return JobDetail(job=Job.model_validate({**shown, **ours}))


def queue_state(view: QueueView) -> QueueState:
    counts, rate = view.counts, view.rate
    return QueueState(
        pending=counts.pending,
        processing=counts.running,
        completed=counts.completed,
        failed=counts.failed,
        total=counts.total,
        by_priority=ByPriority(**{level.name.lower(): view.by_priority.get(level, 0) for level in Priority}),
        throughput=view.ended_last_minute,
        max_concurrency=view.max_running,
        active=[job_summary(job) for job in view.active],
        recent=[job_summary(job) for job in view.recent],
        rate=Rate(utilization=rate.utilization, seconds_until_next=rate.wait.total_seconds()) if rate else None,
    )


def worker_state(worker: Document) -> WorkerState:
    jobs = worker["jobs"]
    return WorkerState.model_validate(
        plain(
            {
                "id": worker["_id"],
                "busy": bool(jobs),
                "current_job": jobs[0] if jobs else None,
                "slots": worker["slots"],
                "last_heartbeat": worker["last_heartbeat"],
                "version": worker["version"],
            }
        )
    )


async def finished_jobs(jobs: AsyncIterator[Document]) -> AsyncIterator[dict[str, Any]]:
    """As `service.results` wants them."""
    async for job in jobs:
        item = {name: job[name] for name in (*ITEM_FIELDS, "mode") if name in job}
        shown = plain(
            {
                "id": job["_id"],
                "position": job["queue_position"],
                **item,
                "status": job["status"],
                "error": job["error"],
                "content": job["result"],
                "result_meta": job["result_meta"],
                "completed_at": job["completed_at"],
            }
        )
        if isinstance(shown, dict):
            yield shown


def _priority(steps: float) -> str | float:
    """By its name, where it has one."""
    return next((level.name.lower() for level in Priority if level == steps), steps)


def _shown(job: Document) -> dict[str, Any]:
    shown = plain(job)
    if not isinstance(shown, dict):
        raise TypeError("a job is a document")
    if job.get("started_at") is None and job.get("lease"):
        shown["started_at"] = plain(job["lease"]["taken_at"])
    return {**shown, "percentage": 100 if job["status"] == JobStatus.COMPLETED else 0}


def _stage(job: Document) -> Stage:
    """The pipeline has one stage so far; its time is the last attempt's."""
    attempts = job["attempts"]
    last = attempts[-1] if attempts else None
    took = round((last["ended_at"] - last["started_at"]).total_seconds() * 1000) if last else None
    match JobStatus(job["status"]):
        case JobStatus.PROCESSING:
            return Stage(name=STAGE, status="running", duration_ms=None)
        case JobStatus.COMPLETED:
            return Stage(name=STAGE, status="completed", duration_ms=took)
        case JobStatus.FAILED:
            return Stage(name=STAGE, status="failed", duration_ms=took)
        case JobStatus.CANCELLED:
            return Stage(name=STAGE, status="cancelled", duration_ms=took)
        case JobStatus.QUEUED | JobStatus.AWAITING_SELECTION:
            return Stage(name=STAGE, status="pending", duration_ms=took)
