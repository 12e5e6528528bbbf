"""The page of one delivery of a webhook: each attempt, what was answered, and sending it again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from service.auth.callers import Writer
from service.deps import Parts
from service.pages import html, polling
from service.pages.delivery_log import POLL, row_of, told_of
from service.pages.forms import form_of
from service.rules import webhook_rules

router = APIRouter(prefix="/webhooks/deliveries/{delivery_id}", include_in_schema=False)


@router.get("")
async def show_delivery(delivery_id: str, caller: Writer, parts: Parts) -> Response:
    told = await told_of(parts, caller.user, delivery_id)
    shown = told.parts()
    return html.page(
        "delivery.html", caller, told=told, delivery=shown["delivery"], poll=shown[POLL], mark=polling.mark(told.state)
    )


@router.get("/live")
async def ask_again(
    delivery_id: str, caller: Writer, parts: Parts, seen: Annotated[str, Query(max_length=20)] = ""
) -> Response:
    told = await told_of(parts, caller.user, delivery_id)
    return polling.answer(seen, told.state, told.parts)


@router.post("/replay")
async def replay(delivery_id: str, request: Request, caller: Writer, parts: Parts) -> Response:
    """Pressed on its own page, or `on` the list of its endpoint."""
    form = await form_of(request)
    await webhook_rules.replay(parts, caller.user, delivery_id)
    told = await told_of(parts, caller.user, delivery_id)
    said = "It is sent again at once, under the same id."
    if form.get("on") == "list":
        return html.outcome(request, said, told.endpoint_url, row_of(told))
    return html.outcome(request, said, told.url, polling.with_mark(told.state, told.parts()))
