"""The page of webhook endpoints: those there are, how the last delivery of each went, and a new one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import Response

from jobs.documents import UserId
from jobs.errors import InvalidInput, NoEncryptionKey, PressrunError, TooMany
from jobs.notification.endpoints import Endpoint, EndpointKind
from jobs.system import System
from service.auth.caller import Caller
from service.auth.callers import Writer
from service.deps import CheckUrl, Parts
from service.pages import html
from service.pages.endpoint_form import FIRST, KINDS, create_wanted, what_is_wrong
from service.pages.forms import form_of
from service.pages.marking import Filled
from service.pages.shown_once import Once, forgotten
from service.rendering.webhooks import delivery_summary, endpoint_state
from service.rules import webhook_rules
from service.schemas.webhook_models import DeliverySummary, EndpointState
from service.wire.problems import STATUS

HERE = "/webhooks"
router = APIRouter(prefix=HERE, include_in_schema=False)


@dataclass(frozen=True)
class Row:
    """`last`: the newest delivery, whatever came of it."""

    endpoint: EndpointState
    last: DeliverySummary | None


@dataclass(frozen=True)
class Made:
    """`secret` is shown on this one page, and nowhere else again."""

    endpoint: EndpointState
    secret: str


@router.get("")
async def show_webhooks(request: Request, caller: Writer, parts: Parts, once: Once) -> Response:
    return forgotten(await _page(caller, parts, Filled(FIRST), made=once.take(request, caller)), request)


@router.post("")
async def create(request: Request, caller: Writer, parts: Parts, check: CheckUrl, once: Once) -> Response:
    """What was typed is kept where it cannot be taken."""
    form = await form_of(request)
    try:
        wanted = create_wanted(form)
        made, secret = await webhook_rules.create(
            parts, caller.user, check, wanted.url, wanted.events, wanted.description
        )
    except InvalidInput as error:
        return await _page(caller, parts, Filled(form, what_is_wrong(error)))
    except (TooMany, NoEncryptionKey) as error:
        return await _page(caller, parts, Filled(form), refused=error)
    return once.lead_to(HERE, request, caller, {"id": str(made.id), "secret": secret})


async def _page(
    caller: Caller,
    parts: System,
    f: Filled,
    *,
    made: Mapping[str, str] | None = None,
    refused: PressrunError | None = None,
) -> Response:
    code = STATUS[type(refused)] if refused else 400 if f.wrong.listed else 200
    rows = await _rows(parts, caller.user)
    return html.page(
        "webhooks.html",
        caller,
        code,
        here=HERE,
        rows=[row for row in rows if row.endpoint.kind is EndpointKind.ENDPOINT],
        of_bulks=next((row for row in rows if row.endpoint.kind is EndpointKind.BULKS), None),
        f=f,
        kinds=KINDS,
        made=_made(rows, made or {}),
        sentence=str(refused) if refused else None,
    )


def _made(rows: Sequence[Row], shown: Mapping[str, str]) -> Made | None:
    """None as well for one that was removed before anybody has looked."""
    found = (row.endpoint for row in rows if row.endpoint.id == shown.get("id"))
    return next((Made(endpoint, shown["secret"]) for endpoint in found), None)


async def _rows(parts: System, owner: UserId) -> list[Row]:
    async def row(endpoint: Endpoint) -> Row:
        newest = (await parts.delivery_log.page(owner, endpoint, limit=1)).deliveries
        return Row(endpoint_state(endpoint), delivery_summary(newest[0]) if newest else None)

    return await asyncio.gather(*map(row, await parts.endpoints.list(owner)))
