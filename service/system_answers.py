"""What the API answers about the system: its queue, its workers, its limits. None is made here."""

from __future__ import annotations

from service.answers import Model, Moment
from service.job_answers import ActiveJob, JobSummary


class ByPriority(Model):
    high: int
    normal: int
    low: int


class Rate(Model):
    """`utilization`: of the calls that may be made in a minute, how many were made in the last."""

    utilization: float
    seconds_until_next: float


class QueueState(Model):
    """`rate` is null where the generator's rate is not limited."""

    pending: int
    processing: int
    completed: int
    failed: int
    total: int
    by_priority: ByPriority
    throughput: int
    max_concurrency: int | None
    active: list[ActiveJob]
    recent: list[JobSummary]
    rate: Rate | None = None


class WorkerState(Model):
    id: str
    busy: bool
    current_job: str | None
    slots: int
    last_heartbeat: Moment
    version: str


class WorkerList(Model):
    workers: list[WorkerState]


class LimitValues(Model):
    """Null is no limit. Those that begin with `tenant_` hold for each tenant that has none of its own."""

    max_running: int | None
    parallel: int
    requests_per_minute: int | None
    ideas_requests_per_minute: int | None
    images_requests_per_minute: int | None
    jobs_per_day: int | None
    cost_per_day: float | None
    tenant_max_running: int | None
    tenant_requests_per_minute: int | None
    tenant_jobs_per_day: int | None
    tenant_cost_per_day: float | None


class LimitsAnswer(Model):
    limits: LimitValues


class TenantLimitValues(Model):
    """Null is as for every tenant."""

    weight: float
    max_running: int | None
    requests_per_minute: int | None
    jobs_per_day: int | None
    cost_per_day: float | None


class TenantLimitsAnswer(Model):
    tenant: str
    limits: TenantLimitValues


class PipelineState(Model):
    """Its stages in the order they go in."""

    name: str
    stages: list[str]


class PipelineList(Model):
    pipelines: list[PipelineState]


class Health(Model):
    status: str
