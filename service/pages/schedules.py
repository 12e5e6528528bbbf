"""The page of schedules: those there are, when each comes next, and a new one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from jobs.errors import InvalidInput, PressrunError, TooMany
from jobs.system import System
from service.auth.caller import Caller
from service.auth.callers import Reader, Writer
from service.deps import Parts
from service.pages import html
from service.pages.forms import form_of
from service.pages.marking import Filled
from service.pages.schedule_form import FIRST, MISSED, create_wanted, next_of, templates_of, what_is_wrong
from service.rules import schedule_rules
from service.wire.problems import STATUS

HERE = "/schedules"
router = APIRouter(prefix=HERE, include_in_schema=False)


@router.get("")
async def show_schedules(
    caller: Reader, parts: Parts, template: Annotated[str | None, Query(max_length=100)] = None
) -> Response:
    """`template`: the one that the form of a new schedule is opened for."""
    return await _page(caller, parts, Filled({**FIRST, **({"template_id": template} if template else {})}))


@router.post("")
async def create(request: Request, caller: Writer, parts: Parts) -> Response:
    """What was typed is kept where it cannot be taken."""
    form = await form_of(request)
    try:
        made = await schedule_rules.create(parts, caller, create_wanted(form))
    except InvalidInput as error:
        return await _page(caller, parts, Filled(form, what_is_wrong(error)))
    except TooMany as error:
        return await _page(caller, parts, Filled(form), refused=error)
    return RedirectResponse(f"{HERE}/{made.id}", 303, html.HEADERS)


@router.get("/next")
async def show_next(request: Request, caller: Reader, parts: Parts) -> Response:
    """The next firings of what a form says, while it is filled in."""
    if not html.is_htmx(request):
        return RedirectResponse(HERE, 303, html.HEADERS)
    form: Mapping[str, str] = {name: value.strip() for name, value in request.query_params.items() if value.strip()}
    try:
        shown = html.part("schedule_parts.html", "coming", next_of(form, parts.clock.now()), "")
    except InvalidInput as error:
        said = what_is_wrong(error).listed
        shown = html.part("schedule_parts.html", "coming", (), said[0].said if said else "")
    return html.fragment(shown)


async def _page(caller: Caller, parts: System, f: Filled, *, refused: PressrunError | None = None) -> Response:
    code = STATUS[type(refused)] if refused else 400 if f.wrong.listed else 200
    templates = await templates_of(parts, caller.user)
    return html.page(
        "schedules.html",
        caller,
        code,
        here=HERE,
        schedules=[schedule_rules.shown(one) for one in await parts.schedules.of(caller.user)],
        names=dict(templates),
        templates=templates,
        missed=MISSED,
        f=f,
        coming=_coming(f, parts),
        sentence=str(refused) if refused else None,
    )


def _coming(f: Filled, parts: System) -> list[str]:
    try:
        return list(next_of(f.values, parts.clock.now()))
    except InvalidInput:
        return []
