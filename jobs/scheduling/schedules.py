"""Schedules: templates that are to be submitted again and again, as their owners keep them. None is fired here.

Each change is one write by compare-and-set on what was read (`rev`), and so is each step of a firing: whichever comes
second looks again. `due_at` is when a worker is to look at it: at the next firing, or at what is owed of the last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import NewType

from bson import ObjectId

from jobs.clock import NEVER, Clock
from jobs.documents import UserId
from jobs.errors import Busy, DuplicateKey, InvalidInput, NotFound
from jobs.places import free_place
from jobs.scheduling.cron import Rhythm, read_rhythm
from jobs.scheduling.firing_log import FiringLog
from jobs.storage.store import Document, Store
from jobs.templates import TemplateId

MOST = 100
TOO_MANY = "You have as many schedules as there can be"
"""Of one owner."""

TRIES = 8
SHOWN_FIRINGS = 5
WHAT = "schedule"

ScheduleId = NewType("ScheduleId", ObjectId)


class Missed(StrEnum):
    """What becomes of the firings for which no worker was there in time."""

    RUN_ONCE = "run_once"
    """They are made up by one, however many they were."""

    SKIP = "skip"


class ScheduleState(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"


@dataclass(frozen=True)
class Plan:
    """What an owner says of a schedule. `run_between`: two times of the day, as `22:00`."""

    name: str
    template_id: TemplateId
    cron: str
    time_zone: str = "UTC"
    missed: Missed = Missed.RUN_ONCE
    run_between: tuple[str, str] | None = None

    @property
    def rhythm(self) -> Rhythm:
        """Raises `InvalidInput`."""
        return read_rhythm(self.cron, self.time_zone, self.run_between)


@dataclass(frozen=True)
class Schedule:
    """`next_at` is None where it will not fire by itself. `pause_reason`: why it has paused itself. `email`: of the
    owner, as it was known when they last changed it."""

    id: ScheduleId
    owner: UserId
    plan: Plan
    state: ScheduleState
    pause_reason: str | None
    next_at: datetime | None
    email: str | None
    created_at: datetime
    changed_at: datetime

    def next_firings(self, count: int = SHOWN_FIRINGS) -> Sequence[datetime]:
        """In UTC; none of one that is paused."""
        if self.next_at is None:
            return ()
        try:
            rest = tuple(islice(self.plan.rhythm.after(self.next_at), count - 1))
        except InvalidInput:  # a time zone that this machine does not know
            rest = ()
        return (self.next_at, *rest)


class Schedules:
    def __init__(self, store: Store, clock: Clock, log: FiringLog) -> None:
        self._schedules = store.collection("schedules")
        self._log = log
        self._clock = clock

    async def keep(self, owner: UserId, plan: Plan, email: str | None = None) -> Schedule:
        """Raises `InvalidInput` and `TooMany`."""
        now = self._clock.now()
        next_at = plan.rhythm.next(now) or NEVER
        schedule: Document = {
            "userId": owner,
            **_stored(plan),
            "email": email,
            "state": ScheduleState.ACTIVE.value,
            "pause_reason": None,
            "next_at": next_at,
            "due_at": next_at,
            "firing": None,
            "untold": None,
            "failures": 0,
            "rev": 0,
            "created_at": now,
            "changed_at": now,
        }
        while True:
            there = await self._schedules.find({"userId": owner}, projection=["place"], limit=MOST)
            schedule |= {"_id": ObjectId(), "place": free_place({other["place"] for other in there}, MOST, TOO_MANY)}
            try:
                await self._schedules.insert_one(dict(schedule))
            except DuplicateKey:
                continue  # another request has taken the place: looked at again
            return read(schedule)

    async def of(self, owner: UserId) -> Sequence[Schedule]:
        """Newest first."""
        newest_first = [("created_at", -1), ("_id", -1)]
        return [read(one) for one in await self._schedules.find({"userId": owner}, sort=newest_first, limit=MOST)]

    async def find(self, owner: UserId, schedule_id: ScheduleId) -> Schedule:
        """Raises `NotFound`, also for somebody else's."""
        return read(await self._find(owner, schedule_id))

    async def change(self, owner: UserId, schedule_id: ScheduleId, plan: Plan, email: str | None) -> Schedule:
        """What is being fired goes on as it was. Raises `NotFound`, `InvalidInput` and `Busy`."""
        now = self._clock.now()
        next_at = plan.rhythm.next(now) or NEVER
        for _ in range(TRIES):
            stored = await self._find(owner, schedule_id)
            changes = _stored(plan) | {"email": email}
            is_due = stored["next_at"] <= now  # and no worker has looked yet: it is fired still
            if stored["state"] == ScheduleState.ACTIVE and not is_due and not _same_rhythm(stored, changes):
                changes |= _planned(stored, next_at)
            if (written := await self._write(stored, changes)) is not None:
                return read(written)
        raise Busy(WHAT)

    async def pause(self, owner: UserId, schedule_id: ScheduleId) -> Schedule:
        """It fires no more by itself; what is being fired goes on. Raises `NotFound` and `Busy`."""
        for _ in range(TRIES):
            stored = await self._find(owner, schedule_id)
            if stored["state"] == ScheduleState.PAUSED:
                return read(stored)
            changes = {"state": ScheduleState.PAUSED.value, "pause_reason": None, **_planned(stored, NEVER)}
            if (written := await self._write(stored, changes)) is not None:
                return read(written)
        raise Busy(WHAT)

    async def resume(self, owner: UserId, schedule_id: ScheduleId) -> Schedule:
        """What it would have fired meanwhile is not missed. Raises `NotFound`, `InvalidInput` and `Busy`."""
        for _ in range(TRIES):
            stored = await self._find(owner, schedule_id)
            if stored["state"] == ScheduleState.ACTIVE:
                return read(stored)
            next_at = read(stored).plan.rhythm.next(self._clock.now()) or NEVER
            changes = {"state": ScheduleState.ACTIVE.value, "pause_reason": None, "failures": 0}
            if (written := await self._write(stored, changes | _planned(stored, next_at))) is not None:
                return read(written)
        raise Busy(WHAT)

    async def remove(self, owner: UserId, schedule_id: ScheduleId) -> None:
        """With what is told of its firings; the bulks stay. Raises `NotFound`."""
        if not await self._schedules.delete_one({"_id": schedule_id, "userId": owner}):
            raise NotFound(WHAT)
        await self._log.forget(schedule_id)

    async def _find(self, owner: UserId, schedule_id: ScheduleId) -> Document:
        found = await self._schedules.find_one({"_id": schedule_id, "userId": owner})
        if found is None:
            raise NotFound(WHAT)
        return found

    async def _write(self, stored: Document, changes: Document) -> Document | None:
        unchanged = {"_id": stored["_id"], "rev": stored["rev"]}
        update = {"$set": {**changes, "changed_at": self._clock.now()}, "$inc": {"rev": 1}}
        return await self._schedules.find_one_and_update(unchanged, update)


