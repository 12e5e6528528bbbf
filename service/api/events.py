"""The routes of live streams: a bulk, a job, the queue, as server-sent events whose data is JSON."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from starlette.responses import Response
from typing_extensions import TypeAliasType

from jobs.documents import BulkId, JobId, parse_id
from service.auth.callers import Reader
from service.live.answers import BulkSnapshot, BulkUpdate, JobUpdate, QueueUpdate, RowUpdate
from service.live.events import BulkSubject, JobSubject, QueueSubject
from service.live.json_events import JsonEvents
from service.live.streams import open_stream

router = APIRouter(prefix="/api", tags=["events"])
JSON = JsonEvents()
BulkEvent = TypeAliasType("BulkEvent", BulkSnapshot | BulkUpdate | RowUpdate)


def _stream_of(name: str, description: str) -> dict[int | str, dict[str, Any]]:
    """For the OpenAPI document: what the data of each event is."""
    schema = {"$ref": f"#/components/schemas/{name}"}
    return {200: {"description": description, "content": {"text/event-stream": {"schema": schema}}}}


@router.get(
    "/bulk-generate/{bulk_id}/events",
    response_class=StreamingResponse,
    response_model=BulkEvent,
    responses=_stream_of("BulkEvent", "Events `snapshot`, `bulk` and `job`; the data of each is one of these"),
)
async def stream_bulk(bulk_id: str, caller: Reader, request: Request) -> Response:
    """A bulk as it changes: a `snapshot` first, then the latest state of the bulk and of each job that changed."""
    subject = BulkSubject(caller.user, BulkId(parse_id(bulk_id, "bulk job")))
    return await open_stream(request, caller, subject, JSON)


@router.get(
    "/jobs/{job_id}/events",
    response_class=StreamingResponse,
    response_model=JobUpdate,
    responses=_stream_of("JobUpdate", "Events `snapshot` and `job`; the data of both is this"),
)
async def stream_job(job_id: str, caller: Reader, request: Request) -> Response:
    """A job as it changes, each time as a whole."""
    subject = JobSubject(caller.user, JobId(parse_id(job_id, "job")))
    return await open_stream(request, caller, subject, JSON)


@router.get(
    "/queue/events",
    response_class=StreamingResponse,
    response_model=QueueUpdate,
    responses=_stream_of("QueueUpdate", "Events `snapshot` and `queue`; the data of both is this"),
)
async def stream_queue(caller: Reader, request: Request) -> Response:
    """One's own part of the queue as it changes, each time as a whole; an admin's is all of it."""
    return await open_stream(request, caller, QueueSubject(None if caller.is_admin else caller.user), JSON)
