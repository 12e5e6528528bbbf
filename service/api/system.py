"""The routes about the system: the queue, its workers, its limits, and whether it is alive."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path

from service.auth.callers import Admin, Reader
from service.deps import Parts
from service.refusals import NotReady
from service.rendering.documents import pipeline_state, series, system_state, worker_state
from service.rules.looking import look_at_queue
from service.schemas.limit_requests import LimitsChange, TenantLimitsChange
from service.schemas.system_answers import (
    Health,
    LimitsAnswer,
    LimitValues,
    PipelineList,
    QueueState,
    SystemState,
    TenantLimitsAnswer,
    TenantLimitValues,
    Throughput,
    WorkerList,
)

router = APIRouter(tags=["system"])
Tenant = Annotated[str, Path(min_length=1, max_length=200)]


@router.get("/api/queue")
async def get_queue(caller: Reader, parts: Parts) -> QueueState:
    """One's own part of the queue; an admin sees all of it."""
    return await look_at_queue(parts, None if caller.is_admin else caller.user)


@router.get("/api/queue/throughput")
async def get_throughput(caller: Reader, parts: Parts) -> Throughput:
    """How many jobs have ended, in the last hour and the last day; of everybody's, for an admin."""
    owner = None if caller.is_admin else caller.user
    hour, day = await parts.throughput.last_hour(owner), await parts.throughput.last_day(owner)
    return Throughput(hour=series(hour), day=series(day))


@router.get("/api/system")
async def get_system(caller: Admin, parts: Parts) -> SystemState:
    """How the generators are, and whose jobs run and wait."""
    return system_state(await parts.shares.generators(), await parts.shares.tenants())


@router.get("/api/pipelines")
async def list_pipelines(caller: Reader, parts: Parts) -> PipelineList:
    """Those that come with Pressrun, and those that workers have brought."""
    found = await parts.pipelines.all()
    return PipelineList(pipelines=[pipeline_state(found[name]) for name in sorted(found)])


@router.get("/api/workers")
async def list_workers(caller: Admin, parts: Parts) -> WorkerList:
    """Those that are alive."""
    return WorkerList(workers=[worker_state(worker) for worker in await parts.workers.alive()])


@router.get("/api/limits")
async def get_limits(caller: Admin, parts: Parts) -> LimitsAnswer:
    """As they are now, for all workers."""
    return LimitsAnswer(limits=LimitValues(**asdict(await parts.limits.read())))


@router.patch("/api/limits")
async def change_limits(body: LimitsChange, caller: Admin, parts: Parts) -> LimitsAnswer:
    """Takes effect at the next claim."""
    limits = await parts.limits.change(body.model_dump(exclude_unset=True))
    return LimitsAnswer(limits=LimitValues(**asdict(limits)))


@router.get("/api/limits/tenants/{tenant:path}")
async def get_tenant_limits(tenant: Tenant, caller: Admin, parts: Parts) -> TenantLimitsAnswer:
    """A tenant is the owner of bulks, or the store or site that they name."""
    limits = await parts.limits.read_tenant(tenant)
    return TenantLimitsAnswer(tenant=tenant, limits=TenantLimitValues(**asdict(limits)))


@router.patch("/api/limits/tenants/{tenant:path}")
async def change_tenant_limits(
    tenant: Tenant, body: TenantLimitsChange, caller: Admin, parts: Parts
) -> TenantLimitsAnswer:
    """Takes effect at the next claim."""
    limits = await parts.limits.change_tenant(tenant, body.model_dump(exclude_unset=True))
    return TenantLimitsAnswer(tenant=tenant, limits=TenantLimitValues(**asdict(limits)))


@router.get("/healthz")
async def get_health() -> Health:
    """This process is alive."""
    return Health(status="ok")


@router.get("/readyz")
async def get_readiness(parts: Parts) -> Health:
    """The database answers, and there is a live worker."""
    if not await parts.workers.any_alive():
        raise NotReady("No worker is alive: start one with `pressrun worker`.")
    return Health(status="ready")
