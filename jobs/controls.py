"""What people do to a bulk or a job while it runs: pause, resume, cancel, retry, change. Nothing is claimed here.

Each is one write on the bulk, by compare-and-set on what was read; what it means for jobs is its intent's affair.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from jobs import events, leases, priority
from jobs.bulk_hours import other_hours
from jobs.clock import Clock
from jobs.documents import BulkId, JobId, UserId
from jobs.errors import BudgetUsedUp, Busy, MoveRefused, NotFound
from jobs.intents import TRIES, Intent, Intents
from jobs.notification import telling
from jobs.pipelines import begun_again
from jobs.policies import pays_for
from jobs.searching import found_by
from jobs.settling import Settling
from jobs.states import (
    BULK_MOVES,
    BulkStatus,
    JobStatus,
    bulks_that_may_become,
    jobs_that_may_become,
)
from jobs.storage.store import Document, Store
from jobs.wake import Wake


class PauseMode(StrEnum):
    FINISH = "finish"
    ABORT = "abort"


@dataclass(frozen=True)
class Answer:
    """The bulk after the control, and the only jobs of it that may still be running."""

    bulk: Document
    running: Sequence[JobId]


@dataclass(frozen=True)
class Pause:
    mode: PauseMode = PauseMode.FINISH
    reason: str | None = None
    until: datetime | None = None
    by: str = events.BY_PERSON


def to_be_resumed(now: datetime) -> Document:
    """Bulks whose pause was to last until now."""
    return {"schema": 1, "status": BulkStatus.PAUSED.value, "pause.until": {"$lte": now}, "intent": None}


class Controls:
    def __init__(self, store: Store, clock: Clock, settling: Settling, wake: Wake) -> None:
        self._bulks = store.collection("bulk_jobs")
        self._jobs = store.collection("generation_jobs")
        self._clock = clock
        self._settling = settling
        self._intents = Intents(store, clock, settling, wake)

    async def pause(self, owner: UserId, bulk_id: BulkId, pause: Pause) -> Answer:
        """After this no job starts but those in `running`; `until` resumes it by itself. Raises `MoveRefused`."""
        for _ in range(TRIES):
            bulk = await self._intents.quiet(owner, bulk_id)
            status = BulkStatus(bulk["status"])
            if status is not BulkStatus.PAUSED and status not in bulks_that_may_become(BulkStatus.PAUSED):
                raise MoveRefused("bulk job", status, "paused")
            record: Document = {
                "at": self._clock.now(),
                "by": pause.by,
                "mode": pause.mode.value,
                "reason": pause.reason,
                "until": pause.until,
            }
            kind = Intent.ABORT if pause.mode is PauseMode.ABORT else None
            changes = {"status": BulkStatus.PAUSED.value, "pause": record}
            told = () if status is BulkStatus.PAUSED else (events.paused(bulk | changes, record["at"], pause.by),)
            paused = await self._intents.write(bulk, changes, kind, told=told)
            if paused is not None:
                return await self._answer(paused)
        raise Busy("bulk job")

    async def resume(self, owner: UserId, bulk_id: BulkId) -> Answer:
        """Raises `MoveRefused` for a bulk that has ended, `BudgetUsedUp` for one that would pause again at once."""
        for _ in range(TRIES):
            bulk = await self._intents.quiet(owner, bulk_id)
            status = BulkStatus(bulk["status"])
            if status in (BulkStatus.QUEUED, BulkStatus.PROCESSING):
                return await self._answer(bulk)
            if status is not BulkStatus.PAUSED:
                raise MoveRefused("bulk job", status, "resumed")
            left = bulk["budget_left"]
            if left is not None and not pays_for(left, bulk["job_cost"]) and not bulk["slots"]:
                raise BudgetUsedUp
            resumed = await self._intents.write(bulk, _resumed(bulk), _recount(bulk))
            if resumed is not None:
                return await self._answer(resumed)
        raise Busy("bulk job")

    async def resume_due(self) -> int:
        """Resume the bulks whose pause was to last until now."""
        due = await self._bulks.find(to_be_resumed(self._clock.now()))
        # By compare-and-set: should a person have changed the pause meanwhile, theirs stands.
        resumed = [
            await self._intents.write(bulk, _resumed(bulk), _recount(bulk)) for bulk in due if bulk["pause"]["until"]
        ]
        return len([bulk for bulk in resumed if bulk is not None])

    async def cancel(self, owner: UserId, bulk_id: BulkId, by: str = events.BY_PERSON) -> Answer:
        """After this no job starts; those in `running` are aborted by their owners. Raises `MoveRefused`."""
        for _ in range(TRIES):
            bulk = await self._intents.quiet(owner, bulk_id)
            status = BulkStatus(bulk["status"])
            if status is BulkStatus.CANCELLED:
                return await self._answer(bulk)
            if BulkStatus.CANCELLED not in BULK_MOVES[status]:
                raise MoveRefused("bulk job", status, "cancelled")
            changes = {"status": BulkStatus.CANCELLED.value, "completed_at": self._clock.now(), "pause": None}
            changes["cancelled_by"] = by
            cancelled = await self._intents.write(bulk, changes, Intent.CANCEL)
            if cancelled is not None:
                return await self._answer(cancelled)
        raise Busy("bulk job")

    async def retry(self, owner: UserId, bulk_id: BulkId) -> tuple[Document, int]:
        """Send all failed jobs back to the queue; how many there were (0 changes nothing)."""
        for _ in range(TRIES):
            bulk = await self._intents.quiet(owner, bulk_id)
            failed = await self._jobs.find(
                {"bulk_job_id": bulk_id, "shard": bulk["shard"], "status": JobStatus.FAILED.value},
                projection=["_id"],
            )
            if not failed:
                return bulk, 0
            sent = await self._send_back(bulk, [job["_id"] for job in failed], failed=len(failed))
            if sent is not None:
                return sent, len(failed)
        raise Busy("bulk job")

    async def cancel_job(self, owner: UserId, job_id: JobId) -> Document:
        """The job as it then is: cancelled, or still running and about to be aborted. Raises `MoveRefused`."""
        for _ in range(TRIES):
            job = await self._job(owner, job_id)
            status = JobStatus(job["status"])
            if status is JobStatus.CANCELLED:
                return job
            if status not in jobs_that_may_become(JobStatus.CANCELLED):
                raise MoveRefused("job", status, "cancelled")
            bulk = await self._intents.quiet(owner, job["bulk_job_id"])
            if await self._intents.write(bulk, {}, Intent.CANCEL_JOBS, [job_id]) is not None:
                return await self._job(owner, job_id)
        raise Busy("job")

    async def retry_job(self, owner: UserId, job_id: JobId, from_stage: str | None = None) -> Document:
        """Send one failed or cancelled job back to the queue, to the stage where it ended or to an earlier one.

        Raises `MoveRefused`, and `InvalidInput` for a stage that it has not come to.
        """
        for _ in range(TRIES):
            job = await self._job(owner, job_id)
            status = JobStatus(job["status"])
            if status is JobStatus.QUEUED and from_stage in (None, job["current_stage"]):
                return job
            if status not in (JobStatus.FAILED, JobStatus.CANCELLED):
                raise MoveRefused("job", status, "sent back to the queue")
            bulk = await self._intents.quiet(owner, job["bulk_job_id"])
            job = await self._job(owner, job_id)  # as it is while the bulk stays as it is
            each = [begun_again(job, bulk["stages"], from_stage)] if from_stage is not None else []
            failed = int(status is JobStatus.FAILED)
            if await self._send_back(bulk, [job_id], failed=failed, each=each) is not None:
                return await self._job(owner, job_id)
        raise Busy("job")

    async def change(self, owner: UserId, bulk_id: BulkId, changes: Mapping[str, Any]) -> Document:
        """Change name, priority, parallelism, delay, stagger, budget, `notify` or `run_between` while it runs, from now
        on. Raises `InvalidInput` for hours that are none."""
        for _ in range(TRIES):
            bulk = await self._intents.quiet(owner, bulk_id)
            more = changes.get("parallelism", bulk["parallelism"]) - bulk["parallelism"]
            also: Document = {"free": bulk["free"] + more}
            if "run_between" in changes:
                also |= other_hours(bulk, changes["run_between"], self._clock.now())
            if "name" in changes:
                also["found_by"] = found_by(changes["name"], bulk["pipeline"], bulk["kind"])
            if "priority" in changes:
                also["rank"] = priority.rank(bulk["rank"], changes["priority"] - bulk["priority"])
            if changes.get("budget") is not None:
                also |= await self._settling.under_budget(bulk, changes["budget"])
            elif "budget" in changes:
                also |= {"budget_left": None, "job_cost": bulk["usual_cost"]}
            if "notify" in changes:
                also |= telling.chosen_anew(bulk)
            # With a budget it may have to pause at once, even should this process die after the write; and with other
            # percentages another end is the next to be told.
            kind = Intent.RECOUNT if changes.get("budget") is not None or "notify" in changes else None
            kept = {name: value for name, value in changes.items() if name != "run_between"}
            changed = await self._intents.write(bulk, {**kept, **also}, kind)
            if changed is not None:
                return await self._intents.quiet(owner, bulk_id) if kind else changed
        raise Busy("bulk job")

    async def _send_back(
        self, bulk: Document, job_ids: Sequence[JobId], *, failed: int, each: Sequence[Document] = ()
    ) -> Document | None:
        """`failed`: how many of them. A new generation is judged anew; what no longer counts is taken off nothing."""
        over = BulkStatus.PROCESSING in BULK_MOVES[BulkStatus(bulk["status"])] and bulk["completed_at"] is not None
        still_failed = max(0, bulk["failed_items"] - failed)
        judged_from = bulk["judged_from"]
        changes: Document = {"judged_from": judged_from | {"failed": min(judged_from["failed"], still_failed)}}
        told: Sequence[Document] = ()
        if over:
            begun, told = telling.next_generation(bulk, self._clock.now())
            changes = {
                "judged_from": {"completed": bulk["completed_items"], "failed": still_failed},
                "status": BulkStatus.PROCESSING.value,
                "completed_at": None,
                "generation": bulk["generation"] + 1,
                "results_dropped_at": None,
                **begun,
            }
        return await self._intents.write(bulk, changes, Intent.RETRY, job_ids, each=each, told=told)

    async def _job(self, owner: UserId, job_id: JobId) -> Document:
        job = await self._jobs.find_one({"_id": job_id, "userId": owner, "schema": 1})
        if job is None:
            raise NotFound("job")
        return job

    async def _answer(self, bulk: Document) -> Answer:
        named = {slot["job_id"]: token for token, slot in bulk["slots"].items() if slot["job_id"] is not None}
        jobs = await self._jobs.find({"_id": {"$in": list(named)}}, projection=["status", "lease"]) if named else []
        return Answer(bulk, [job["_id"] for job in jobs if leases.holds(job, named[job["_id"]])])


def _recount(bulk: Document) -> Intent | None:
    """While it was paused it could not pause itself: whether it has to is looked at now."""
    return Intent.RECOUNT if bulk["ceiling"] is not None or bulk["budget"] else None


def _resumed(bulk: Document) -> Document:
    """Failures count anew: whoever resumes it has seen those before."""
    status = BulkStatus.PROCESSING if bulk["started_at"] is not None else BulkStatus.QUEUED
    judged_from = {"completed": bulk["completed_items"], "failed": bulk["failed_items"]}
    return {"status": status.value, "pause": None, "judged_from": judged_from}
