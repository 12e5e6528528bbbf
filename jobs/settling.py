"""Bringing a bulk's counters, slots, due time and status in line with its jobs (I2). No job is started or ended here.

There are two ways. `settle` counts one job that has just ended, in one write that its slot guards: a slot is pulled
once, so a job is counted once. `reconcile` reads everything and replaces it by compare-and-set on the bulk's `rev`; it
serves the last job of a generation, controls, and whatever a dead process left behind.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs import leases
from jobs.clock import NEVER, Clock
from jobs.documents import MAX_ERROR_LINES, BulkId, JobId, Token
from jobs.errors import Busy
from jobs.states import ACTIVE_BULKS, ENDED_JOBS, LIVE_BULKS, BulkStatus, JobStatus
from jobs.store import Document, Store

RECONCILE_TRIES = 40
COUNTERS = {
    JobStatus.COMPLETED: "completed_items",
    JobStatus.FAILED: "failed_items",
    JobStatus.CANCELLED: "cancelled_items",
}


@dataclass(frozen=True)
class Ended:
    """One running of a job, ended: all that its bulk has to know. `due_at` counts only where it was put back."""

    bulk_id: BulkId
    shard: int
    job_id: JobId
    position: int
    token: Token
    status: JobStatus
    due_at: datetime
    error: str | None
    spacing: timedelta


class Settling:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._bulks = store.collection("bulk_jobs")
        self._jobs = store.collection("generation_jobs")
        self._clock = clock

    async def settle(self, ended: Ended) -> None:
        """Count one ended running and free its slot. Safe to repeat, and to lose: `reconcile` completes it."""
        update = _counting(ended)
        update["$inc"] |= {"busy": -1, "free": 1}
        update["$max"] = {"spaced_until": self._clock.now() + ended.spacing}
        if not await self._bulks.update_one(_uncounted(ended), update):
            await self.reconcile(ended.bulk_id, release=ended.token, spacing=ended.spacing)

    async def settle_and_reserve(self, ended: Ended, token: Token, slot: Document) -> Document | None:
        """As `settle`, and in the same write reserve `slot` under `token` for the bulk's next job.

        The bulk after it; None where it may not run another at once: then the running is settled all the same.
        """
        now = self._clock.now()
        if ended.status in ENDED_JOBS and ended.spacing == timedelta(0):
            may_go_on = {
                "status": {"$in": list(ACTIVE_BULKS)},
                "free": {"$gte": 0},  # less than none where `parallelism` was lowered
                "due_at": {"$lte": now},
                "spaced_until": {"$lte": now},
            }
            update = _counting(ended)
            update["$set"] = {f"slots.{token}": slot}
            bulk = await self._bulks.find_one_and_update(_uncounted(ended) | may_go_on, update)
            if bulk is not None:
                return bulk
        await self.settle(ended)
        return None

    async def reconcile(
        self,
        bulk_id: BulkId,
        *,
        release: Token | None = None,
        spacing: timedelta = timedelta(0),
        clear_intent: str | None = None,
        expire_unnamed: bool = False,
    ) -> Document | None:
        """The bulk after its counters, slots, due time and status were computed anew from its jobs; None if it is gone.

        `release` pulls a slot that its owner gives up; `expire_unnamed` also those that were reserved and never
        named a job within their time. Raises `Busy` where others keep changing the bulk: its slots then still tell
        the sweep that this is owed.
        """
        for _ in range(RECONCILE_TRIES):
            bulk = await self._bulks.find_one({"_id": bulk_id})
            if bulk is None:
                return None
            if bulk["status"] == BulkStatus.CANCELLED:
                await self._cancel_what_waits(bulk)
            # Slots first, then the count: a job that ends in between is still in its slot, so left to its settle.
            left = await self._left_slots(bulk, release, expire_unnamed)
            standing = [slot["job_id"] for token, slot in bulk["slots"].items() if token not in left]
            counted = await self._count(bulk, [job_id for job_id in standing if job_id is not None])
            changes = self._changes(bulk, counted, left, clear_intent)
            changes["error_summary"] = await self._error_summary(bulk, counted.failed)
            if not left and spacing == timedelta(0) and all(bulk[name] == value for name, value in changes.items()):
                return bulk
            update: Document = {
                "$set": changes,
                "$inc": {"rev": 1},
                "$max": {"spaced_until": self._clock.now() + spacing},
            }
            if left:
                update["$unset"] = {f"slots.{token}": "" for token in left}
            unchanged = {"_id": bulk_id, "shard": bulk["shard"], "rev": bulk["rev"]}
            settled = await self._bulks.find_one_and_update(unchanged, update)
            if settled is not None:
                return settled
        raise Busy("bulk job")

    async def _cancel_what_waits(self, bulk: Document) -> None:
        # By epoch: should a person have sent jobs back since this bulk was read, theirs is a later one.
        waiting = {"$in": [JobStatus.QUEUED, JobStatus.AWAITING_SELECTION]}
        await self._jobs.update_many(
            {
                "bulk_job_id": bulk["_id"],
                "shard": bulk["shard"],
                "status": waiting,
                "epoch": {"$lte": bulk["epoch"]},
            },
            {"$set": {"status": JobStatus.CANCELLED, "completed_at": self._clock.now()}, "$inc": {"rev": 1}},
        )

    async def _left_slots(self, bulk: Document, release: Token | None, expire_unnamed: bool) -> set[str]:
        slots: dict[str, Document] = bulk["slots"]
        if not slots:
            return set()
        running = await self._jobs.find(
            {"bulk_job_id": bulk["_id"], "shard": bulk["shard"], "status": JobStatus.PROCESSING},
            projection=["status", "lease"],
        )
        held = {job["lease"]["token"] for job in running if leases.holds(job, job["lease"]["token"])}
        now = self._clock.now()
        left = set()
        for token, slot in slots.items():
            named = slot["job_id"] is not None
            overdue = expire_unnamed and slot["until"] <= now
            if token == release or (token not in held and (named or overdue)):
                left.add(token)
        return left

    async def _count(self, bulk: Document, standing: list[JobId]) -> _Counted:
        rows = await self._jobs.aggregate(
            [
                {"$match": {"bulk_job_id": bulk["_id"], "shard": bulk["shard"], "_id": {"$nin": standing}}},
                {
                    "$group": {
                        "_id": "$status",
                        "count": {"$sum": 1},
                        "due_at": {"$min": "$due_at"},
                        "head": {"$min": "$queue_position"},
                        "until": {"$min": "$lease.until"},
                    }
                },
            ]
        )
        by_status = {row["_id"]: row for row in rows}
        queued = by_status.get(JobStatus.QUEUED.value)
        # What runs and no slot names may come back without a settle, if it was taken when its slot had expired.
        unnamed = by_status.get(JobStatus.PROCESSING.value)

        def count(status: JobStatus) -> int:
            return by_status[status.value]["count"] if status.value in by_status else 0

        return _Counted(
            completed=count(JobStatus.COMPLETED),
            failed=count(JobStatus.FAILED),
            cancelled=count(JobStatus.CANCELLED),
            due_at=min(queued["due_at"] if queued else NEVER, unnamed["until"] if unnamed else NEVER),
            head=queued["head"] if queued else bulk["head"],
        )

    def _changes(self, bulk: Document, counted: _Counted, left: set[str], clear_intent: str | None) -> Document:
        intent = bulk["intent"]
        if intent is not None and intent["id"] == clear_intent:
            intent = None
        remaining = bulk["total_items"] - counted.completed - counted.failed - counted.cancelled
        busy = len(bulk["slots"]) - len(left)
        changes: Document = {
            "busy": busy,
            "free": bulk["parallelism"] - busy,
            "completed_items": counted.completed,
            "failed_items": counted.failed,
            "cancelled_items": counted.cancelled,
            "remaining_items": remaining,
            "due_at": counted.due_at,
            "head": counted.head,
            "intent": intent,
        }
        over = remaining == 0 and len(left) == len(bulk["slots"]) and intent is None
        if over and bulk["status"] in LIVE_BULKS:
            started = bulk["status"] != BulkStatus.QUEUED
            changes |= {
                "status": (BulkStatus.COMPLETED if started else BulkStatus.CANCELLED).value,
                "completed_at": self._clock.now(),
                "pause": None,
            }
        return changes

    async def _error_summary(self, bulk: Document, failed: int) -> list[str]:
        if failed == 0:
            return []
        jobs = await self._jobs.find(
            {"bulk_job_id": bulk["_id"], "shard": bulk["shard"], "status": JobStatus.FAILED},
            projection=["queue_position", "error"],
            sort=[("queue_position", 1)],
            limit=MAX_ERROR_LINES,
        )
        return [error_line(job["queue_position"], job["error"]) for job in jobs]


@dataclass(frozen=True)
class _Counted:
    completed: int
    failed: int
    cancelled: int
    due_at: datetime
    head: int


def _uncounted(ended: Ended) -> Document:
    """Its bulk, while this running is in its slot and one write can count it."""
    bulk: Document = {
        "_id": ended.bulk_id,
        "shard": ended.shard,
        "status": {"$in": list(LIVE_BULKS)},
        "intent": None,
        f"slots.{ended.token}": {"$exists": True},
        "remaining_items": {"$gt": 0},
    }
    if ended.status in ENDED_JOBS:
        # One that its slot does not name may have been counted; the last one ends the generation after a recount.
        bulk |= {f"slots.{ended.token}.job_id": ended.job_id, "remaining_items": {"$gt": 1}}
    return bulk


def _counting(ended: Ended) -> Document:
    grown: Document = {"rev": 1}
    if ended.status in ENDED_JOBS:
        grown |= {COUNTERS[ended.status]: 1, "remaining_items": -1}
    update: Document = {"$unset": {f"slots.{ended.token}": ""}, "$inc": grown}
    if ended.status is JobStatus.QUEUED:
        update["$min"] = {"due_at": ended.due_at, "head": ended.position}
    if ended.status is JobStatus.FAILED:
        line = error_line(ended.position, ended.error)
        update["$push"] = {"error_summary": {"$each": [line], "$slice": MAX_ERROR_LINES}}
    return update


def error_line(position: int, error: str | None) -> str:
    return f"Item {position}: {error or 'failed'}"[:500]
