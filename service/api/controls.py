"""The routes that control a bulk: pause, resume, cancel, retry, and its removal once it has ended."""

from __future__ import annotations

from fastapi import APIRouter

from jobs.controls import Pause
from jobs.documents import BulkId, parse_id
from service.auth.callers import Writer
from service.deps import Parts
from service.rendering.documents import controlled
from service.rules.request_rules import check_until
from service.schemas.answers import BulkRemoved, Controlled, Retried
from service.schemas.requests import BulkPause

router = APIRouter(prefix="/api/bulk-generate/{bulk_id}", tags=["controls"])


@router.post("/pause")
async def pause_bulk(bulk_id: str, caller: Writer, parts: Parts, body: BulkPause | None = None) -> Controlled:
    """No job starts after this but those in `running`; with mode `abort` those are stopped and put back."""
    wanted = body or BulkPause()
    until = check_until(wanted.until, parts.clock.now())
    pause = Pause(wanted.mode, wanted.reason, until, by=str(caller.user))
    return controlled(await parts.controls.pause(caller.user, _id(bulk_id), pause), "paused")


@router.post("/resume")
async def resume_bulk(bulk_id: str, caller: Writer, parts: Parts) -> Controlled:
    """Jobs start again from the next claim on."""
    return controlled(await parts.controls.resume(caller.user, _id(bulk_id)), "resumed")


@router.post("/cancel")
async def cancel_bulk(bulk_id: str, caller: Writer, parts: Parts) -> Controlled:
    """No job starts after this; those in `running` are aborted, and cancelled by their workers."""
    return controlled(await parts.controls.cancel(caller.user, _id(bulk_id)), "cancelled")


@router.post("/retry")
async def retry_bulk(bulk_id: str, caller: Writer, parts: Parts) -> Retried:
    """All failed jobs go back to the queue."""
    _, retried = await parts.controls.retry(caller.user, _id(bulk_id))
    message = f"{retried} failed job{'' if retried == 1 else 's'} sent back to the queue"
    return Retried(message=message, retried=retried)


@router.delete("")
async def remove_bulk(bulk_id: str, caller: Writer, parts: Parts) -> BulkRemoved:
    """For good, with its jobs and results, once it has ended. What is still to be delivered about it is."""
    await parts.deletion.delete(caller.user, _id(bulk_id))
    return BulkRemoved()


def _id(text: str) -> BulkId:
    return BulkId(parse_id(text, "bulk job"))
