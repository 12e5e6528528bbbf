"""What the API answers about single jobs, their stages, and the choices that they wait for. None is made here."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict
from typing_extensions import TypeAliasType

from jobs.states import JobStatus
from service.schemas.answers import HowFar, Identifier, JobState, Model, Moment, Usage, Waiting

StageStatus = TypeAliasType(
    "StageStatus", Literal["pending", "running", "awaiting", "completed", "skipped", "failed", "cancelled"]
)


class JobCreated(Model):
    success: Literal[True] = True
    job_id: Identifier
    bulk_job_id: Identifier


class JobSummary(JobState):
    bulk_job_id: Identifier
    mode: str
    topic: Any = None
    keywords: Any = None
    trend: Any = None
    external_id: Any = None
    created_at: Moment | None = None
    started_at: Moment | None
    completed_at: Moment | None


class QueueJob(JobSummary):
    """With what its bulk is; null where the bulk is gone."""

    pipeline: str | None
    bulk_name: str | None


class Stage(Model):
    """`cost` and `usage` are null where it called nothing, or nothing was told; `note` says what was done instead."""

    name: str
    status: StageStatus
    duration_ms: int | None = None
    cost: float | None = None
    usage: Usage | None = None
    note: str | None = None


class Attempt(Model):
    started_at: Moment
    ended_at: Moment
    worker_id: str
    outcome: str
    error: str | None
    cost: float = 0.0
    usage: Usage | None = None


class Chosen(Model):
    """`by` is who chose, or `deadline`."""

    choice: int | None
    edited: dict[str, Any] | None
    by: str
    at: Moment


class Selection(Model):
    """What a person is asked, and what was chosen. `recommended` is the place of an option, from 0."""

    stage: str
    options: list[dict[str, Any]]
    recommended: int
    until: Moment | None
    asked_at: Moment
    chosen: Chosen | None = None


class ActiveJob(QueueJob, HowFar):
    """One that runs."""


class Job(JobSummary, HowFar):
    """The item's declared fields stand beside these, as the item gave them."""

    model_config = ConfigDict(extra="allow")

    userId: str  # noqa: N815 - the application's name
    params: dict[str, Any]
    waiting: Waiting | None = None
    stages: list[Stage]
    selection: Selection | None = None
    attempts: list[Attempt]
    cost: float
    usage: Usage
    result: Any
    result_meta: Any
    result_dropped_at: Moment | None = None


class JobDetail(Model):
    job: Job


class JobPage(Model):
    jobs: list[JobSummary]
    next_cursor: str | None


class JobControlled(Model):
    success: Literal[True] = True
    message: str
    status: JobStatus


class OpenSelection(Model):
    """A job that waits for a person to choose."""

    job_id: Identifier
    bulk_job_id: Identifier
    topic: Any = None
    keywords: Any = None
    trend: Any = None
    source_url: Any = None
    external_id: Any = None
    queue_position: int
    stage: str
    options: list[dict[str, Any]]
    recommended: int
    until: Moment | None
    asked_at: Moment


class SelectionPage(Model):
    selections: list[OpenSelection]
    next_cursor: str | None


class Approved(Model):
    success: Literal[True] = True
    message: str
    approved: int
