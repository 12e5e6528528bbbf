"""The page of one schedule: what came of its firings, when it comes next; changed, paused, run now, removed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from jobs.errors import InvalidInput
from jobs.scheduling.schedules import Schedule
from jobs.system import System
from service.auth.caller import Caller
from service.auth.callers import Reader, Writer
from service.deps import Parts, Rules
from service.pages import html
from service.pages.forms import form_of
from service.pages.marking import Filled
from service.pages.schedule_form import MISSED, change_wanted, templates_of, values_of, what_is_wrong
from service.rules import schedule_rules

LIST = "/schedules"
SHOWN = 20
router = APIRouter(prefix="/schedules/{schedule_id}", include_in_schema=False)


@router.get("")
async def show_schedule(
    schedule_id: str, caller: Reader, parts: Parts, cursor: Annotated[str | None, Query(max_length=200)] = None
) -> Response:
    return await _page(caller, parts, await _found(parts, caller, schedule_id), cursor=cursor)


@router.post("/change")
async def change(schedule_id: str, request: Request, caller: Writer, parts: Parts) -> Response:
    """What was typed is kept where it cannot be taken."""
    form = await form_of(request)
    schedule = await _found(parts, caller, schedule_id)
    try:
        await schedule_rules.change(parts, caller, schedule_id, change_wanted(form))
    except InvalidInput as error:
        return await _page(caller, parts, schedule, f=Filled(form, what_is_wrong(error)))
    return RedirectResponse(f"{LIST}/{schedule.id}", 303, html.HEADERS)


@router.post("/pause")
async def pause(schedule_id: str, request: Request, caller: Writer, parts: Parts) -> Response:
    schedule = await parts.schedules.pause(caller.user, schedule_rules.schedule_id_of(schedule_id))
    return _outcome(request, schedule, "Paused: it fires no more by itself.")


@router.post("/resume")
async def resume(schedule_id: str, request: Request, caller: Writer, parts: Parts) -> Response:
    schedule = await parts.schedules.resume(caller.user, schedule_rules.schedule_id_of(schedule_id))
    return _outcome(request, schedule, "Resumed.")


@router.post("/run")
async def run(schedule_id: str, request: Request, caller: Writer, parts: Parts, rules: Rules) -> Response:
    firing = await schedule_rules.run(parts, caller, rules, schedule_id)
    return html.elsewhere(request, f"/bulks/{firing.bulk_id}")


@router.post("/remove")
async def remove(schedule_id: str, request: Request, caller: Writer, parts: Parts) -> Response:
    await parts.schedules.remove(caller.user, schedule_rules.schedule_id_of(schedule_id))
    return html.elsewhere(request, LIST)


async def _found(parts: System, caller: Caller, text: str) -> Schedule:
    return await parts.schedules.find(caller.user, schedule_rules.schedule_id_of(text))


async def _page(
    caller: Caller, parts: System, schedule: Schedule, *, f: Filled | None = None, cursor: str | None = None
) -> Response:
    shown = schedule_rules.shown(schedule)
    templates = await templates_of(parts, caller.user)
    log = await schedule_rules.firings(parts, caller, shown.id, SHOWN, cursor)
    return html.page(
        "schedule.html",
        caller,
        400 if f is not None else 200,
        here=LIST,
        schedule=shown,
        url=f"{LIST}/{shown.id}",
        coming=schedule_rules.next_firings(schedule),
        uses=dict(templates).get(shown.template_id),
        templates=templates,
        missed=MISSED,
        f=f or Filled(values_of(shown)),
        log=log,
        cursor=cursor,
    )


def _outcome(request: Request, schedule: Schedule, sentence: str) -> Response:
    shown, url = schedule_rules.shown(schedule), f"{LIST}/{schedule.id}"
    head = html.part("schedule_parts.html", "head", shown, url, True)
    coming = html.part("schedule_parts.html", "planned", schedule_rules.next_firings(schedule), shown)
    return html.outcome(request, sentence, url, {"schedule-head": head, "planned": coming})
