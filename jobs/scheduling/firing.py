"""Firing schedules: one bulk a firing, whatever the number of workers and whoever dies when. What owners change,
and what the request of a template means, is decided elsewhere.

Four writes, each safe to repeat. The schedule is given a firing and, in the same write, its next moment: of two workers
one wins. The bulk is created under a key that is the firing's own. What came of it is kept under the firing's id. The
schedule is rid of it. While it has a firing, nobody else fires it before `due_at`; whoever comes then goes on with it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from jobs.clock import Clock
from jobs.creation import Created, Creation, IdempotencyKey
from jobs.documents import BulkRequest, RunBetween, UserId
from jobs.errors import (
    Busy,
    InvalidInput,
    NotFound,
    PressrunError,
    QuotaReached,
    StillRunning,
    StoreFull,
    StoreRefused,
    StoreUnavailable,
    TooManyOpenBulks,
    TooManySubmissions,
)
from jobs.notification.notices import Notices
from jobs.scheduling.firing_log import KEPT, Firing, FiringLog, Outcome, Why
from jobs.scheduling.firing_steps import begun, by_hand, paused, sentence_of, told, without_firing
from jobs.scheduling.schedules import TRIES, WHAT, Schedule, ScheduleId, read
from jobs.storage.store import Document, Store

log = structlog.get_logger()
AT_ONCE = 200
TOGETHER = 8
LOST = 2
"""So many to other workers: they are at the same ones, and it looks anew."""

LEASE = timedelta(seconds=60)
TRIED_FOR = timedelta(hours=1)
TRIED_EVERY = timedelta(seconds=60)
NOT_NOW = (QuotaReached, StoreFull, TooManySubmissions, TooManyOpenBulks, StillRunning, Busy, StoreRefused)
"""There is nothing wrong with the request: it is tried again."""

OUR_FAULT = "Something went wrong here; it was noted."
Tell = Callable[[Firing], None]


class Judge(Protocol):
    async def __call__(self, schedule: Schedule, planned_at: datetime) -> BulkRequest:
        """The request that the schedule's template is now. Raises `NotFound` and `InvalidInput`."""


