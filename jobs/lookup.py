"""Everything that is only read: bulks, jobs, the queue, as their owner sees them. Nothing is written here.

Every question names the owner; an id that is somebody else's is one that does not exist.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from jobs import priority
from jobs.clock import Clock
from jobs.documents import BulkId, JobId, UserId
from jobs.errors import NotFound
from jobs.paging import Order, Page
from jobs.pipelines import CONTENT, FORMATS
from jobs.priority import Priority
from jobs.scopes import GENERATOR, SYSTEM, WINDOW, opens_at
from jobs.states import ENDED_JOBS, JobStatus
from jobs.store import Document, Store

RESULTS_BATCH = 50
RECENT = 10
ACTIVE = 100
WITHOUT_RESULT = (
    "bulk_job_id", "mode", "topic", "keywords", "trend", "external_id", "status", "queue_position",
    "error", "retry_count", "current_stage", "percentage", "created_at", "started_at", "completed_at", "lease",
)  # fmt: skip
ROW = (
    "status", "queue_position", "error", "retry_count", "current_stage", "percentage", "lane", "due_at", "waits_for",
    "params.template", "params.verbosity", "started_at", "completed_at", "lease.taken_at", "sent_back.to",
)  # fmt: skip
QUESTION = (
    "bulk_job_id", "topic", "keywords", "trend", "source_url", "external_id", "queue_position", "selection",
)  # fmt: skip
NEWEST_FIRST = Order("created_at", -1)
LONGEST_WAITING_FIRST = Order("selection.asked_at", 1)


@dataclass(frozen=True)
class Counts:
    """Jobs by what became of them. `remaining` is what has not ended, running ones included."""

    total: int
    completed: int
    failed: int
    cancelled: int
    running: int
    awaiting: int

    @property
    def remaining(self) -> int:
        return self.total - self.completed - self.failed - self.cancelled

    @property
    def pending(self) -> int:
        return max(0, self.remaining - self.running)

    @property
    def percentage(self) -> int:
        return rounded(100 * self.completed, self.total)


@dataclass(frozen=True)
class Tally:
    """Of one bulk, all its jobs together. `percentage` is how far it has come; tokens are those of all calls."""

    counts: Counts
    percentage: int
    cost: float
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True)
class Rate:
    """How much of the generator's rate the last minute has used, and how long no call may be made."""

    utilization: float
    wait: timedelta


@dataclass(frozen=True)
class QueueView:
    """`by_priority` counts the jobs that wait; `rate` is None without a rate limit."""

    counts: Counts
    by_priority: Mapping[Priority, int]
    active: Sequence[Document]
    recent: Sequence[Document]
    ended_last_minute: int
    max_running: int | None
    rate: Rate | None


