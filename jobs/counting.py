"""What a bulk's jobs come to: counts by status, what they cost, which slots are left over. Nothing is written here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from jobs import leases
from jobs.clock import NEVER, Clock
from jobs.documents import A_HAIR, MAX_ERROR_LINES, JobId, Token
from jobs.expenses import charged_by
from jobs.states import ENDED_JOBS, JobStatus
from jobs.storage.store import Document, Store

SUMMED = {"cost": "cost", "input_tokens": "usage.input_tokens", "output_tokens": "usage.output_tokens"}


@dataclass(frozen=True)
class Counted:
    """Jobs that stand in no slot. `due_at` is when the first of them may run; `of_canary` is how many of the bulk's
    first jobs have not ended."""

    completed: int
    failed: int
    cancelled: int
    due_at: datetime
    head: int
    of_canary: int


class Counting:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._jobs = store.collection("generation_jobs")
        self._clock = clock

    async def left_slots(self, bulk: Document, release: Token | None, expire_unnamed: bool) -> set[str]:
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

    async def count(self, bulk: Document, standing: list[JobId]) -> Counted:
        ceiling = bulk["ceiling"]
        below = True if ceiling is None else {"$lte": ["$queue_position", ceiling]}
        rows = await self._jobs.aggregate(
            [
                {"$match": {"bulk_job_id": bulk["_id"], "shard": bulk["shard"], "_id": {"$nin": standing}}},
                {
                    "$group": {
                        "_id": "$status",
                        "count": {"$sum": 1},
                        "due_at": {"$min": "$due_at" if ceiling is None else {"$cond": [below, "$due_at", NEVER]}},
                        "head": {"$min": "$queue_position"},
                        "until": {"$min": "$lease.until"},
                        "below": {"$sum": 1 if ceiling is None else {"$cond": [below, 1, 0]}},
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

        return Counted(
            completed=count(JobStatus.COMPLETED),
            failed=count(JobStatus.FAILED),
            cancelled=count(JobStatus.CANCELLED),
            due_at=min(queued["due_at"] if queued else NEVER, unnamed["until"] if unnamed else NEVER),
            head=queued["head"] if queued else bulk["head"],
            of_canary=sum(row["below"] for row in rows if row["_id"] not in ENDED_JOBS),
        )

    async def cost(self, bulk: Document) -> float:
        """Of all its jobs so far, those in slots included."""
        rows = await self._jobs.aggregate(
            [
                {"$match": {"bulk_job_id": bulk["_id"], "shard": bulk["shard"]}},
                {"$group": {"_id": None, "cost": {"$sum": "$cost"}}},
            ]
        )
        return float(rows[0]["cost"]) if rows else 0.0

    async def settled_expense(self, bulk: Document, standing: Mapping[str, JobId]) -> Document:
        """The bulk's `cost` and `usage`: of all runnings but those whose slots, by token, are still to be settled."""
        mine = {"bulk_job_id": bulk["_id"], "shard": bulk["shard"]}
        summed = {name: {"$sum": f"${field}"} for name, field in SUMMED.items()}
        rows = await self._jobs.aggregate([{"$match": mine}, {"$group": {"_id": None, **summed}}])
        whole = rows[0] if rows else dict.fromkeys(SUMMED, 0)
        unsettled = [charged_by(attempt) for attempt in await self._unsettled(standing)]
        cost = whole["cost"] - sum(charged.change for charged in unsettled)
        usage = {
            "input_tokens": whole["input_tokens"] - sum(charged.tokens.input for charged in unsettled),
            "output_tokens": whole["output_tokens"] - sum(charged.tokens.output for charged in unsettled),
        }
        return {"cost": bulk["cost"] if abs(cost - bulk["cost"]) < A_HAIR else float(cost), "usage": usage}

    async def _unsettled(self, standing: Mapping[str, JobId]) -> list[Document]:
        """The attempts that these runnings have left, if they have ended."""
        if not standing:
            return []
        jobs = await self._jobs.find({"_id": {"$in": list(standing.values())}}, projection=["attempts"])
        return [attempt for job in jobs for attempt in job["attempts"] if attempt["token"] in standing]

    async def error_summary(self, bulk: Document, failed: int) -> list[str]:
        if failed == 0:
            return []
        jobs = await self._jobs.find(
            {"bulk_job_id": bulk["_id"], "shard": bulk["shard"], "status": JobStatus.FAILED},
            projection=["queue_position", "error"],
            sort=[("queue_position", 1)],
            limit=MAX_ERROR_LINES,
        )
        return [error_line(job["queue_position"], job["error"]) for job in jobs]


def error_line(position: int, error: str | None) -> str:
    return f"Item {position}: {error or 'failed'}"[:500]
