"""The routes of schedules: templates that are submitted again and again, by a cron expression in a time zone."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from jobs.scheduling.schedules import Schedule
from service.auth.callers import Reader, Writer
from service.deps import Parts, Rules
from service.rules import schedule_rules
from service.rules.schedule_rules import next_firings, schedule_id_of, shown
from service.schemas.schedule_models import (
    FiringList,
    ScheduleAnswer,
    ScheduleChange,
    ScheduleChanged,
    ScheduleCreate,
    ScheduleFired,
    ScheduleList,
    ScheduleRemoved,
)

router = APIRouter(prefix="/api/schedules", tags=["schedules"])


@router.post("")
async def create_schedule(body: ScheduleCreate, caller: Writer, parts: Parts) -> ScheduleChanged:
    """The template is judged each time it is submitted, not before. At most 100 a user."""
    return _changed(await schedule_rules.create(parts, caller, body))


@router.get("")
async def list_schedules(caller: Reader, parts: Parts) -> ScheduleList:
    """All of them, newest first."""
    return ScheduleList(schedules=[shown(schedule) for schedule in await parts.schedules.of(caller.user)])


@router.get("/{schedule_id}")
async def get_schedule(schedule_id: str, caller: Reader, parts: Parts) -> ScheduleAnswer:
    """With its next five firings."""
    schedule = await parts.schedules.find(caller.user, schedule_id_of(schedule_id))
    return ScheduleAnswer(schedule=shown(schedule), next_firings=list(next_firings(schedule)))


@router.patch("/{schedule_id}")
async def change_schedule(schedule_id: str, body: ScheduleChange, caller: Writer, parts: Parts) -> ScheduleChanged:
    """What is left out stays as it is."""
    return _changed(await schedule_rules.change(parts, caller, schedule_id, body))


@router.delete("/{schedule_id}")
async def remove_schedule(schedule_id: str, caller: Writer, parts: Parts) -> ScheduleRemoved:
    """With what is told of its firings. Bulks that it has made stay."""
    await parts.schedules.remove(caller.user, schedule_id_of(schedule_id))
    return ScheduleRemoved()


@router.post("/{schedule_id}/pause")
async def pause_schedule(schedule_id: str, caller: Writer, parts: Parts) -> ScheduleChanged:
    """It fires no more by itself. Bulks that it has made go on."""
    return _changed(await parts.schedules.pause(caller.user, schedule_id_of(schedule_id)))


@router.post("/{schedule_id}/resume")
async def resume_schedule(schedule_id: str, caller: Writer, parts: Parts) -> ScheduleChanged:
    """From the next planned moment on: what lay in the pause is not made up."""
    return _changed(await parts.schedules.resume(caller.user, schedule_id_of(schedule_id)))


@router.post("/{schedule_id}/run")
async def run_schedule(schedule_id: str, caller: Writer, parts: Parts, rules: Rules) -> ScheduleFired:
    """Now, beside what is planned, also where it is paused and outside of its hours."""
    return ScheduleFired(firing=schedule_rules.fired(await schedule_rules.run(parts, caller, rules, schedule_id)))


@router.get("/{schedule_id}/firings")
async def list_firings(
    schedule_id: str,
    caller: Reader,
    parts: Parts,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> FiringList:
    """Newest first, of the last 90 days: with the bulk that it made, or why it made none."""
    return await schedule_rules.firings(parts, caller, schedule_id, limit, cursor)


def _changed(schedule: Schedule) -> ScheduleChanged:
    return ScheduleChanged(schedule=shown(schedule), next_firings=list(next_firings(schedule)))
