"""From stored documents to the answers of the API. Slots, leases and tokens end here: no answer holds one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from jobs.bulk_hours import hours_in
from jobs.controls import Answer
from jobs.documents import ITEM_FIELDS, JobId
from jobs.estimation.forecasts import Foreseen
from jobs.estimation.throughput import Series
from jobs.pipelines import PipelineSpec
from jobs.priority import Priority
from jobs.reading.lookup import Tally
from jobs.reading.overview import QueueView
from jobs.reading.overview import Rate as StoredRate
from jobs.reading.shares import GeneratorView, TenantShare
from jobs.reading.waiting import HeldUp
from jobs.storage.bson_json import plain
from jobs.storage.store import Document
from service.rendering.jobs import Course, active_job, cost_shown, format_of, queue_job, waiting
from service.schemas.answers import BulkJob, Controlled, Estimate, Progress, Usage
from service.schemas.system_answers import (
    ByPriority,
    EndedSeries,
    GeneratorAnswer,
    PipelineState,
    QueueState,
    Rate,
    SystemState,
    TenantState,
    WorkerState,
)


def bulk_job(bulk: Document, ends_by: str | None = None) -> BulkJob:
    """`ends_by` is the upper end of its estimate, where one was made."""
    budget = {**bulk["budget"], "left": bulk["budget_left"]} if bulk["budget"] else None
    shown = {**bulk, "priority": _priority(bulk["priority"]), "budget": budget, "estimated_completion": ends_by}
    shown["run_between"] = hours_in(bulk)
    return BulkJob.model_validate(plain(shown))


def progress(
    tally: Tally, held_up: HeldUp | None, foreseen: Foreseen | None, articles_per_hour: float | None
) -> Progress:
    counts = tally.counts
    return Progress(
        total=counts.total,
        completed=counts.completed,
        failed=counts.failed,
        cancelled=counts.cancelled,
        running=counts.running,
        awaiting=counts.awaiting,
        remaining=counts.remaining,
        percentage=tally.percentage,
        cost=cost_shown(tally.cost),
        usage=Usage(input_tokens=tally.input_tokens, output_tokens=tally.output_tokens),
        per_hour=round(articles_per_hour, 2) if articles_per_hour is not None else None,
        estimate=Estimate.model_validate(plain(asdict(foreseen))) if foreseen else None,
        waiting=waiting(held_up),
    )


def pipeline_state(pipeline: PipelineSpec) -> PipelineState:
    return PipelineState(name=pipeline.name, stages=list(pipeline.stage_names))


def controlled(answer: Answer, what: str) -> Controlled:
    return Controlled(message=f"Bulk job {what}", running=[str(job_id) for job_id in answer.running])


def queue_state(view: QueueView, courses: Mapping[JobId, Course]) -> QueueState:
    """`courses` are those of the active jobs."""
    counts = view.counts
    return QueueState(
        pending=counts.pending,
        processing=counts.running,
        completed=counts.completed,
        failed=counts.failed,
        total=counts.total,
        by_priority=ByPriority(**{level.name.lower(): view.by_priority.get(level, 0) for level in Priority}),
        throughput=view.ended_last_minute,
        max_concurrency=view.max_running,
        active=[active_job(job, courses[job["_id"]]) for job in view.active],
        recent=[queue_job(job) for job in view.recent],
        rate=_rate(view.rate),
    )


def series(ended: Series) -> EndedSeries:
    begin, step = plain(ended.begin), round(ended.step.total_seconds())
    completed, failed = list(ended.completed), list(ended.failed)
    return EndedSeries.model_validate({"begin": begin, "step_seconds": step, "completed": completed, "failed": failed})


def system_state(generators: Sequence[GeneratorView], tenants: Sequence[TenantShare]) -> SystemState:
    return SystemState(
        generators=[_generator(each) for each in generators],
        tenants=[TenantState(**asdict(each)) for each in tenants],
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
    """As `service.rendering.results` wants them."""
    async for job in jobs:
        yield finished_job(job)


def finished_job(job: Document) -> dict[str, Any]:
    item = {name: job[name] for name in (*ITEM_FIELDS, "mode") if name in job}
    shown = {
        "id": job["_id"],
        "position": job["queue_position"],
        **item,
        **format_of(job),
        "status": job["status"],
        "error": job["error"],
        "content": job["result"],
        "result_meta": job["result_meta"],
        "result_dropped_at": job.get("result_dropped_at"),
        "completed_at": job["completed_at"],
    }
    return {name: plain(value) for name, value in shown.items()}


def _rate(rate: StoredRate | None) -> Rate | None:
    return Rate(utilization=rate.utilization, seconds_until_next=rate.wait.total_seconds()) if rate else None


def _generator(seen: GeneratorView) -> GeneratorAnswer:
    told = {
        "name": seen.name,
        "state": seen.state,
        "until": plain(seen.until),
        "requests_per_minute": seen.requests_per_minute,
        "pace": seen.pace,
        "rate": _rate(seen.rate),
    }
    return GeneratorAnswer.model_validate(told)


def _priority(steps: float) -> str | float:
    """By its name, where it has one."""
    return next((level.name.lower() for level in Priority if level == steps), steps)
