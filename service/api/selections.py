"""The routes of what waits for a person: what is asked, and the recommended for all of a bulk."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from jobs.documents import BulkId, parse_id
from service.auth.callers import Reader, Writer
from service.deps import Parts
from service.rendering.jobs import open_selection
from service.schemas.job_answers import Approved, SelectionPage
from service.schemas.pipeline_requests import SelectionsApprove

router = APIRouter(prefix="/api/selections", tags=["selections"])


@router.get("")
async def list_selections(
    caller: Reader,
    parts: Parts,
    bulk_job_id: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
) -> SelectionPage:
    """The longest waiting first."""
    bulk_id = _id(bulk_job_id) if bulk_job_id is not None else None
    page = await parts.lookup.selections(caller.user, bulk_id, limit, cursor)
    return SelectionPage(selections=[open_selection(job) for job in page.documents], next_cursor=page.next_cursor)


@router.post("/approve")
async def approve_selections(body: SelectionsApprove, caller: Writer, parts: Parts) -> Approved:
    """Choose what is recommended, for all jobs of a bulk that wait."""
    approved = await parts.selections.approve(caller.user, _id(body.bulk_job_id), str(caller.user))
    message = f"{approved} recommended option{'' if approved == 1 else 's'} chosen"
    return Approved(message=message, approved=approved)


def _id(text: str) -> BulkId:
    return BulkId(parse_id(text, "bulk job"))