def read(stored: Document) -> Schedule:
    plan = Plan(
        name=stored["name"],
        template_id=TemplateId(stored["template_id"]),
        cron=stored["cron"],
        time_zone=stored["time_zone"],
        missed=Missed(stored["missed"]),
        run_between=tuple(stored["run_between"]) if stored["run_between"] else None,
    )
    return Schedule(
        id=ScheduleId(stored["_id"]),
        owner=stored["userId"],
        plan=plan,
        state=ScheduleState(stored["state"]),
        pause_reason=stored["pause_reason"],
        next_at=stored["next_at"] if stored["next_at"] != NEVER else None,
        email=stored["email"],
        created_at=stored["created_at"],
        changed_at=stored["changed_at"],
    )


def _stored(plan: Plan) -> Document:
    tidy = replace(plan, cron=plan.rhythm.cron)
    return {
        "name": tidy.name,
        "template_id": tidy.template_id,
        "cron": tidy.cron,
        "time_zone": tidy.time_zone,
        "missed": tidy.missed.value,
        "run_between": list(tidy.run_between) if tidy.run_between else None,
    }


def _same_rhythm(stored: Document, changes: Document) -> bool:
    return all(stored[name] == changes[name] for name in ("cron", "time_zone", "run_between"))


def _planned(stored: Document, next_at: datetime) -> Document:
    """What is owed of a firing, or is to be told, is looked at first."""
    owes = stored["firing"] is not None or stored.get("untold") is not None
    return {"next_at": next_at, "due_at": stored["due_at"] if owes else next_at}