class Lookup:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._bulks = store.collection("bulk_jobs")
        self._jobs = store.collection("generation_jobs")
        self._limits = store.collection("limits")
        self._clock = clock

    async def bulk(self, owner: UserId, bulk_id: BulkId) -> Document:
        """Raises `NotFound`."""
        bulk = await self._bulks.find_one({"_id": bulk_id, "userId": owner, "schema": 1})
        if bulk is None:
            raise NotFound("bulk job")
        return bulk

    async def bulks(self, owner: UserId, status: str | None, limit: int, cursor: str | None) -> Page:
        """Newest first. Raises `InvalidInput` for a cursor that this did not make."""
        wanted: Document = {"userId": owner, "schema": 1}
        if status is not None:
            wanted["status"] = status
        after = NEWEST_FIRST.after(wanted, cursor)
        return NEWEST_FIRST.page(await self._bulks.find(after, sort=NEWEST_FIRST.sort, limit=limit + 1), limit)

    async def tally(self, bulk: Document) -> Tally:
        """Its counters, and what of the rest is running or waits for a person; of `formats` the mean of how far each
        has come, whichever ends first."""
        mine = {"bulk_job_id": bulk["_id"], "shard": bulk["shard"]}
        counts = Counts(
            total=bulk["total_items"],
            completed=bulk["completed_items"],
            failed=bulk["failed_items"],
            cancelled=bulk["cancelled_items"],
            running=await self._jobs.count({**mine, "status": JobStatus.PROCESSING.value}),
            awaiting=await self._jobs.count({**mine, "status": JobStatus.AWAITING_SELECTION.value}),
        )
        percentage = counts.percentage
        if bulk["pipeline"] == FORMATS.name:
            grouped = {"$group": {"_id": None, "percentage": {"$sum": "$percentage"}}}
            rows = await self._jobs.aggregate([{"$match": mine}, grouped])
            percentage = rounded(rows[0]["percentage"] if rows else 0, counts.total)
        return Tally(counts, percentage, bulk["cost"], **bulk["usage"])

    async def jobs_of(self, bulk: Document, limit: int, after_position: int = 0) -> list[Document]:
        """In queue order, without their results."""
        kept_at = [f"checkpoints.{stage['name']}.at" for stage in bulk["stages"]]
        return await self._jobs.find(
            {"bulk_job_id": bulk["_id"], "shard": bulk["shard"], "queue_position": {"$gt": after_position}},
            projection=[*ROW, *kept_at],
            sort=[("queue_position", 1)],
            limit=limit,
        )

    async def job(self, owner: UserId, job_id: JobId) -> Document:
        """Raises `NotFound`, also while the job's bulk is only half created."""
        job = await self._jobs.find_one({"_id": job_id, "userId": owner, "schema": 1})
        if job is None or not await self._visible(owner, [job]):
            raise NotFound("job")
        return job

    async def jobs(
        self, owner: UserId, status: str | None, bulk_id: BulkId | None, limit: int, cursor: str | None
    ) -> Page:
        """Newest first, without their results."""
        wanted: Document = {"userId": owner, "schema": 1}
        if status is not None:
            wanted["status"] = status
        if bulk_id is not None:
            wanted |= {"bulk_job_id": bulk_id, "shard": (await self.bulk(owner, bulk_id))["shard"]}
        found = await self._jobs.find(
            NEWEST_FIRST.after(wanted, cursor),
            projection=WITHOUT_RESULT,
            sort=NEWEST_FIRST.sort,
            limit=limit + 1,
        )
        page = NEWEST_FIRST.page(found, limit)
        return Page(await self._visible(owner, page.documents), page.next_cursor)

    async def selections(self, owner: UserId, bulk_id: BulkId | None, limit: int, cursor: str | None) -> Page:
        """The jobs that wait for a person to choose, the longest waiting first. Raises as `jobs` does."""
        wanted: Document = {"userId": owner, "schema": 1, "status": JobStatus.AWAITING_SELECTION.value}
        if bulk_id is not None:
            wanted |= {"bulk_job_id": bulk_id, "shard": (await self.bulk(owner, bulk_id))["shard"]}
        order = LONGEST_WAITING_FIRST
        found = await self._jobs.find(
            order.after(wanted, cursor), projection=QUESTION, sort=order.sort, limit=limit + 1
        )
        return order.page(found, limit)

    async def ended_jobs(self, bulk: Document) -> AsyncIterator[Document]:
        """The jobs that have ended so far, in queue order, a few at a time."""
        position = 0
        while True:
            batch = await self._jobs.find(
                {
                    "bulk_job_id": bulk["_id"],
                    "shard": bulk["shard"],
                    "status": {"$in": list(ENDED_JOBS)},
                    "queue_position": {"$gt": position},
                },
                sort=[("queue_position", 1)],
                limit=RESULTS_BATCH,
            )
            for job in batch:
                yield job
            if len(batch) < RESULTS_BATCH:
                return
            position = batch[-1]["queue_position"]

    async def queue(self, owner: UserId | None) -> QueueView:
        """The owner's part of the queue, or all of it for None."""
        mine: Document = {"schema": 1} if owner is None else {"schema": 1, "userId": owner}
        running = {**mine, "status": JobStatus.PROCESSING.value}
        minute_ago = self._clock.now() - timedelta(minutes=1)
        (counts, by_priority), active, recent, ended, scopes = await asyncio.gather(
            self._queue_counts(mine, running),
            self._jobs.find(running, projection=WITHOUT_RESULT, sort=[("lease.taken_at", 1)], limit=ACTIVE),
            self._recent(mine),
            self._jobs.count({**mine, "completed_at": {"$gt": minute_ago}}),
            self._limits.find({"_id": {"$in": [SYSTEM, GENERATOR + CONTENT]}}),
        )
        limits = {scope["_id"]: scope for scope in scopes}
        rate = _rate(limits[GENERATOR + CONTENT], self._clock.now())
        return QueueView(counts, by_priority, active, recent, ended, limits[SYSTEM]["max_running"], rate)

    async def _recent(self, mine: Document) -> list[Document]:
        """The last ended jobs. First of the last hour, so that a server that sorts what it reads reads little."""
        recent: list[Document] = []
        for since in (self._clock.now() - timedelta(hours=1), datetime(1970, 1, 1, tzinfo=UTC)):
            if len(recent) < RECENT:
                recent = await self._jobs.find(
                    {**mine, "completed_at": {"$gt": since}},
                    projection=WITHOUT_RESULT,
                    sort=[("completed_at", -1)],
                    limit=RECENT,
                )
        return recent

    async def _queue_counts(self, mine: Document, running: Document) -> tuple[Counts, Mapping[Priority, int]]:
        # From the bulks' counters, so that the jobs of a bulk that is only half created are not seen.
        sums = {
            name: {"$sum": f"${name}"} for name in ("total_items", "completed_items", "failed_items", "cancelled_items")
        }
        rows = await self._bulks.aggregate(
            [{"$match": mine}, {"$group": {"_id": "$priority", **sums, "busy": {"$sum": "$busy"}}}]
        )
        whole = {name: sum(row[name] for row in rows) for name in sums}
        by_priority = dict.fromkeys(Priority, 0)
        for row in rows:
            ended = row["completed_items"] + row["failed_items"] + row["cancelled_items"]
            by_priority[priority.named(row["_id"])] += max(0, row["total_items"] - ended - row["busy"])
        counts = Counts(
            total=whole["total_items"],
            completed=whole["completed_items"],
            failed=whole["failed_items"],
            cancelled=whole["cancelled_items"],
            running=await self._jobs.count(running),
            awaiting=await self._jobs.count({**mine, "status": JobStatus.AWAITING_SELECTION.value}),
        )
        return counts, by_priority

    async def _visible(self, owner: UserId, jobs: Sequence[Document]) -> list[Document]:
        wanted = list({job["bulk_job_id"] for job in jobs})
        found = await self._bulks.find({"_id": {"$in": wanted}, "userId": owner}, projection=["_id"]) if wanted else []
        there = {bulk["_id"] for bulk in found}
        return [job for job in jobs if job["bulk_job_id"] in there]


def rounded(sum_of_all: int, count: int) -> int:
    """The mean, rounded as JavaScript's Math.round does (spec §2)."""
    return (2 * sum_of_all + count) // (2 * count) if count else 0


def _rate(generator: Document, now: datetime) -> Rate | None:
    pace = generator["pace"]
    if pace is None:
        return None
    used = len([moment for moment in generator["recent"] if moment > now - WINDOW])
    opens = max(opens_at(generator, pace), generator["spaced_until"])
    return Rate(used / pace, max(opens - now, timedelta(0)))
