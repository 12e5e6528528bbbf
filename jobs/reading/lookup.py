"""Bulks and jobs as their owner sees them. Nothing is written here; the queue as a whole is in `jobs.reading.overview`.

Every question names the owner; an id that is somebody else's is one that does not exist.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bson import ObjectId

from jobs.clock import Clock
from jobs.documents import BulkId, JobId, UserId
from jobs.errors import NotFound
from jobs.pipelines import FORMATS
from jobs.searching import having, having_words, words_of
from jobs.states import ENDED_JOBS, BulkStatus, JobStatus
from jobs.storage.paging import Order, Page, Place, Question
from jobs.storage.store import Document, Store
from jobs.storage.stretches import read_page

RESULTS_BATCH = 50
WITHOUT_RESULT = (
    "bulk_job_id", "mode", "topic", "keywords", "trend", "external_id", "status", "queue_position",
    "error", "retry_count", "current_stage", "percentage", "created_at", "started_at", "completed_at", "lease",
)  # fmt: skip
ROW = (
    "status", "queue_position", "error", "retry_count", "current_stage", "percentage", "lane", "due_at", "waits_for",
    "params.template", "params.verbosity", "topic", "keywords", "trend", "source_url", "external_id",
    "started_at", "completed_at", "lease.taken_at", "sent_back.to",
)  # fmt: skip
ASKED = (
    "bulk_job_id", "topic", "keywords", "trend", "source_url", "external_id", "queue_position", "selection",
)  # fmt: skip
NEWEST_FIRST = Order("created_at", -1)
LONGEST_WAITING_FIRST = Order("selection.asked_at", 1)
USUALLY_WAIT = timedelta(days=30)
"""Few jobs wait longer for a person."""


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
class BulkFilter:
    """Which of an owner's bulks are listed: those for which all holds that is said here; nothing said, all of them.

    `text` is what a person types: the id of a bulk, or how words of its name begin. `since` is in, `before` is not.
    """

    statuses: Sequence[BulkStatus] = ()
    pipeline: str | None = None
    kind: str | None = None
    since: datetime | None = None
    before: datetime | None = None
    text: str | None = None


class Lookup:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._bulks = store.collection("bulk_jobs")
        self._jobs = store.collection("generation_jobs")
        self._clock = clock

    async def bulk(self, owner: UserId, bulk_id: BulkId) -> Document:
        """Raises `NotFound`."""
        bulk = await self._bulks.find_one({"_id": bulk_id, "userId": owner, "schema": 1})
        if bulk is None:
            raise NotFound("bulk job")
        return bulk

    async def bulks(
        self, owner: UserId, filter: BulkFilter | None = None, limit: int = 20, cursor: str | None = None
    ) -> Page:
        """Newest first. Raises `InvalidInput` for a cursor that this did not make."""
        place = Place.read(cursor)
        wanted = {"userId": owner, "schema": 1, **_wanted(filter or BulkFilter())}
        return await read_page(self._bulks, Question(wanted, NEWEST_FIRST, limit, place), self._clock.now())

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

    async def jobs_of(
        self, bulk: Document, limit: int, after_position: int = 0, statuses: Sequence[JobStatus] = ()
    ) -> list[Document]:
        """In queue order, without their results; those of the given statuses only, where any is given."""
        wanted: Document = {"bulk_job_id": bulk["_id"], "shard": bulk["shard"]}
        if statuses:
            wanted |= {"status": {"$in": [status.value for status in statuses]}}
            wanted |= {"queue_position": {"$gt": after_position}}
        else:
            # Positions are without a gap, so these are all: a server that sorts what it finds need not sort the rest.
            wanted |= {"queue_position": {"$gt": after_position, "$lte": after_position + limit}}
        return await self._jobs.find(wanted, projection=row_fields(bulk), sort=[("queue_position", 1)], limit=limit)

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
        question = Question(wanted, NEWEST_FIRST, limit, Place.read(cursor))
        page = await read_page(self._jobs, question, self._clock.now(), WITHOUT_RESULT, first=timedelta(days=1))
        return replace(page, documents=await self._visible(owner, page.documents))

    async def selections(self, owner: UserId, bulk_id: BulkId | None, limit: int, cursor: str | None) -> Page:
        """The jobs that wait for a person to choose, the longest waiting first. Raises as `jobs` does."""
        wanted: Document = {"userId": owner, "schema": 1, "status": JobStatus.AWAITING_SELECTION.value}
        if bulk_id is not None:
            wanted |= {"bulk_job_id": bulk_id, "shard": (await self.bulk(owner, bulk_id))["shard"]}
        question = Question(wanted, LONGEST_WAITING_FIRST, limit, Place.read(cursor))
        return await read_page(self._jobs, question, self._clock.now() - USUALLY_WAIT, ASKED)

    async def ended_jobs(self, bulk: Document) -> AsyncIterator[Document]:
        """The jobs that have ended so far, in queue order, a few at a time."""
        mine = {"bulk_job_id": bulk["_id"], "shard": bulk["shard"], "status": {"$in": list(ENDED_JOBS)}}
        for start in range(0, bulk["total_items"], RESULTS_BATCH):
            next_ones = {"queue_position": {"$gt": start, "$lte": start + RESULTS_BATCH}}
            for job in await self._jobs.find({**mine, **next_ones}, sort=[("queue_position", 1)]):
                yield job

    async def _visible(self, owner: UserId, jobs: Sequence[Document]) -> list[Document]:
        wanted = list({job["bulk_job_id"] for job in jobs})
        found = await self._bulks.find({"_id": {"$in": wanted}, "userId": owner}, projection=["_id"]) if wanted else []
        there = {bulk["_id"] for bulk in found}
        return [job for job in jobs if job["bulk_job_id"] in there]


def row_fields(bulk: Document) -> list[str]:
    """What a row of the bulk's jobs shows: of a checkpoint only when it was made."""
    return [*ROW, *(f"checkpoints.{stage['name']}.at" for stage in bulk["stages"])]


def rounded(sum_of_all: int, count: int) -> int:
    """The mean, rounded as JavaScript's Math.round does (spec §2)."""
    return (2 * sum_of_all + count) // (2 * count) if count else 0


def _wanted(filter: BulkFilter) -> Document:
    wanted: Document = {}
    if filter.statuses:
        wanted["status"] = {"$in": [status.value for status in filter.statuses]}
    bounds = {"$gte": filter.since, "$lt": filter.before}
    if moments := {operator: moment for operator, moment in bounds.items() if moment is not None}:
        wanted["created_at"] = moments
    found_by = having(filter.pipeline, filter.kind)
    if filter.text is not None:
        text = filter.text.strip()
        found_by += [{"_id": ObjectId(text)}] if ObjectId.is_valid(text) else having_words(words_of(text))
    return wanted | {"$and": found_by} if found_by else wanted
