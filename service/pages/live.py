"""The streams of the pages of a bulk and of a job: what has changed, as the parts of the page that show it.

What is sent is made by the functions that make the page itself, so that both look alike. Nothing is read here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from markupsafe import Markup
from starlette.responses import Response

from jobs.documents import BulkId, JobId, parse_id
from service.auth.callers import Reader
from service.live.answers import BulkSnapshot, BulkUpdate, JobUpdate, QueueUpdate, RowUpdate
from service.live.events import BulkSubject, Event, JobSubject, Message
from service.live.streams import open_stream
from service.pages import bulk_parts, html, job_parts
from service.pages.bulk_parts import Look

ROWS_ANEW = (
    f"""<hx-partial hx-target="#rows-anew" hx-swap="outerHTML">{html.part("bulk_rows.html", "anew")}</hx-partial>"""
)
"""A snapshot has the first rows of a bulk; a page that shows others asks for its own again."""

router = APIRouter(include_in_schema=False, default_response_class=StreamingResponse)


class PageParts:
    """Makes unnamed messages: those are what htmx puts in place."""

    def __init__(self, look: Look, bulk_id: str = "") -> None:
        self.name = f"page {look.may_write}"
        self._look = look
        self._bulk_id = bulk_id

    def render(self, event: Event) -> Message | None:
        rest = ROWS_ANEW if isinstance(event.model, BulkSnapshot) else ""
        return Message(html.parts(self._parts(event)) + rest)

    def _parts(self, event: Event) -> Mapping[str, Markup]:
        match event.model:
            case BulkSnapshot() as whole:
                rows = [bulk_parts.of_job(job, self._bulk_id, self._look) for job in whole.jobs]
                of_jobs = {target: part for row in rows for target, part in row.items()}
                return {**of_jobs, **bulk_parts.of_bulk(whole.bulk_job, whole.progress, self._look)}
            case BulkUpdate() as update:
                return bulk_parts.of_bulk(update.bulk_job, update.progress, self._look)
            case RowUpdate() as row:
                return bulk_parts.of_job(row.job, self._bulk_id, self._look)
            case JobUpdate() as told:
                return job_parts.of_job(told.job, self._look)
            case QueueUpdate():
                return {}
        assert_never(event.model)


@router.get("/bulks/{bulk_id}/stream")
async def stream_bulk_page(bulk_id: str, caller: Reader, request: Request) -> Response:
    found = BulkId(parse_id(bulk_id, "bulk job"))
    subject = BulkSubject(caller.user, found)
    return await open_stream(request, caller, subject, PageParts(Look(caller.may_write), str(found)))


@router.get("/jobs/{job_id}/stream")
async def stream_job_page(job_id: str, caller: Reader, request: Request) -> Response:
    subject = JobSubject(caller.user, JobId(parse_id(job_id, "job")))
    return await open_stream(request, caller, subject, PageParts(Look(caller.may_write)))
