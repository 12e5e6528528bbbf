"""From stored jobs to the answers of the API. Leases, checkpoints and paid answers end here: no answer holds one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jobs.documents import ITEM_FIELDS
from jobs.estimation.timings import Pace
from jobs.reading.waiting import HeldUp
from jobs.states import JobStatus
from jobs.storage.bson_json import plain
from jobs.storage.store import Document
from service.rendering.about import about
from service.schemas.answers import FormatRow, JobRow, Remaining, Steps, Usage, Waiting
from service.schemas.job_answers import (
    ActiveJob,
    Attempt,
    Job,
    JobDetail,
    JobSummary,
    OpenSelection,
    QueueJob,
    Selection,
    Stage,
    StageStatus,
)

STATUS_OF_CURRENT: dict[JobStatus, StageStatus] = {
    JobStatus.QUEUED: "pending",
    JobStatus.PROCESSING: "running",
    JobStatus.AWAITING_SELECTION: "awaiting",
    JobStatus.FAILED: "failed",
    JobStatus.CANCELLED: "cancelled",
}
"""Of the stage that a job stands at; one that is completed stands at none."""


@dataclass(frozen=True)
class Course:
    """What a job goes through, and how fast such jobs are, if that is known."""

    stages: Sequence[Document]
    pace: Pace | None
    now: datetime


def job_row(job: Document, held_up: HeldUp | None, course: Course) -> JobRow | FormatRow:
    told = format_of(job)
    kind = FormatRow if "template" in told else JobRow
    ours = {**_how_far(job, course), "about": _about(job, told), "waiting": waiting(held_up)}
    return kind.model_validate({**_shown(job), **ours, **told})


def format_of(job: Document) -> dict[str, Any]:
    """Of a job of the pipeline `formats` which one it is; nothing of any other."""
    params = job.get("params") or {}
    return {name: params[name] for name in ("template", "verbosity") if isinstance(params.get(name), str)}


def job_summary(job: Document) -> JobSummary:
    return JobSummary.model_validate(_shown(job))


def queue_job(job: Document) -> QueueJob:
    return QueueJob.model_validate(_shown(job))


def active_job(job: Document, course: Course) -> ActiveJob:
    return ActiveJob.model_validate({**_shown(job), **_how_far(job, course)})


def job_detail(job: Document, held_up: HeldUp | None, course: Course) -> JobDetail:
    public = {"_id", *ITEM_FIELDS, *Job.model_fields}
    shown = {name: value for name, value in _shown(job).items() if name in public}
    ours = {
        **_how_far(job, course),
        "stages": _stages(job, course.stages),
        "selection": Selection.model_validate(plain(job["selection"])) if job["selection"] else None,
        "attempts": [_attempt(attempt) for attempt in job["attempts"]],
        "waiting": waiting(held_up),
        "cost": cost_shown(job["cost"]),
        "usage": Usage.model_validate(job["usage"]),
    }
    return JobDetail(job=Job.model_validate({**shown, **ours}))


def open_selection(job: Document) -> OpenSelection:
    return OpenSelection.model_validate(plain({**job["selection"], **job, "job_id": job["_id"]}))


def waiting(held_up: HeldUp | None) -> Waiting | None:
    return Waiting(code=held_up.code, text=held_up.text) if held_up else None


def cost_shown(cost: float) -> float:
    """Without what adding in binary leaves behind the sixth place."""
    return round(cost, 6)


def _about(job: Document, told: Mapping[str, Any]) -> str | None:
    of_format = f"{told['template']} ({told['verbosity']})" if "verbosity" in told else told.get("template")
    return of_format or about(job) or job.get("external_id")


def _how_far(job: Document, course: Course) -> dict[str, Any]:
    names = [stage["name"] for stage in course.stages]
    done = names.index(job["current_stage"]) if job["current_stage"] in names else 0
    if job["status"] == JobStatus.COMPLETED:
        done = len(names)
    remaining = None
    if job["status"] == JobStatus.PROCESSING and course.pace is not None:
        left = course.pace.rest(job, course.stages, course.now).range
        remaining = Remaining(low=math.floor(left.low), high=math.ceil(left.high))
    steps = Steps(done=done, total=len(names))
    return {
        "steps": steps,
        "running_since": plain(job["lease"]["taken_at"]) if job["status"] == JobStatus.PROCESSING else None,
        "elapsed_seconds": _elapsed_seconds(job, course.now),
        "remaining": remaining,
    }


def _elapsed_seconds(job: Document, now: datetime) -> float | None:
    began: datetime | None = job["started_at"]
    until: datetime | None = job["completed_at"]
    if job["status"] == JobStatus.PROCESSING:
        began, until = job["lease"]["taken_at"], now
    if began is None or until is None:
        return None
    return max(0.0, round((until - began).total_seconds(), 1))


def _stages(job: Document, of_bulk: Sequence[Document]) -> list[Stage]:
    """All that the job goes through, in order, as far as it has come."""
    status = JobStatus(job["status"])
    if status is JobStatus.COMPLETED:
        told = {entry["name"]: entry for entry in (job["result_meta"] or {}).get("stages") or []}
        return [_stage(stage["name"], told.get(stage["name"], {}), "completed") for stage in of_bulk]
    kept, current = job["checkpoints"], STATUS_OF_CURRENT[status]
    return [
        Stage(name=stage["name"], status=current)
        if stage["name"] == job["current_stage"]
        else _stage(stage["name"], kept.get(stage["name"], {}), "pending")
        for stage in of_bulk
    ]


def _stage(name: str, entry: Document, otherwise: StageStatus) -> Stage:
    """`otherwise` is its status where nothing is known of it."""
    return Stage.model_validate({"status": otherwise, **entry, "name": name})


def _attempt(attempt: Document) -> Attempt:
    return Attempt.model_validate(plain({**attempt, "cost": cost_shown(attempt["cost"])}))


def _shown(job: Document) -> dict[str, Any]:
    shown = plain(job)
    if not isinstance(shown, dict):
        raise TypeError("a job is a document")
    if job.get("started_at") is None and job.get("lease"):
        shown["started_at"] = plain(job["lease"]["taken_at"])
    if job["status"] == JobStatus.QUEUED:
        shown["current_stage"] = None
    return shown
