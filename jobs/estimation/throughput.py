"""How many jobs have ended, minute by minute and quarter of an hour by quarter of an hour. Nothing is written here.

What is over is read once by each process and then remembered, so that a look costs the same however much has ended.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.clock import Clock
from jobs.documents import UserId
from jobs.states import JobStatus
from jobs.storage.paging import A_MILLISECOND, EPOCH
from jobs.storage.store import Store

SETTLED_AFTER = timedelta(minutes=2)
"""An end may be stored this much later than its moment says; longer only where the database was away."""

MOST_REMEMBERED = 1_000


@dataclass(frozen=True)
class Series:
    """Jobs that have ended, by parts of `step`, the oldest first; `begin` is where the first part does, and the last
    one is not over."""

    begin: datetime
    step: timedelta
    completed: Sequence[int]
    failed: Sequence[int]


@dataclass(frozen=True)
class _Ended:
    completed: int = 0
    failed: int = 0


class Throughput:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._hour = _Steps(store, clock, timedelta(minutes=1), 60)
        self._day = _Steps(store, clock, timedelta(minutes=15), 96)

    async def last_hour(self, owner: UserId | None) -> Series:
        """60 minutes of the owner's jobs; of everybody's for None."""
        return await self._hour.series(owner)

    async def last_day(self, owner: UserId | None) -> Series:
        """96 quarters of an hour."""
        return await self._day.series(owner)


class _Steps:
    def __init__(self, store: Store, clock: Clock, step: timedelta, count: int) -> None:
        self._jobs = store.collection("generation_jobs")
        self._clock = clock
        self._step = step
        self._count = count
        self._remembered: OrderedDict[UserId | None, dict[int, _Ended]] = OrderedDict()

    async def series(self, owner: UserId | None) -> Series:
        now = self._clock.now()
        last = (now - EPOCH) // self._step
        numbers = range(last - self._count + 1, last + 1)
        known = self._remembered.get(owner, {})
        first_unknown = next((number for number in numbers if number not in known), last)
        parts = known | await self._read(owner, range(first_unknown, last + 1))
        over = (now - SETTLED_AFTER - EPOCH) // self._step
        self._remember(owner, {number: parts[number] for number in numbers if number < over})
        shown = [parts[number] for number in numbers]
        completed, failed = [part.completed for part in shown], [part.failed for part in shown]
        return Series(EPOCH + numbers.start * self._step, self._step, completed, failed)

    async def _read(self, owner: UserId | None, numbers: range) -> dict[int, _Ended]:
        mine = {"schema": 1} if owner is None else {"schema": 1, "userId": owner}
        step = {"$floor": {"$divide": [{"$subtract": ["$completed_at", EPOCH]}, self._step / A_MILLISECOND]}}
        # Not by status: a server that combines indexes would read all that ever completed.
        ended = {"completed": _how_many(JobStatus.COMPLETED), "failed": _how_many(JobStatus.FAILED)}
        since = {"completed_at": {"$gte": EPOCH + numbers.start * self._step}}
        rows = await self._jobs.aggregate([{"$match": {**mine, **since}}, {"$group": {"_id": step, **ended}}])
        found = {int(row["_id"]): _Ended(row["completed"], row["failed"]) for row in rows}
        return {number: found.get(number, _Ended()) for number in numbers}

    def _remember(self, owner: UserId | None, parts: dict[int, _Ended]) -> None:
        self._remembered[owner] = parts
        self._remembered.move_to_end(owner)
        if len(self._remembered) > MOST_REMEMBERED:
            self._remembered.popitem(last=False)


def _how_many(status: JobStatus) -> dict[str, object]:
    return {"$sum": {"$cond": [{"$eq": ["$status", status.value]}, 1, 0]}}
