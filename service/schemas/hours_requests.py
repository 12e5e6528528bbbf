"""Hours of the day as clients give them, of schedules and of single bulks. What they mean is decided elsewhere."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from jobs.day_hours import read_hours, read_zone
from jobs.documents import RunBetween
from jobs.errors import Fault, InvalidInput
from service.schemas.values import Body, Short

PATH = "run_between"
TimeOfDay = Annotated[str, StringConstraints(strict=True, pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class DayHoursGiven(Body):
    """Times of the day in the schedule's time zone; over midnight where `to` is the earlier."""

    model_config = ConfigDict(serialize_by_alias=True)

    since: TimeOfDay = Field(alias="from")
    until: TimeOfDay = Field(alias="to")


class BulkHoursGiven(DayHoursGiven):
    """Times of the day between which alone articles are begun; `time_zone`: a name of the IANA database."""

    time_zone: Short = "UTC"


def hours_of(given: BulkHoursGiven | None) -> RunBetween | None:
    return RunBetween(given.since, given.until, given.time_zone) if given is not None else None


def hours_faults(given: BulkHoursGiven | None) -> list[Fault]:
    if given is None:
        return []
    try:
        read_hours(given.since, given.until, read_zone(given.time_zone))
    except InvalidInput as error:
        return [Fault(f"{PATH}.{fault.path.removeprefix(f'{PATH}.')}", fault.message) for fault in error.faults]
    return []
