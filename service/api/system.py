"""The routes about the system: the queue, its workers, its limits, and whether it is alive."""

from __future__ import annotations

from fastapi import APIRouter

from service.answers import Health, LimitsAnswer, LimitValues, QueueState, WorkerList
from service.auth.callers import Admin, Reader
from service.deps import Parts
from service.problems import NotReady
from service.rendering import queue_state, worker_state
from service.requests import LimitsChange

router = APIRouter(tags=["system"])


@router.get("/api/queue")
async def get_queue(caller: Reader, parts: Parts) -> QueueState:
    """One's own part of the queue; an admin sees all of it."""
    limits = await parts.limits.read()
    return queue_state(await parts.lookup.queue(None if caller.is_admin else caller.user), limits.max_running)


@router.get("/api/workers")
async def list_workers(caller: Admin, parts: Parts) -> WorkerList:
    return WorkerList(workers=[worker_state(worker) for worker in await parts.workers.alive()])


@router.get("/api/limits")
async def get_limits(caller: Admin, parts: Parts) -> LimitsAnswer:
    limits = await parts.limits.read()
    return LimitsAnswer(limits=LimitValues(max_running=limits.max_running))


@router.patch("/api/limits")
async def change_limits(body: LimitsChange, caller: Admin, parts: Parts) -> LimitsAnswer:
    """Takes effect at the next claim."""
    limits = await parts.limits.change(body.model_dump(exclude_unset=True))
    return LimitsAnswer(limits=LimitValues(max_running=limits.max_running))


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
