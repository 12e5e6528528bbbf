"""What the API answers, as far as the command line reads it.

Unknown fields are left alone, and nothing is asked of the service from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jobs.states import LIVE_BULKS, BulkStatus, JobStatus
from pressrun.refusals import UnexpectedAnswer


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True)


class Bulk(_Read):
    id: str = Field(alias="_id")
    name: str | None = None
    status: BulkStatus
    total_items: int = 0
    completed_items: int = 0
    failed_items: int = 0
    cancelled_items: int = 0
    created_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    estimated_completion: datetime | None = None
    error_summary: tuple[str, ...] = ()

    @property
    def ended(self) -> bool:
        return self.status not in LIVE_BULKS


class Seconds(_Read):
    low: float
    high: float


class Job(_Read):
    id: str
    status: JobStatus
    queue_position: int | None = None
    error: str | None = None
    retry_count: int = 0
    current_stage: str | None = None
    percentage: float | None = None
    remaining: Seconds | None = None


class Estimate(_Read):
    low: datetime
    high: datetime
    basis: str


class Waiting(_Read):
    code: str
    text: str


class Progress(_Read):
    total: int
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    running: int = 0
    awaiting: int = 0
    remaining: int = 0
    percentage: float = 0
    per_hour: float | None = None
    estimate: Estimate | None = None
    waiting: Waiting | None = None


class BulkAnswer(_Read):
    bulk_job: Bulk
    jobs: tuple[Job, ...] = ()
    jobs_next_cursor: str | None = None
    progress: Progress


class BulkPage(_Read):
    bulk_jobs: tuple[Bulk, ...]
    next_cursor: str | None = None


class Submitted(_Read):
    bulk_job_id: str
    total_items: int


class Controlled(_Read):
    message: str
    running: tuple[str, ...] = ()


class Retried(_Read):
    message: str = ""
    retried: int


class JobControlled(_Read):
    message: str
    status: JobStatus


class Approved(_Read):
    approved: int


class OpenSelection(_Read):
    job_id: str
    queue_position: int
    topic: str | None = None
    trend: str | None = None
    external_id: str | None = None
    options: tuple[dict[str, Any], ...]
    recommended: int
    until: datetime | None = None


class SelectionPage(_Read):
    selections: tuple[OpenSelection, ...]
    next_cursor: str | None = None


class Template(_Read):
    id: str
    name: str
    mode: str | None = None
    pipeline: str | None = None
    total_items: int = 0


class TemplatePage(_Read):
    templates: tuple[Template, ...]
    next_cursor: str | None = None


class TemplateKept(_Read):
    template: Template


class DayHours(_Read):
    since: str = Field(alias="from")
    until: str = Field(alias="to")


class Schedule(_Read):
    id: str
    name: str
    cron: str
    time_zone: str
    missed: str = ""
    run_between: DayHours | None = None
    state: str
    pause_reason: str | None = None
    next_at: datetime | None = None


class ScheduleList(_Read):
    schedules: tuple[Schedule, ...]


class ScheduleShown(_Read):
    schedule: Schedule
    next_firings: tuple[datetime, ...] = ()


class Firing(_Read):
    bulk_job_id: str
    total_items: int


class Fired(_Read):
    firing: Firing


class Limits(_Read):
    limits: dict[str, Any]


Answer = TypeVar("Answer", bound=_Read)


def understood(model: type[Answer], raw: Mapping[str, Any], *, url: str) -> Answer:
    """The answer as `model`; UnexpectedAnswer names the first field that is not as the API promises."""
    try:
        return model.model_validate(raw)
    except ValidationError as invalid:
        first = invalid.errors()[0]
        path = ".".join(str(part) for part in first["loc"])
        raise UnexpectedAnswer(url, f"{path or 'its answer'}: {first['msg']}") from invalid
