"""What the API answers about the system: its queue, its workers, its limits. None is made here."""

from __future__ import annotations

from jobs.reading.shares import GeneratorState
from service.schemas.answers import Model, Moment
from service.schemas.job_answers import ActiveJob, QueueJob


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
    recent: list[QueueJob]
    rate: Rate | None = None


class EndedSeries(Model):
    """Jobs that have ended, in each step from `begin` on; the last step is not over."""

    begin: Moment
    step_seconds: int
    completed: list[int]
    failed: list[int]


class Throughput(Model):
    """`hour` minute by minute; `day` by quarters of an hour."""

    hour: EndedSeries
    day: EndedSeries


class GeneratorAnswer(Model):
    """`until`: when it is called again, where it is parked; when it is probed next, where it is down. `pace` is the
    rate for now, which errors have lowered; it and `rate` are null without a limit."""

    name: str
    state: GeneratorState
    until: Moment | None
    requests_per_minute: int | None
    pace: int | None
    rate: Rate | None


class TenantState(Model):
    """`running` jobs, and those that have not ended and do not run."""

    tenant: str
    running: int
    waiting: int
    weight: float


class SystemState(Model):
    """`tenants` are the ten that have the most."""

    generators: list[GeneratorAnswer]
    tenants: list[TenantState]


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
