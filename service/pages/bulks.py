"""The first page: one's bulks, newest first."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.responses import Response

from jobs.lookup import BulkFilter
from jobs.states import BulkStatus
from service.auth.callers import Reader
from service.deps import Parts
from service.pages import html
from service.rendering import bulk_job

SHOWN = 50
router = APIRouter(include_in_schema=False)


@router.get("/")
async def show_bulks(
    caller: Reader,
    parts: Parts,
    q: Annotated[str, Query(max_length=200)] = "",
    status: Annotated[str, Query(max_length=20)] = "",
    cursor: Annotated[str | None, Query(max_length=100)] = None,
) -> Response:
    chosen = status if status in set(BulkStatus) else ""
    filter = BulkFilter(statuses=[BulkStatus(chosen)] if chosen else [], text=q.strip() or None)
    page = await parts.lookup.bulks(caller.user, filter, SHOWN, cursor)
    rows = [html.part("bulk_row.html", "row", bulk_job(bulk)) for bulk in page.documents]
    further = {"q": q, "status": chosen, "cursor": page.next_cursor}
    next_url = "/?" + urlencode({name: value for name, value in further.items() if value}) if page.next_cursor else None
    return html.page("bulks.html", caller, here="/", rows=rows, q=q, chosen=chosen, cursor=cursor, next_url=next_url)
