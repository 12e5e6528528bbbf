"""Bulks that run within hours of the day alone: outside of them they pause themselves until those begin. What a pause
means is decided elsewhere.

`hours.closes_at` is when it is looked at next. A person's pause or resume stands until then; what runs when the hours
are over runs to its end. An ended bulk has hours no more.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from jobs.clock import NEVER, Clock
from jobs.day_hours import DayHours, read_hours, read_zone
from jobs.documents import RunBetween
from jobs.errors import InvalidInput
from jobs.events import BY_PRESSRUN
from jobs.intents import Intents
from jobs.settling import Settling
from jobs.states import BulkStatus, bulks_that_may_become
from jobs.storage.store import Document, Store
from jobs.wake import Wake

AT_ONCE = 200
MOST_TIMES = 400


def to_be_closed(now: datetime) -> Document:
    """Bulks whose hours have been over since they were last looked at."""
    return {"schema": 1, "hours.closes_at": {"$exists": True, "$lte": now}}  # as its index says it


def hours_in(bulk: Document) -> Document | None:
    """What a bulk has of them. A field of that name that an application has given its own bulk is none."""
    hours = bulk.get("hours")
    return hours if isinstance(hours, dict) and "closes_at" in hours else None


def new_hours(between: RunBetween, now: datetime) -> Document:
    """What a new bulk has of them: outside of its hours it begins paused. Raises `InvalidInput`."""
    hours, stored = _read(between, now)
    return {"hours": stored} | ({} if hours.holds(now) else _paused(stored, hours, now))


def other_hours(bulk: Document, between: RunBetween | None, now: datetime) -> Document:
    """What a bulk gets with other hours, or with none, to be written at once. A person's pause stands; a pause of its
    hours that has no reason any more is over now, and is ended as any is. Raises `InvalidInput`."""
    waits = bulk["status"] == BulkStatus.PAUSED and _is_ours(bulk["pause"])
    over = {"pause": {**bulk["pause"], "until": now}} if waits else {}
    if between is None:
        return {"hours": None} | over if hours_in(bulk) is not None else {}
    hours, stored = _read(between, now)
    if hours.holds(now):
        return {"hours": stored} | over
    may_pause = waits or BulkStatus(bulk["status"]) in bulks_that_may_become(BulkStatus.PAUSED)
    return {"hours": stored} | (_paused(stored, hours, now) if may_pause else {})


def in_words(bulk: Document) -> str | None:
    stored = hours_in(bulk)
    return f"between {stored['from']} and {stored['to']} in {stored['time_zone']}" if stored is not None else None


def worked_off(bulk: Document, now: datetime, work: timedelta) -> datetime | None:
    """When a bulk that may run now has run for so long, within its hours from when they are over next; None where that
    takes more than `MOST_TIMES` of them, or this machine does not know the time zone."""
    stored = hours_in(bulk)
    if stored is None or now + work <= stored["closes_at"]:
        return now + work
    try:
        hours = read_hours(stored["from"], stored["to"], read_zone(stored["time_zone"]))
    except InvalidInput:
        return None
    moment: datetime = max(now, stored["closes_at"])
    left = work - (moment - now)
    for _ in range(MOST_TIMES):
        opens = hours.opens(moment)
        moment = hours.closes(opens)
        if left <= moment - opens:
            return opens + left
        left -= moment - opens
    return None


class BulkHours:
    def __init__(self, store: Store, clock: Clock, settling: Settling, wake: Wake) -> None:
        self._bulks = store.collection("bulk_jobs")
        self._clock = clock
        self._intents = Intents(store, clock, settling, wake)

    async def close_due(self) -> int:
        """Pause the bulks whose hours are over. Safe to repeat, and in several workers at once: by compare-and-set."""
        due = await self._bulks.find(to_be_closed(self._clock.now()), limit=AT_ONCE)
        written = [await self._intents.write(bulk, self._closed(bulk), None) for bulk in due]
        return len([bulk for bulk in written if bulk is not None])

    def _closed(self, bulk: Document) -> Document:
        stored, now, status = bulk["hours"], self._clock.now(), BulkStatus(bulk["status"])
        may_pause = status in bulks_that_may_become(BulkStatus.PAUSED)
        if not may_pause and status is not BulkStatus.PAUSED:
            return {"hours": {**stored, "closes_at": NEVER}}
        try:
            hours = read_hours(stored["from"], stored["to"], read_zone(stored["time_zone"]))
        except InvalidInput:  # a time zone that this machine does not know
            return {"hours": {**stored, "closes_at": NEVER}}
        later: Document = {"hours": {**stored, "closes_at": hours.closes(hours.opens(now))}}
        if hours.holds(now) or not (may_pause or _is_ours(bulk["pause"])):
            return later
        return later | _paused(stored, hours, now)


def _read(between: RunBetween, now: datetime) -> tuple[DayHours, Document]:
    hours = read_hours(between.since, between.until, read_zone(between.time_zone))
    stored = {"from": between.since, "to": between.until, "time_zone": between.time_zone}
    return hours, {**stored, "closes_at": hours.closes(hours.opens(now))}


def _is_ours(pause: Document) -> bool:
    """Whether it is of the hours: where nobody was there to end it while they lasted, it is prolonged."""
    return pause["by"] == BY_PRESSRUN and pause["until"] is not None


def _paused(stored: Document, hours: DayHours, now: datetime) -> Document:
    pause = {
        "at": now,
        "by": BY_PRESSRUN,
        "mode": "finish",
        "reason": f"It runs {in_words({'hours': stored})}",
        "until": hours.opens(now),
    }
    return {"status": BulkStatus.PAUSED.value, "pause": pause}
