"""The form of a schedule: from its fields to what the API takes, and back. Nothing is stored or fired here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from jobs.documents import UserId
from jobs.errors import InvalidInput
from jobs.scheduling.cron import read_rhythm
from jobs.scheduling.schedules import SHOWN_FIRINGS
from jobs.storage.bson_json import plain
from jobs.system import System
from jobs.templates import MOST
from service.pages.marking import Marked, marked, of_field
from service.rules.request_rules import NOT_VALID
from service.schemas.schedule_models import ScheduleChange, ScheduleCreate, ScheduleShown
from service.wire.faults import faults_of

FIRST: Mapping[str, str] = {"cron": "0 6 * * 1", "time_zone": "UTC", "missed": "run_once"}
"""As the form of a new schedule is shown."""

MISSED = (("run_once", "Make them up by one"), ("skip", "Leave them out"))
SAID = ("name", "template_id", "cron", "time_zone", "missed")
Wanted = TypeVar("Wanted", bound=BaseModel)
FROM, TO = "run_between.from", "run_between.to"


def create_wanted(form: Mapping[str, str]) -> ScheduleCreate:
    """Raises `InvalidInput`."""
    return _read(ScheduleCreate, _said(form))


def change_wanted(form: Mapping[str, str]) -> ScheduleChange:
    """All of it: the form holds it all. Raises `InvalidInput`."""
    _read(ScheduleCreate, _said(form))  # what is left empty would be left as it is
    return _read(ScheduleChange, _said(form))


def values_of(shown: ScheduleShown) -> Mapping[str, str]:
    values = {name: str(getattr(shown, name)) for name in SAID}
    hours = shown.run_between
    return values | ({FROM: hours.since, TO: hours.until} if hours is not None else {})


def what_is_wrong(error: InvalidInput) -> Marked:
    return marked(of_field(fault.path, fault.message) for fault in error.faults)


def next_of(form: Mapping[str, str], now: datetime) -> Sequence[str]:
    """Of what the form says, as the API tells moments. Raises `InvalidInput`."""
    wanted = _read(ScheduleCreate, {**_said(form), "name": "any", "template_id": "any"})
    hours = wanted.run_between
    between = (hours.since, hours.until) if hours is not None else None
    rhythm = read_rhythm(wanted.cron, wanted.time_zone, between)
    return [str(plain(moment)) for moment in islice(rhythm.after(now), SHOWN_FIRINGS)]


async def templates_of(parts: System, owner: UserId) -> Sequence[tuple[str, str]]:
    """Those that can be chosen, newest first."""
    page = await parts.templates.page(owner, MOST, None)
    return [(str(template.id), template.name) for template in page.templates]


def _said(form: Mapping[str, str]) -> dict[str, object]:
    said: dict[str, object] = {name: form[name] for name in SAID if name in form}
    hours = {end: form[name] for end, name in (("from", FROM), ("to", TO)) if name in form}
    return said | {"run_between": hours or None}


def _read(model: type[Wanted], said: Mapping[str, object]) -> Wanted:
    try:
        return model.model_validate(said)
    except ValidationError as error:
        faults = faults_of([{**one, "loc": ("body", *one["loc"])} for one in error.errors()])
        raise InvalidInput(NOT_VALID, faults) from None
