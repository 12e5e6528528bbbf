"""The page of a source's formats: a tab for each, in the order in which they end, and the text of one.

The stream says only that something has changed; what is open differs from page to page, so each fetches its own parts.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, Response

from jobs.documents import BulkId, JobId, parse_id
from service.auth.caller import Caller
from service.auth.callers import Reader, Writer
from service.deps import Parts
from service.live.events import BulkSubject, Event, Message
from service.live.streams import open_stream
from service.pages import html
from service.pages.format_tabs import Look, as_parts, look_at_formats

router = APIRouter(prefix="/formats/{bulk_id}", include_in_schema=False)
Chosen = Annotated[str, Query(alias="show", max_length=24)]
Seen = Annotated[str, Query(max_length=30)]


class Changes:
    """A named message, which htmx makes an event of the page."""

    name = "formats changed"

    def render(self, event: Event) -> Message | None:
        return Message(str(event.rev), "changed")


CHANGES = Changes()


@router.get("")
async def show_formats(bulk_id: str, caller: Reader, parts: Parts, show: Chosen = "") -> Response:
    look = await _look(bulk_id, caller, parts, show)
    return html.page("formats.html", caller, here="/formats/new", look=look)


@router.get("/parts")
async def changed_parts(bulk_id: str, caller: Reader, parts: Parts, show: Chosen = "", seen: Seen = "") -> Response:
    look = await _look(bulk_id, caller, parts, show)
    return HTMLResponse(html.parts(as_parts(look, seen)), headers=html.HEADERS)


@router.get("/stream")
async def stream_changes(bulk_id: str, caller: Reader, request: Request) -> Response:
    return await open_stream(request, caller, BulkSubject(caller.user, _id(bulk_id)), CHANGES)


@router.post("/retry/{job_id}")
async def retry_format(bulk_id: str, job_id: str, caller: Writer, parts: Parts, request: Request) -> Response:
    """Sends one format back to the queue."""
    look = await _look(bulk_id, caller, parts, job_id)
    await parts.controls.retry_job(caller.user, JobId(parse_id(job_id, "job")))
    again = await _look(bulk_id, caller, parts, job_id)
    said = f"{look.open.label} is sent back to the queue."
    return html.outcome(request, said, f"/formats/{bulk_id}?show={job_id}", as_parts(again))


async def _look(bulk_id: str, caller: Caller, parts: Parts, chosen: str) -> Look:
    bulk = await parts.lookup.bulk(caller.user, _id(bulk_id))
    return await look_at_formats(parts, bulk, chosen, may_write=caller.may_write)


def _id(text: str) -> BulkId:
    return BulkId(parse_id(text, "bulk job"))
