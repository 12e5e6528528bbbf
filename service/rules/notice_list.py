"""A user's notices: looked at, and marked as read, for the API and the pages alike. No route or page is known here."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from jobs.documents import UserId
from jobs.storage.bson_json import plain
from jobs.storage.store import Document
from jobs.system import System
from service.schemas.notice_models import NoticesMarked, NoticesRead, NoticeState


@dataclass(frozen=True)
class Noticed:
    """A page of notices, newest first; `unread` counts all of them, to a hundred."""

    notices: Sequence[NoticeState]
    unread: int
    next_cursor: str | None
    previous_cursor: str | None


async def noticed(parts: System, owner: UserId, limit: int, cursor: str | None = None) -> Noticed:
    """Raises `InvalidInput` for a cursor that is none."""
    page, unread = await asyncio.gather(parts.notices.list(owner, limit, cursor), parts.notices.unread(owner))
    return Noticed([notice_state(one) for one in page.documents], unread, page.next_cursor, page.previous_cursor)


async def mark_read(parts: System, owner: UserId, which: NoticesRead) -> NoticesMarked:
    """Safe to repeat. Those that are not the owner's are as if they were not there."""
    marked = await parts.notices.mark_read(owner, which.ids, up_to=which.up_to)
    return NoticesMarked(marked=marked, unread=await parts.notices.unread(owner))


def notice_state(stored: Document) -> NoticeState:
    return NoticeState.model_validate(plain({**stored, "id": stored["_id"]}))
