"""Hours of the day in a time zone, as clocks show them there: when they begin and are over. Nothing is stored here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from jobs.errors import Fault, InvalidInput

A_DAY, A_MINUTE = timedelta(days=1), timedelta(minutes=1)
WRONG = "The schedule is not valid."


@dataclass(frozen=True)
class DayHours:
    """From `since` to `until`, over midnight where `until` is the earlier. All moments are in UTC: in one time zone
    Python compares what clocks show, and that is not in order."""

    since: time
    until: time
    zone: ZoneInfo

    def holds(self, moment: datetime) -> bool:
        shown = moment.astimezone(self.zone).time()
        if self.since < self.until:
            return self.since <= shown < self.until
        return shown >= self.since or shown < self.until

    def opens(self, moment: datetime) -> datetime:
        """The first moment from then on that lies within them."""
        if self.holds(moment):
            return moment
        shown = moment.astimezone(self.zone)
        opens = self._at(shown.date() if shown.time() < self.since else shown.date() + A_DAY, self.since)
        first = opens.astimezone(UTC)
        return first if first >= moment else opens.replace(fold=1).astimezone(UTC)  # in the hour that comes twice

    def closes(self, moment: datetime) -> datetime:
        """When they are over next."""
        today = moment.astimezone(self.zone).date()
        ends = [self._at(today + A_DAY * number, self.until) for number in range(3)]
        both = (end.replace(fold=fold).astimezone(UTC) for end in ends for fold in (0, 1))  # an hour may come twice
        return min(end for end in both if end > moment)

    def closed_since(self, moment: datetime) -> datetime:
        """When they were last over, or somewhat earlier; within them, that moment itself."""
        if self.holds(moment):
            return moment
        shown = moment.astimezone(self.zone)
        day = shown.date() if shown.time() >= self.until else shown.date() - A_DAY
        closed = datetime.combine(day, self.until, self.zone)
        return min(closed.astimezone(UTC), closed.replace(fold=1).astimezone(UTC))

    def _at(self, day: date, shown: time) -> datetime:
        at = datetime.combine(day, shown, self.zone)
        while at != at.astimezone(UTC).astimezone(self.zone):  # the clocks leave it out
            at += A_MINUTE
        return at


def read_zone(name: str) -> ZoneInfo:
    """A name of the IANA database. Raises `InvalidInput`."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # a folder of the database, a name that is a path, and such
        raise wrong("time_zone", "must be a name of the IANA database, such as Europe/Berlin") from None


def read_hours(since: str, until: str, zone: ZoneInfo) -> DayHours:
    """Two times of the day as `22:00`. Raises `InvalidInput`."""
    hours = DayHours(_time(since, "run_between.from"), _time(until, "run_between.to"), zone)
    if hours.since == hours.until:
        raise wrong("run_between.to", "must differ from the time that it begins at")
    return hours


def wrong(path: str, sentence: str) -> InvalidInput:
    return InvalidInput(WRONG, (Fault(path, sentence),))


def _time(text: str, path: str) -> time:
    hour, _, minute = text.partition(":")
    if len(hour) == len(minute) == 2 and text.isascii() and (hour + minute).isdigit() and hour < "24" and minute < "60":
        return time(int(hour), int(minute))
    raise wrong(path, "must be a time of the day such as 22:00")
