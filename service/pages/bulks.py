"""The first page: one's bulks, newest first, found by name, id or status, as they change."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from service.auth.callers import Reader
from service.deps import Parts
from service.pages import html, polling
from service.pages.bulks_live import LIST, POLL, STATUSES, Wanted, bulk_list

router = APIRouter(include_in_schema=False)


def _wanted(
    q: Annotated[str, Query(max_length=200)] = "",
    status: Annotated[str, Query(max_length=20)] = "",
    cursor: Annotated[str | None, Query(max_length=100)] = None,
) -> Wanted:
    return Wanted(q, status if status in STATUSES else "", cursor or None)


Which = Annotated[Wanted, Depends(_wanted)]


@router.get("/")
async def show_bulks(caller: Reader, parts: Parts, wanted: Which) -> Response:
    found = await bulk_list(parts, caller.user, wanted)
    shown = found.parts()
    return html.page(
        "bulks.html",
        caller,
        here="/",
        wanted=wanted,
        statuses=list(STATUSES),
        list=shown[LIST],
        poll=shown[POLL],
        mark=polling.mark(found.state),
    )


@router.get("/live")
async def ask_again(
    caller: Reader, parts: Parts, wanted: Which, seen: Annotated[str, Query(max_length=20)] = ""
) -> Response:
    found = await bulk_list(parts, caller.user, wanted)
    return polling.answer(seen, found.state, found.parts)
