"""The page of one's API keys: those there are, a new one, and taking one back."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from jobs.callers.keys import Scope
from jobs.errors import Fault, InvalidInput, PressrunError, TooMany
from jobs.storage.bson_json import plain
from jobs.system import System
from service.auth.caller import Caller
from service.auth.callers import Reader, Writer
from service.deps import Parts
from service.pages import html
from service.pages.forms import form_of
from service.pages.marking import Filled, marked, of_field
from service.pages.shown_once import Once, forgotten
from service.refusals import Forbidden
from service.rules import key_rules
from service.rules.request_rules import NOT_VALID
from service.schemas.key_models import KeyCreate
from service.wire.faults import faults_of
from service.wire.problems import STATUS

HERE = "/keys"
FIRST: Mapping[str, str] = {"scope": Scope.WRITE.value, "expires_days": "90"}
"""As the form of a new key is shown."""

MAY: Mapping[Scope, str] = {
    Scope.READ: "Read: look at everything of yours",
    Scope.WRITE: "Write: submit and change as well",
    Scope.ADMIN: "Admin: see and change what is everybody's as well",
}
router = APIRouter(prefix=HERE, include_in_schema=False)


@router.get("")
async def show_keys(request: Request, caller: Reader, parts: Parts, once: Once) -> Response:
    made = once.take(request, caller)
    return forgotten(await _page(caller, parts, Filled(FIRST), made=made), request)


@router.post("")
async def create(request: Request, caller: Writer, parts: Parts, once: Once) -> Response:
    """What was typed is kept where it cannot be taken."""
    form = await form_of(request)
    try:
        key, text = await key_rules.create(parts, caller, _wanted(form))
    except InvalidInput as error:
        wrong = marked(of_field(fault.path, fault.message) for fault in error.faults)
        return await _page(caller, parts, Filled(form, wrong))
    except (Forbidden, TooMany) as error:
        return await _page(caller, parts, Filled(form), refused=error)
    return once.lead_to(HERE, request, caller, {"name": key.name or "", "text": text})


@router.post("/{key_id}/revoke")
async def revoke(key_id: str, request: Request, caller: Writer, parts: Parts) -> Response:
    await key_rules.revoke(parts, caller, key_id)
    return html.elsewhere(request, HERE)


async def _page(
    caller: Caller,
    parts: System,
    f: Filled,
    *,
    made: Mapping[str, str] | None = None,
    refused: PressrunError | None = None,
) -> Response:
    code = STATUS[type(refused)] if refused else 400 if f.wrong.listed else 200
    return html.page(
        "keys.html",
        caller,
        code,
        here=HERE,
        keys=await key_rules.list_own(parts, caller),
        f=f,
        scopes=[(scope.value, MAY[scope]) for scope in key_rules.scopes_for(caller)],
        made=made,
        now=plain(parts.clock.now()),
        sentence=str(refused) if refused else None,
    )


def _wanted(form: Mapping[str, str]) -> KeyCreate:
    """Raises `InvalidInput`. An empty number of days is no end."""
    days = form.get("expires_days")
    if days is not None and not (days.isascii() and days.isdigit()):
        raise InvalidInput(NOT_VALID, (Fault("expires_days", "must be a whole number of days"),))
    said = {"name": form.get("name", ""), "scope": form.get("scope"), "expires_days": int(days) if days else None}
    try:
        return KeyCreate.model_validate(said)
    except ValidationError as error:
        faults = faults_of([{**one, "loc": ("body", *one["loc"])} for one in error.errors()])
        raise InvalidInput(NOT_VALID, faults) from None
