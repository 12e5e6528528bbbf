"""What the navigation of every page tells: how many notices are unread. Asked for again while somebody looks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, Response

from service.auth.callers import Reader
from service.deps import Parts
from service.pages import html

router = APIRouter(include_in_schema=False)


async def know_unread(request: Request, caller: Reader, parts: Parts) -> None:
    """For routers of pages: what the page's navigation shows. An answer to a part of a page shows none."""
    html.UNREAD.set(None if html.is_htmx(request) else await parts.notices.unread(caller.user))


def unread_parts(unread: int) -> Mapping[str, str]:
    return {
        "unread": html.part("rail.html", "count", unread),
        "unread-poll": html.part("rail.html", "poll", unread),
    }


@router.get("/notifications/unread")
async def ask_unread(caller: Reader, parts: Parts, seen: Annotated[str, Query(max_length=20)] = "") -> Response:
    """Nothing, to a page that shows this number already."""
    unread = await parts.notices.unread(caller.user)
    if seen == str(unread):
        return Response(status_code=204, headers=html.HEADERS)
    return HTMLResponse(html.parts(unread_parts(unread)), headers=html.HEADERS)
