"""The page where one says what is mailed: to which address, and which events at once, once a day, or not at all."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from jobs.errors import InvalidInput
from jobs.events import EventType
from jobs.notification.preferences import Way
from jobs.system import System
from service.auth.caller import Caller
from service.auth.callers import Reader, Writer
from service.deps import Parts, Rules
from service.pages import html
from service.pages.forms import form_of
from service.pages.marking import Filled, marked, of_field
from service.rules.mail_preferences import change, state_of, undelivered
from service.rules.request_rules import NOT_VALID
from service.schemas.notification_models import PreferencesGiven, PreferencesState
from service.wire.faults import faults_of

HERE = "/notifications/settings"
EVENT = "events."
WAYS = ((Way.AT_ONCE.value, "At once"), (Way.DAILY.value, "Once a day, with others"), (Way.OFF.value, "Not mailed"))
router = APIRouter(prefix=HERE, include_in_schema=False)


@router.get("")
async def show_settings(caller: Reader, parts: Parts, rules: Rules, saved: bool = False) -> Response:
    state = await state_of(caller, parts, rules)
    return await _page(caller, parts, state, Filled(_values(state)), saved=saved)


@router.post("")
async def change_settings(request: Request, caller: Writer, parts: Parts, rules: Rules) -> Response:
    """What was typed is kept where it cannot be taken."""
    form = await form_of(request)
    try:
        await change(_given(form), caller, parts, rules)
    except InvalidInput as error:
        wrong = marked(of_field(fault.path, fault.message) for fault in error.faults)
        return await _page(caller, parts, await state_of(caller, parts, rules), Filled(form, wrong))
    return RedirectResponse(f"{HERE}?saved=true", status_code=303, headers=html.HEADERS)


@router.post("/mail/{delivery_id}/replay")
async def send_again(delivery_id: str, request: Request, caller: Writer, parts: Parts) -> Response:
    await form_of(request)
    await parts.dead_mails.send_again(caller.user, delivery_id)
    shown = html.part("undelivered.html", "list", await undelivered(caller, parts), caller.may_write)
    return html.outcome(request, "It is sent again within seconds.", HERE, {"undelivered": shown})


async def _page(caller: Caller, parts: System, state: PreferencesState, f: Filled, *, saved: bool = False) -> Response:
    code = 400 if f.wrong.listed else 200
    kinds = [(EVENT + kind.value, kind.value) for kind in EventType]
    shown = html.part("undelivered.html", "list", await undelivered(caller, parts), caller.may_write)
    return html.page(
        "mail_settings.html", caller, code, state=state, f=f, saved=saved, kinds=kinds, ways=WAYS, undelivered=shown
    )


def _values(state: PreferencesState) -> dict[str, str]:
    ways = {**dict.fromkeys(state.at_once, Way.AT_ONCE), **dict.fromkeys(state.daily, Way.DAILY)}
    chosen = {EVENT + kind.value: ways.get(kind, Way.OFF).value for kind in EventType}
    return {"email": state.email or "", **chosen}


def _given(form: Mapping[str, str]) -> PreferencesGiven:
    """Raises `InvalidInput`."""
    chosen = {
        wanted.value: [
            name.removeprefix(EVENT) for name, way in form.items() if name.startswith(EVENT) and way == wanted
        ]
        for wanted in (Way.AT_ONCE, Way.DAILY)
    }
    try:
        return PreferencesGiven.model_validate({"email": form.get("email"), **chosen})
    except ValidationError as error:
        faults = faults_of([{**one, "loc": ("body", *one["loc"])} for one in error.errors()])
        raise InvalidInput(NOT_VALID, faults) from None
