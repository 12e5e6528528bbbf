"""What may be done with schedules, for the API and the pages alike: everybody sees and changes their own alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from jobs.documents import parse_id
from jobs.errors import Fault, InvalidInput, NotFound
from jobs.scheduling.firing_log import Firing
from jobs.scheduling.schedules import WHAT, Plan, Schedule, ScheduleId
from jobs.storage.bson_json import plain
from jobs.system import System
from jobs.templates import TemplateId
from service.auth.caller import Caller
from service.rules.bulk_rules import BulkRules
from service.rules.request_rules import NOT_VALID
from service.rules.scheduling import judge_of
from service.schemas.hours_requests import DayHoursGiven
from service.schemas.schedule_models import (
    FiringList,
    FiringState,
    ScheduleChange,
    ScheduleCreate,
    ScheduleShown,
)


async def create(parts: System, caller: Caller, body: ScheduleCreate) -> Schedule:
    """Raises `InvalidInput`, also for a template that is not there, and `TooMany`."""
    plan = Plan(
        name=body.name,
        template_id=await _template(parts, caller, body.template_id),
        cron=body.cron,
        time_zone=body.time_zone,
        missed=body.missed,
        run_between=_between(body.run_between),
    )
    return await parts.schedules.keep(caller.user, plan, caller.email)


async def change(parts: System, caller: Caller, text: str, body: ScheduleChange) -> Schedule:
    """Raises `NotFound`, `InvalidInput` and `Busy`."""
    schedule_id = schedule_id_of(text)
    before = await parts.schedules.find(caller.user, schedule_id)
    said = body.model_fields_set
    if not said:
        raise InvalidInput(
            NOT_VALID, (Fault("", f"name something to change: {', '.join(ScheduleChange.model_fields)}"),)
        )
    told: dict[str, Any] = {
        name: getattr(body, name) for name in ("name", "cron", "time_zone", "missed") if getattr(body, name) is not None
    }
    if body.template_id is not None:
        told["template_id"] = await _template(parts, caller, body.template_id)
    if "run_between" in said:
        told["run_between"] = _between(body.run_between)
    return await parts.schedules.change(caller.user, schedule_id, replace(before.plan, **told), caller.email)


async def run(parts: System, caller: Caller, rules: BulkRules, text: str) -> Firing:
    """Raises `NotFound`, `Busy`, and what submitting the template could."""
    judge = judge_of(parts, rules)
    return await parts.schedule_firing.fire_by_hand(caller.user, schedule_id_of(text), judge)


async def firings(parts: System, caller: Caller, text: str, limit: int, cursor: str | None = None) -> FiringList:
    """Newest first. Raises `NotFound`, and `InvalidInput` for a cursor that no page has."""
    schedule = await parts.schedules.find(caller.user, schedule_id_of(text))
    page = await parts.firing_log.page(schedule.id, limit, cursor)
    return FiringList(firings=[fired(firing) for firing in page.firings], next_cursor=page.next_cursor)


def fired(firing: Firing) -> FiringState:
    return FiringState.model_validate(plain(asdict(firing)))


def shown(schedule: Schedule) -> ScheduleShown:
    plan = schedule.plan
    told = {
        "id": schedule.id,
        "name": plan.name,
        "template_id": plan.template_id,
        "cron": plan.cron,
        "time_zone": plan.time_zone,
        "missed": plan.missed,
        "run_between": dict(zip(("from", "to"), plan.run_between, strict=True)) if plan.run_between else None,
        "state": schedule.state,
        "pause_reason": schedule.pause_reason,
        "next_at": schedule.next_at,
        "created_at": schedule.created_at,
        "changed_at": schedule.changed_at,
    }
    return ScheduleShown.model_validate(plain(told))


def next_firings(schedule: Schedule) -> Sequence[str]:
    """The next five, as the API tells moments."""
    return [str(plain(moment)) for moment in schedule.next_firings()]


def schedule_id_of(text: str) -> ScheduleId:
    """Raises `NotFound`."""
    return ScheduleId(parse_id(text, WHAT))


async def _template(parts: System, caller: Caller, text: str) -> TemplateId:
    try:
        template, _ = await parts.templates.find(caller.user, TemplateId(parse_id(text, "template")))
    except NotFound:
        raise InvalidInput(NOT_VALID, (Fault("template_id", "there is no such template"),)) from None
    return template.id


def _between(given: DayHoursGiven | None) -> tuple[str, str] | None:
    return (given.since, given.until) if given is not None else None
