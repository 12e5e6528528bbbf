"""What clients may say of schedules, and what they are answered. None is made here."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from jobs.scheduling.cron import LONGEST
from jobs.scheduling.firing_log import Outcome, Why
from jobs.scheduling.schedules import Missed, ScheduleState
from service.schemas.answers import Identifier, Model, Moment
from service.schemas.hours_requests import DayHoursGiven
from service.schemas.values import Body, Short

Cron = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=LONGEST)]


class ScheduleCreate(Body):
    """`cron`: minute, hour, day of month, month, day of week. `time_zone`: a name of the IANA database."""

    name: Short
    template_id: Short
    cron: Cron
    time_zone: Short = "UTC"
    missed: Missed = Missed.RUN_ONCE
    run_between: DayHoursGiven | None = None


class ScheduleChange(Body):
    """What is left out stays; `run_between` null: at any time of the day."""

    name: Short | None = None
    template_id: Short | None = None
    cron: Cron | None = None
    time_zone: Short | None = None
    missed: Missed | None = None
    run_between: DayHoursGiven | None = None


class Hours(Model):
    since: str = Field(alias="from")
    until: str = Field(alias="to")


class ScheduleShown(Model):
    """`next_at` is null where it will not fire by itself; `pause_reason` says why it has paused itself."""

    id: Identifier
    name: str
    template_id: Identifier
    cron: str
    time_zone: str
    missed: Missed
    run_between: Hours | None
    state: ScheduleState
    pause_reason: str | None
    next_at: Moment | None
    created_at: Moment
    changed_at: Moment


class FiringState(Model):
    """It stands for the moment `planned_at`, and for `passed_over` earlier ones. `text` says why there is no bulk."""

    id: str
    why: Why
    planned_at: Moment
    passed_over: int
    at: Moment
    outcome: Outcome
    bulk_id: Identifier | None = Field(serialization_alias="bulk_job_id")
    total_items: int | None
    text: str | None


class ScheduleList(Model):
    schedules: list[ScheduleShown]


class ScheduleAnswer(Model):
    """`next_firings`: the next five; none where it is paused."""

    schedule: ScheduleShown
    next_firings: list[Moment]


class ScheduleChanged(Model):
    success: Literal[True] = True
    schedule: ScheduleShown
    next_firings: list[Moment]


class FiringList(Model):
    firings: list[FiringState]
    next_cursor: str | None


class ScheduleFired(Model):
    success: Literal[True] = True
    firing: FiringState


class ScheduleRemoved(Model):
    success: Literal[True] = True
    message: str = "Schedule removed"
