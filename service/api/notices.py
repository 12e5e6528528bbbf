"""The routes of notices: the list of what has happened, and marking it as read."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from service.auth.callers import Reader, Writer
from service.deps import Parts
from service.rules.notice_list import mark_read, noticed
from service.schemas.notice_models import NoticeList, NoticesMarked, NoticesRead

router = APIRouter(prefix="/api/notifications", tags=["notifications"])


@router.get("")
async def list_notices(
    caller: Reader,
    parts: Parts,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=300)] = None,
) -> NoticeList:
    """Newest first, of the last 90 days: ends of bulks, what Pressrun or an admin did to them, choices to be made."""
    found = await noticed(parts, caller.user, limit, cursor)
    return NoticeList(notices=list(found.notices), unread=found.unread, next_cursor=found.next_cursor)


@router.post("/read")
async def read_notices(body: NoticesRead, caller: Writer, parts: Parts) -> NoticesMarked:
    """Safe to repeat."""
    return await mark_read(parts, caller.user, body)
