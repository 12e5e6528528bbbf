"""The queue as a whole, as its part-owners and the operator see it: what waits, runs and has ended, and what limits it.

Nothing is written here but the tallies, which are no more than what a look has found.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs import priority
from jobs.capacity.scopes import GENERATOR, SYSTEM, WINDOW, opens_at
from jobs.clock import Clock
from jobs.documents import UserId
from jobs.pipelines import CONTENT
from jobs.priority import Priority
from jobs.reading.lookup import WITHOUT_RESULT, Counts
from jobs.reading.tallies import SUMMED, Sums, Tallies, sums_of
from jobs.states import LIVE_BULKS, JobStatus
from jobs.storage.paging import Order, Question
from jobs.storage.store import Document, Store
from jobs.storage.stretches import EARLIEST, LATEST, read_page

RECENT = 10
ACTIVE = 100
LOOKS = 3
LAST_ENDED_FIRST = Order("completed_at", -1)
LIVE = {"$in": [status.value for status in LIVE_BULKS]}


@dataclass(frozen=True)
class Rate:
    """How much of the generator's rate the last minute has used, and how long no call may be made."""

    utilization: float
    wait: timedelta


@dataclass(frozen=True)
class QueueView:
    """`by_priority` counts the jobs that wait; `rate` is None without a rate limit.

    Jobs, `active` and `recent`, are without their results; each has the `pipeline` and the `bulk_name` of its bulk.
    """

    counts: Counts
    by_priority: Mapping[Priority, int]
    active: Sequence[Document]
    recent: Sequence[Document]
    ended_last_minute: int
    max_running: int | None
    rate: Rate | None


class Overview:
    def __init__(self, store: Store, clock: Clock, tallies: Tallies) -> None:
        self._bulks = store.collection("bulk_jobs")
        self._jobs = store.collection("generation_jobs")
        self._limits = store.collection("limits")
        self._clock = clock
        self._tallies = tallies

    async def queue(self, owner: UserId | None) -> QueueView:
        """The owner's part of the queue, or all of it for None."""
        mine: Document = {"schema": 1} if owner is None else {"schema": 1, "userId": owner}
        running = {**mine, "status": JobStatus.PROCESSING.value}
        minute_ago = self._clock.now() - timedelta(minutes=1)
        question = Question(mine, LAST_ENDED_FIRST, RECENT)
        (counts, by_priority), active, recent, ended, scopes = await asyncio.gather(
            self._counts(owner, mine, running),
            self._jobs.find(running, projection=WITHOUT_RESULT, sort=[("lease.taken_at", 1)], limit=ACTIVE),
            read_page(self._jobs, question, self._clock.now(), WITHOUT_RESULT, first=timedelta(hours=1)),
            self._jobs.count({**mine, "completed_at": {"$gt": minute_ago}}),
            self._limits.find({"_id": {"$in": [SYSTEM, GENERATOR + CONTENT]}}),
        )
        bulks = await self._bulks_of([*active, *recent.documents])
        limits = {scope["_id"]: scope for scope in scopes}
        return QueueView(
            counts,
            by_priority,
            [job | bulks.get(job["bulk_job_id"], UNKNOWN) for job in active],
            [job | bulks.get(job["bulk_job_id"], UNKNOWN) for job in recent.documents],
            ended,
            limits[SYSTEM]["max_running"],
            rate_of(limits[GENERATOR + CONTENT], self._clock.now()),
        )

    async def _counts(
        self, owner: UserId | None, mine: Document, running: Document
    ) -> tuple[Counts, Mapping[Priority, int]]:
        (sums, by_priority), run, wait = await asyncio.gather(
            self._sums(owner, mine),
            self._jobs.count(running),
            self._jobs.count({**mine, "status": JobStatus.AWAITING_SELECTION.value}),
        )
        counts = Counts(sums.total, sums.completed, sums.failed, sums.cancelled, running=run, awaiting=wait)
        return counts, by_priority

    async def _sums(self, owner: UserId | None, mine: Document) -> tuple[Sums, Mapping[Priority, int]]:
        """From the bulks' counters, so that the jobs of a bulk that is only half created are not seen."""
        live: Document = {**mine, "status": LIVE}
        if owner is not None:
            # Whenever it was: a server that combines indexes then takes the one of these three fields alone.
            live["created_at"] = {"$gte": EARLIEST, "$lt": LATEST}
        for _ in range(LOOKS):
            ended = await self._tallies.of_ended(owner)
            rows = await self._bulks.aggregate(
                [
                    {"$match": live},
                    {"$group": {"_id": "$priority", **SUMMED, "busy": {"$sum": "$busy"}}},
                ]
            )
            # A bulk that ended between the two reads is in neither: its jobs would be gone for a moment.
            if await self._tallies.still_holds(owner, ended):
                break
        by_priority = dict.fromkeys(Priority, 0)
        for row in rows:
            waiting = row["total"] - row["completed"] - row["failed"] - row["cancelled"] - row["busy"]
            by_priority[priority.named(row["_id"])] += max(0, waiting)
        return sum(map(sums_of, rows), ended.whole), by_priority

    async def _bulks_of(self, jobs: Sequence[Document]) -> Mapping[object, Document]:
        wanted = list({job["bulk_job_id"] for job in jobs})
        if not wanted:
            return {}
        found = await self._bulks.find({"_id": {"$in": wanted}}, projection=["name", "pipeline"])
        return {bulk["_id"]: {"pipeline": bulk["pipeline"], "bulk_name": bulk["name"]} for bulk in found}


UNKNOWN: Document = {"pipeline": None, "bulk_name": None}


def rate_of(generator: Document, now: datetime) -> Rate | None:
    """From a generator's scope; None where its rate is not limited."""
    pace = generator["pace"]
    if pace is None:
        return None
    used = len([moment for moment in generator["recent"] if moment > now - WINDOW])
    opens = max(opens_at(generator, pace), generator["spaced_until"])
    return Rate(used / pace, max(opens - now, timedelta(0)))