class ScheduleFiring:
    def __init__(self, store: Store, clock: Clock, creation: Creation, log: FiringLog, notices: Notices) -> None:
        self._schedules = store.collection("schedules")
        self._clock = clock
        self._creation = creation
        self._log = log
        self._notices = notices

    async def fire_due(self, judge: Judge, tell: Tell = lambda _: None) -> Sequence[Firing]:
        """All that are due, whatever becomes of single ones; what came of those that have ended now, of each of which
        `tell` is told at once. Safe to repeat, and in several workers at once. Raises `StoreUnavailable`."""
        ended: list[Firing] = []

        def end(firing: Firing) -> None:
            ended.append(firing)
            tell(firing)

        while await self._fire_some(judge, end):
            pass
        return ended

    async def _fire_some(self, judge: Judge, end: Tell) -> int:
        """Those that are the longest due; how many of them were this worker's to fire."""
        earliest = [("due_at", 1), ("_id", 1)]
        due = list(await self._schedules.find({"due_at": {"$lte": self._clock.now()}}, sort=earliest, limit=AT_ONCE))
        random.shuffle(due)  # several workers look at the same ones
        waiting = iter(due)

        async def some() -> int:
            """At a time when others wait for a name server, or for the database."""
            taken = lost = 0
            for stored in waiting:
                mine = await self._isolated(stored, judge, end)
                taken, lost = taken + mine, lost + (not mine)
                if lost == LOST:
                    break
            return taken

        ended = await asyncio.gather(*(some() for _ in range(min(TOGETHER, len(due)))), return_exceptions=True)
        return sum(_count(one) for one in ended)

    async def _isolated(self, stored: Document, judge: Judge, end: Tell) -> bool:
        """Whether it was this worker's to fire. What goes wrong with one holds up no other."""
        try:
            if stored["firing"] is None and stored.get("untold") is not None:  # none before version 1.0
                await self._notices.keep_of_schedule(stored["untold"], stored["userId"], stored["_id"])
                return await self._write(stored, told(stored)) is not None
            taken = await self._begin(stored)
            if taken is not None and (firing := await self._go_on(taken, judge)) is not None:
                end(firing)
        except StoreUnavailable:
            raise
        except Exception:
            log.exception("schedule_not_fired", schedule=str(stored["_id"]))
            return False
        return taken is not None

    async def fire_by_hand(self, owner: UserId, schedule_id: ScheduleId, judge: Judge) -> Firing:
        """At once, also where the schedule is paused; its next firing stays as it is. What is refused is kept as failed
        and raised. Raises `NotFound`, `Busy` where one is under way, and what `Creation.create` and the judge raise."""
        stored = await self._schedules.find_one({"_id": schedule_id, "userId": owner})
        if stored is None:
            raise NotFound(WHAT)
        if stored["firing"] is not None:
            raise Busy(WHAT)
        taken = await self._take(stored, by_hand(stored, self._clock.now()))
        if taken is None:
            raise Busy(WHAT)
        try:
            created = await self._create(taken, judge)
        except StoreUnavailable:
            raise  # the database is away: upkeep goes on with it
        except PressrunError as error:
            await self._end(taken, Outcome.FAILED, text=sentence_of(error))
            raise
        if created is not None:
            return await self._end(taken, Outcome.FIRED, created)
        if (ended := await self._log.find(taken["firing"]["id"])) is None:
            raise NotFound(WHAT)
        return ended  # upkeep was quicker

    async def _begin(self, stored: Document) -> Document | None:
        """It, as it is taken; None where another worker has it, or where it cannot be fired."""
        try:
            changes = {} if stored["firing"] is not None else begun(stored, self._clock.now())
        except InvalidInput as error:
            await self._pause(stored, sentence_of(error))
            return None
        return await self._take(stored, changes)

    async def _go_on(self, taken: Document, judge: Judge) -> Firing | None:
        """What came of it; None where that is not known yet, or nobody's any more."""
        firing = taken["firing"]
        if (ended := await self._log.find(firing["id"])) is not None:
            await self._let_go(taken, ended.outcome)  # whoever kept it has died before saying so
            return ended
        if firing["skipped"] is not None:
            return await self._end(taken, Outcome.SKIPPED, text=firing["skipped"])
        try:
            created = await self._create(taken, judge)
        except StoreUnavailable:
            raise
        except PressrunError as error:
            if isinstance(error, NOT_NOW) and await self._wait(taken):
                return None
            return await self._end(taken, Outcome.FAILED, text=sentence_of(error))
        except Exception:
            log.exception("schedule_not_judged", firing=firing["id"])
            if await self._wait(taken):
                return None
            return await self._end(taken, Outcome.FAILED, text=OUR_FAULT)
        if created is None:
            return None
        return await self._end(taken, Outcome.FIRED, created)

    async def _take(self, stored: Document, changes: Document) -> Document | None:
        return await self._write(stored, {**changes, "due_at": self._clock.now() + LEASE})

    async def _create(self, taken: Document, judge: Judge) -> Created | None:
        """None where the schedule, or this firing of it, has gone meanwhile."""
        firing, schedule = taken["firing"], read(taken)
        # The body's hash is not of the body: the template may have changed since another has begun with this.
        key = IdempotencyKey(f"schedule {firing['id']}", firing["id"], kept=KEPT)
        if (before := await self._creation.answered(schedule.owner, key)) is not None:
            return before
        request = await judge(schedule, firing["planned_at"])
        if firing["why"] == Why.TIME and (hours := schedule.plan.run_between) is not None:
            request = replace(request, run_between=RunBetween(*hours, schedule.plan.time_zone))
        if await self._schedules.find_one({"_id": taken["_id"], "firing.id": firing["id"]}, projection=["_id"]) is None:
            return None  # judging takes its time: its owner has removed it, or others have ended it
        return await self._creation.create(schedule.owner, request, key)

    async def _wait(self, taken: Document) -> bool:
        """Whether it is tried again: for an hour, and not beyond the next one. By hand it is not."""
        firing, again = taken["firing"], self._clock.now() + TRIED_EVERY
        if firing["why"] == Why.HAND or again > min(firing["at"] + TRIED_FOR, taken["next_at"]):
            return False
        await self._write(taken, {"due_at": again})
        return True

    async def _end(
        self, taken: Document, outcome: Outcome, created: Created | None = None, text: str | None = None
    ) -> Firing:
        begun = taken["firing"]
        firing = Firing(
            id=begun["id"],
            why=Why(begun["why"]),
            planned_at=begun["planned_at"],
            passed_over=begun["passed_over"],
            at=self._clock.now(),
            outcome=outcome,
            bulk_id=created.bulk_id if created else None,
            total_items=created.total_items if created else None,
            text=text,
        )
        await self._log.keep(taken["userId"], taken["_id"], firing)
        await self._let_go(taken, outcome)
        return firing

    async def _let_go(self, taken: Document, outcome: Outcome) -> None:
        """Its owner may be changing it meanwhile: by what it is now."""
        for _ in range(TRIES):
            stored = await self._schedules.find_one({"_id": taken["_id"]})
            if stored is None:
                await self._log.forget(taken["_id"])  # it was removed before this was kept of it
                return
            if stored["firing"] is None or stored["firing"]["id"] != taken["firing"]["id"]:
                return
            if await self._write(stored, without_firing(stored, outcome, self._clock.now())) is not None:
                return

    async def _pause(self, stored: Document, reason: str) -> None:
        await self._write(stored, paused(stored, reason, self._clock.now()))

    async def _write(self, stored: Document, changes: Document) -> Document | None:
        unchanged = {"_id": stored["_id"], "rev": stored["rev"]}
        return await self._schedules.find_one_and_update(unchanged, {"$set": changes, "$inc": {"rev": 1}})


def _count(taken: int | BaseException) -> int:
    """Raises what has ended it."""
    if isinstance(taken, BaseException):
        raise taken
    return taken
