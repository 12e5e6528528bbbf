"""When a schedule fires: a cron expression in a time zone, within hours of the day. Nothing is stored or fired here.

cronsim reads the expression as Debian's cron does. A fixed time that a change of the clocks leaves out comes when they
have changed, and one that they bring twice comes once; what comes every so many minutes or hours goes by real time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from jobs.day_hours import DayHours, read_hours, read_zone, wrong

LONGEST = 100
ALLOWED = {
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day-of-month": "1 to 31 and in its months, L the last",
    "month": "1 to 12 or JAN to DEC",
    "day-of-week": "0 to 7 or SUN to SAT",
}
"""By cronsim's names of the parts."""

A_SECOND = timedelta(seconds=1)
ANY_MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
"""To try an expression at: none knows a year, so what comes after it comes after every other moment."""


@dataclass(frozen=True)
class Rhythm:
    """Make it by `read_rhythm`: then its parts can be used."""

    cron: str
    zone: ZoneInfo
    hours: DayHours | None = None

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The firings after `moment`, in UTC and in order, each once. What is planned for outside of the hours comes
        when they begin, however often it is planned; without end, unless the expression has one."""
        last = moment.astimezone(UTC)
        since = last if self.hours is None else self.hours.closed_since(last)
        for planned in self._planned(since):
            due = planned if self.hours is None else self.hours.opens(planned)
            if due > last:
                yield due
                last = due

    def next(self, moment: datetime) -> datetime | None:
        return next(self.after(moment), None)

    def _planned(self, moment: datetime) -> Iterator[datetime]:
        """After `moment`, or at it: in the hour that comes twice the expression goes back behind where it began."""
        for shown in CronSim(self.cron, (moment - A_SECOND).astimezone(self.zone)):
            planned = shown.astimezone(UTC)
            if planned >= moment:
                yield planned


def read_rhythm(cron: str, time_zone: str, hours: tuple[str, str] | None = None) -> Rhythm:
    """`time_zone`: a name of the IANA database; `hours`: two times of the day as `22:00`. Raises `InvalidInput`."""
    zone = read_zone(time_zone)
    rhythm = Rhythm(_cron(cron), zone, read_hours(*hours, zone) if hours is not None else None)
    if rhythm.next(ANY_MOMENT) is None:
        raise wrong("cron", "names a day that never comes")
    return rhythm


def _cron(text: str) -> str:
    fields = text.split()
    if len(fields) != 5 or len(text) > LONGEST:
        raise wrong("cron", "must have five fields: minute, hour, day of month, month, day of week")
    try:
        CronSim(" ".join(fields), ANY_MOMENT)
    except CronSimError as error:
        part = str(error).removeprefix("Bad ")
        raise wrong("cron", f"has a wrong {part}: it must be of {ALLOWED[part]}, as *, 5, 1-5, */2 or 1,3") from None
    return " ".join(fields)
