"""What the API answers: one model a shape, with the Next.js application's names. None is made here."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypeAliasType

from jobs.reading.waiting import WaitingCode
from jobs.states import BulkStatus, JobStatus
from service.schemas.values import PriorityName

Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Identifier = Annotated[str, Field(pattern="^[0-9a-f]{24}$")]


class Model(BaseModel):
    model_config = ConfigDict(extra="ignore", populate_by_name=True, json_schema_serialization_defaults_required=True)


class ErrorDetail(Model):
    path: str
    message: str


class ErrorBody(BaseModel):
    """`error` is a sentence. `details` are there where single fields are wrong."""

    error: str
    details: list[ErrorDetail] = Field(default_factory=list)


class BulkCreated(Model):
    success: Literal[True] = True
    bulk_job_id: Identifier
    total_items: int
    message: str = "Bulk generation queued"


class Forecast(Model):
    """Once its first job has started, without waiting for persons; `cost` is null where none is known."""

    seconds_low: int
    seconds_high: int
    cost: float | None


class BulkValidated(Model):
    """`estimate` is null where no such jobs were completed of late."""

    valid: bool
    errors: list[ErrorDetail]
    estimate: Forecast | None = None


class Usage(Model):
    """Tokens of all calls."""

    input_tokens: int
    output_tokens: int


class PauseRecord(Model):
    at: Moment
    by: str
    mode: str
    reason: str | None
    until: Moment | None
    cause: str | None = None


class BudgetState(Model):
    """`left` is what is neither spent nor set aside for jobs that run."""

    cost: float
    cost_per_job: float
    left: float


class FailurePolicyState(Model):
    max_failed_percent: float | None
    min_items: int
    canary: int | None


class NotifyState(Model):
    """Who is told of this bulk beside its owner's endpoints and address."""

    webhook_url: str | None
    email: str | None
    progress: list[int]


class RunBetweenState(Model):
    """Times of the day between which alone its articles are begun."""

    since: str = Field(alias="from")
    until: str = Field(alias="to")
    time_zone: str


class BulkJob(Model):
    id: Identifier = Field(alias="_id")
    userId: str  # noqa: N815 - the application's name
    mode: str
    name: str | None
    kind: str
    tenant: str
    status: BulkStatus
    total_items: int
    completed_items: int
    failed_items: int
    cancelled_items: int
    created_at: Moment
    started_at: Moment | None
    completed_at: Moment | None
    estimated_completion: Moment | None
    error_summary: list[str]
    metadata: Any
    max_retries: int
    delay_seconds: float
    parallelism: int
    stagger_ms: int
    priority: PriorityName | float
    deadline: Moment | None
    budget: BudgetState | None
    failure_policy: FailurePolicyState | None
    notify: NotifyState | None = None
    run_between: RunBetweenState | None = None
    generation: int
    pause: PauseRecord | None
    pipeline: str
    options: dict[str, Any]
    results_dropped_at: Moment | None = None


class Waiting(Model):
    """Why it does not run just now."""

    code: WaitingCode
    text: str


class JobState(Model):
    """`current_stage` is null while it is queued, and once it is completed."""

    id: Identifier = Field(validation_alias="_id")
    status: JobStatus
    queue_position: int
    error: str | None
    retry_count: int
    current_stage: str | None
    percentage: int


class Steps(Model):
    """Stages: how many it has behind it, and how many there are."""

    done: int
    total: int


class Remaining(Model):
    """Seconds, probably between the two."""

    low: int
    high: int


class HowFar(Model):
    """`running_since`, `remaining`: of a running job, else null; `remaining` where it is known how long such jobs take.
    `elapsed_seconds`: of a running job since then, of one that has ended from its first start to its end, else null."""

    steps: Steps
    running_since: Moment | None = None
    elapsed_seconds: float | None = None
    remaining: Remaining | None = None


class JobRow(JobState, HowFar):
    """`waiting` is null but for a queued job; `about` is what it is about, in a line."""

    about: str | None = None
    waiting: Waiting | None = None


class FormatRow(JobRow):
    """Of the pipeline `formats`: which one it is."""

    template: str
    verbosity: str | None = None


AnyRow = TypeAliasType("AnyRow", JobRow | FormatRow)


class Estimate(Model):
    """When it will have ended, probably between the two, and on what that rests."""

    low: Moment
    high: Moment
    basis: str


class Progress(Model):
    """`cost` and `usage` are those of all its jobs together. `per_hour`: articles completed an hour so far, null before
    the first. `estimate` is null while it waits for what has no known end, and where nothing was measured."""

    total: int
    completed: int
    failed: int
    cancelled: int
    running: int
    awaiting: int
    remaining: int
    percentage: int
    cost: float
    usage: Usage
    per_hour: float | None = None
    estimate: Estimate | None = None
    waiting: Waiting | None = None


class BulkDetail(Model):
    bulk_job: BulkJob
    jobs: list[AnyRow]
    jobs_next_cursor: str | None
    progress: Progress


class BulkPage(Model):
    """`previous_cursor` leads to the page before, as `next_cursor` to the next."""

    bulk_jobs: list[BulkJob]
    next_cursor: str | None
    previous_cursor: str | None = None


class Controlled(Model):
    success: Literal[True] = True
    message: str
    running: list[Identifier]


class BulkRemoved(Model):
    success: Literal[True] = True
    message: str = "Bulk job removed"


class Retried(Model):
    success: Literal[True] = True
    message: str
    retried: int


class BulkChanged(Model):
    success: Literal[True] = True
    bulk_job: BulkJob
