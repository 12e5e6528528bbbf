"""The page of a bulk: how far it is, each of its articles, and what can be done about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.responses import RedirectResponse, Response

from jobs.documents import BulkId, parse_id
from jobs.errors import Fault
from jobs.states import JobStatus
from jobs.storage.store import Document
from jobs.system import System
from service.auth.caller import Caller
from service.auth.callers import Reader
from service.deps import Parts
from service.live.events import BulkSubject
from service.live.positions import event_id
from service.pages import bulk_parts, html
from service.pages.bulk_parts import Look
from service.pages.bulk_settings import LABELS, priorities, values_of
from service.pages.sending import new_key
from service.rules.looking import JOBS_SHOWN, look_at_bulk
from service.schemas.answers import BulkDetail

FILTERS: Mapping[str, str] = {
    "all": "All",
    "processing": "Running",
    "queued": "Queued",
    "awaiting_selection": "Your choice",
    "completed": "Completed",
    "failed": "Failed",
    "cancelled": "Cancelled",
}
router = APIRouter(include_in_schema=False)


@router.get("/bulks/{bulk_id}")
async def show_bulk(
    bulk_id: str,
    caller: Reader,
    parts: Parts,
    status: Annotated[str, Query(max_length=20)] = "all",
    jobs_cursor: Annotated[int, Query(ge=0, le=2**31)] = 0,
) -> Response:
    bulk = await parts.lookup.bulk(caller.user, BulkId(parse_id(bulk_id, "bulk job")))
    if bulk["kind"] == "single":
        job = (await parts.lookup.jobs_of(bulk, 1))[0]
        return RedirectResponse(f"/jobs/{job['_id']}", status_code=303, headers=html.HEADERS)
    return await bulk_page(parts, caller, bulk, status=status if status in FILTERS else "all", after=jobs_cursor)


async def bulk_page(
    parts: System,
    caller: Caller,
    bulk: Document,
    *,
    status: str = "all",
    after: int = 0,
    typed: Mapping[str, str] | None = None,
    faults: Sequence[Fault] = (),
) -> Response:
    """With `faults`, what was typed stands in its settings, and they beside it."""
    as_of = event_id(BulkSubject(caller.user, bulk["_id"]), parts.clock.now())
    look = Look(caller.may_write)
    detail = await _detail(parts, bulk, [] if status == "all" else [JobStatus(status)], after)
    shown = [job for job in detail.jobs if status in ("all", job.status)]
    has_sheet = bulk["total_items"] <= bulk_parts.MOST_CELLS
    counts = bulk_parts.counts(detail.progress)
    told = bulk_parts.of_bulk(detail.bulk_job, detail.progress, look)
    known = values_of(detail.bulk_job)
    return html.page(
        "bulk.html",
        caller,
        400 if faults else 200,
        bulk=detail.bulk_job,
        told=told,
        sheet=bulk_parts.sheet(detail.jobs) if has_sheet else "",
        rows=[bulk_parts.of_job(job, str(bulk["_id"]), look)[f"job-{job.id}"] for job in shown],
        filters=[(name, label, told[f"count-{name}"], counts[name]) for name, label in FILTERS.items()],
        chosen=status,
        next_url=_next_url(detail, status),
        is_first=after == 0,
        is_complete=has_sheet or (after == 0 and status == "all"),
        as_of=as_of,
        key=new_key(),
        values={name: (typed or {}).get(name, "") for name in known} if faults else known,
        labels=LABELS,
        priorities=priorities(detail.bulk_job),
        faults=faults,
    )


async def _detail(parts: System, bulk: Document, statuses: Sequence[JobStatus], after: int) -> BulkDetail:
    """All jobs of a bulk that fits on one page: its sheet shows them, whichever are listed."""
    if bulk["total_items"] <= JOBS_SHOWN:
        return await look_at_bulk(parts, bulk)
    return await look_at_bulk(parts, bulk, after, statuses)


def _next_url(detail: BulkDetail, status: str) -> str | None:
    if detail.jobs_next_cursor is None:
        return None
    asked = {"status": status, "jobs_cursor": detail.jobs_next_cursor}
    return "?" + urlencode({name: value for name, value in asked.items() if value != "all"})
