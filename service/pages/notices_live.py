"""What the list of notices shows: on load, and when it is asked again while somebody looks. Nothing is marked here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from jobs.documents import UserId
from jobs.system import System
from service.pages import html
from service.rules.notice_list import noticed
from service.schemas.notice_models import NoticeState

HERE = "/notifications"
SHOWN = 30
POLL_SECONDS = 3
LIST, POLL = "notice-list", "poll"


@dataclass(frozen=True)
class Listed:
    """`state` is the same as long as nothing that is shown has changed. `newest_at`: what is to be marked as read is
    not newer."""

    notices: Sequence[NoticeState]
    unread: int
    cursor: str | None
    newer_url: str | None
    older_url: str | None
    may_write: bool
    state: str

    @property
    def newest_at(self) -> str:
        return self.notices[0].at if self.notices else ""

    def parts(self) -> dict[str, str]:
        return {
            LIST: html.part("notices_parts.html", "list", self),
            POLL: html.part("polling.html", "poll", address(self.cursor, f"{HERE}/live"), POLL_SECONDS),
        }


async def listed(parts: System, owner: UserId, cursor: str | None, *, may_write: bool) -> Listed:
    """Newest first. Raises `InvalidInput` for a cursor that is none."""
    found = await noticed(parts, owner, SHOWN, cursor)
    cursors = (found.previous_cursor, found.next_cursor)
    newer, older = (address(one) if one else None for one in cursors)
    shown = [(notice.id, notice.read_at is None) for notice in found.notices]
    state = repr((shown, found.unread, cursors))
    return Listed(found.notices, found.unread, cursor, newer, older, may_write, state)


def address(cursor: str | None, path: str = HERE) -> str:
    return f"{path}?{urlencode({'cursor': cursor})}" if cursor else path
