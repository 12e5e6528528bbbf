"""The page of one webhook endpoint: changed, tested, disabled, removed; its secret rotated; what was sent there, and
sending it again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import RedirectResponse, Response

from jobs.errors import InvalidInput
from jobs.notification.endpoints import Endpoint
from jobs.system import System
from service.auth.caller import Caller
from service.auth.callers import Writer
from service.deps import CheckUrl, Parts
from service.pages import html, polling
from service.pages.delivery_log import HEAD, LOG, POLL, STATES, Wanted, log_of, url_of
from service.pages.endpoint_form import KINDS, change_wanted, replay_wanted, values_of, what_is_wrong
from service.pages.forms import form_of
from service.pages.marking import Filled
from service.pages.shown_once import Once, forgotten
from service.pages.wording import plural
from service.rendering.webhooks import endpoint_state
from service.rules import webhook_rules

router = APIRouter(prefix="/webhooks/{endpoint_id}", include_in_schema=False)


@dataclass(frozen=True)
class Forms:
    """How the page's forms are filled where not as at first; `secret` is shown this once."""

    change: Filled | None = None
    replay: Filled = field(default_factory=Filled)
    secret: str | None = None


def _wanted(
    state: Annotated[str, Query(max_length=20)] = "",
    cursor: Annotated[str | None, Query(max_length=300)] = None,
) -> Wanted:
    return Wanted(state if state in STATES else "", cursor or None)


Which = Annotated[Wanted, Depends(_wanted)]


@router.get("")
async def show_webhook(
    endpoint_id: str,
    request: Request,
    caller: Writer,
    parts: Parts,
    wanted: Which,
    once: Once,
    replayed: Annotated[int | None, Query(ge=0)] = None,
) -> Response:
    """`replayed`: of how many deliveries it was just said that they are sent again."""
    endpoint = await webhook_rules.endpoint_of(parts, caller.user, endpoint_id)
    said = None if replayed is None else f"To be sent again: {plural(replayed, 'delivery', 'deliveries')}."
    forms = Forms(secret=once.take(request, caller).get("secret"))
    return forgotten(await _page(caller, parts, endpoint, wanted, forms, said), request)


@router.get("/live")
async def ask_again(
    endpoint_id: str,
    caller: Writer,
    parts: Parts,
    wanted: Which,
    seen: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    endpoint = await webhook_rules.endpoint_of(parts, caller.user, endpoint_id)
    found = await log_of(parts, caller.user, endpoint, wanted)
    return polling.answer(seen, found.state, found.parts)


@router.post("/change")
async def change(endpoint_id: str, request: Request, caller: Writer, parts: Parts, check: CheckUrl) -> Response:
    """What was typed is kept where it cannot be taken."""
    form = await form_of(request)
    endpoint = await parts.endpoints.find(caller.user, webhook_rules.endpoint_id_of(endpoint_id))
    try:
        changes = change_wanted(form, endpoint_state(endpoint))
        await webhook_rules.change(parts, caller.user, endpoint.id, check, **changes)
    except InvalidInput as error:
        return await _page(caller, parts, endpoint, forms=Forms(change=Filled(form, what_is_wrong(error))))
    return RedirectResponse(_url(endpoint), status_code=303, headers=html.HEADERS)


@router.post("/rotate")
async def rotate(endpoint_id: str, request: Request, caller: Writer, parts: Parts, once: Once) -> Response:
    endpoint, secret = await webhook_rules.rotate(parts, caller.user, endpoint_id)
    return once.lead_to(_url(endpoint), request, caller, {"secret": secret})


@router.post("/enable")
async def enable(endpoint_id: str, request: Request, caller: Writer, parts: Parts, check: CheckUrl) -> Response:
    wanted = webhook_rules.endpoint_id_of(endpoint_id)
    endpoint = await webhook_rules.change(parts, caller.user, wanted, check, enabled=True)
    return await _outcome(request, caller, parts, endpoint, "Enabled: events are sent there from now on.")


@router.post("/disable")
async def disable(endpoint_id: str, request: Request, caller: Writer, parts: Parts, check: CheckUrl) -> Response:
    wanted = webhook_rules.endpoint_id_of(endpoint_id)
    endpoint = await webhook_rules.change(parts, caller.user, wanted, check, enabled=False)
    return await _outcome(request, caller, parts, endpoint, "Disabled: nothing new is sent there.")


@router.post("/test")
async def test(endpoint_id: str, request: Request, caller: Writer, parts: Parts) -> Response:
    endpoint = await webhook_rules.endpoint_of(parts, caller.user, endpoint_id)
    await webhook_rules.test(parts, caller.user, endpoint_id)
    return await _outcome(request, caller, parts, endpoint, "A test event is sent there within 15 seconds.")


@router.post("/remove")
async def remove(endpoint_id: str, request: Request, caller: Writer, parts: Parts) -> Response:
    await parts.endpoints.remove(caller.user, webhook_rules.endpoint_id_of(endpoint_id))
    return html.elsewhere(request, "/webhooks")


@router.post("/replay")
async def replay(endpoint_id: str, request: Request, caller: Writer, parts: Parts) -> Response:
    """Of a range of time. What was typed is kept where it cannot be taken."""
    form = await form_of(request)
    endpoint = await webhook_rules.endpoint_of(parts, caller.user, endpoint_id)
    try:
        body = replay_wanted(form)
        count = await webhook_rules.replay_range(
            parts, caller.user, endpoint, body.since, body.until, only_failed=body.only_failed
        )
    except InvalidInput as error:
        return await _page(caller, parts, endpoint, forms=Forms(replay=Filled(form, what_is_wrong(error))))
    return RedirectResponse(f"{_url(endpoint)}?replayed={count}#replayed", status_code=303, headers=html.HEADERS)


async def _page(
    caller: Caller,
    parts: System,
    endpoint: Endpoint,
    wanted: Wanted | None = None,
    forms: Forms | None = None,
    said: str | None = None,
) -> Response:
    forms = forms or Forms()
    found = await log_of(parts, caller.user, endpoint, wanted or Wanted())
    change = forms.change or Filled(values_of(found.endpoint))
    shown = found.parts()
    return html.page(
        "webhook.html",
        caller,
        400 if change.wrong.listed or forms.replay.wrong.listed else 200,
        endpoint=found.endpoint,
        url=found.url,
        head=shown[HEAD],
        log=shown[LOG],
        poll=shown[POLL],
        mark=polling.mark(found.state),
        change=change,
        replay=forms.replay,
        secret=forms.secret,
        said=said,
        kinds=KINDS,
    )


async def _outcome(request: Request, caller: Caller, parts: System, endpoint: Endpoint, said: str) -> Response:
    found = await log_of(parts, caller.user, endpoint, Wanted())
    return html.outcome(request, said, found.url, polling.with_mark(found.state, found.parts()))


def _url(endpoint: Endpoint) -> str:
    return url_of(str(endpoint.id), endpoint.kind)
