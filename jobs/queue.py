"""Claiming a job, keeping its lease, ending it: the protocol of docs/protocol.md. People's controls are elsewhere.

A claim is four writes: a slot in the bulk (its filter holds all that may forbid a start), the job under the same token,
a permit of the system's cap, and the confirmation that names the job in its slot. A pause or cancel that came in
between makes the last one match nothing; so once they have answered, only jobs that slots name can be running (I4, I5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from jobs import leases
from jobs.clock import NEVER, Clock
from jobs.documents import BulkId, JobId, Lane, Token, Wish
from jobs.errors import PressrunError
from jobs.limits import Room, SystemLimits
from jobs.outcomes import (
    Cancelled,
    Completed,
    Failed,
    Outcome,
    Retry,
    Unclaimed,
    due_after,
    puts_back,
    status_after,
    status_after_attempt,
    update_for,
)
from jobs.settling import Ended, Settling
from jobs.states import ACTIVE_BULKS, BulkStatus, JobStatus
from jobs.store import Document, Store

TAKE_WINDOW = 200
CLAIM_TRIES = 8


@dataclass(eq=False)
class LeaseLost(PressrunError):
    """The lease of job {job_id} is lost: it was put back or ended by somebody else."""

    job_id: JobId


@dataclass(frozen=True)
class Claim:
    """A running job and the token that owns it. `job` and `bulk` are as they were when it was claimed."""

    job_id: JobId
    bulk_id: BulkId
    shard: int
    token: Token
    job: Document = field(repr=False)
    bulk: Document = field(repr=False)
    has_permit: bool = False

    @property
    def delay(self) -> timedelta:
        return timedelta(seconds=self.bulk["delay_seconds"])


@dataclass(frozen=True)
class Control:
    """What one look at a running job told: whether its lease stands, and what a person wishes."""

    owned: bool
    wish: Wish | None


class Queue:
    def __init__(self, store: Store, clock: Clock, limits: SystemLimits, settling: Settling, lease: timedelta) -> None:
        self._bulks = store.collection("bulk_jobs")
        self._jobs = store.collection("generation_jobs")
        self._clock = clock
        self._limits = limits
        self._settling = settling
        self._lease = lease

    async def has_work(self) -> bool:
        """The idle poll: one read."""
        return await self._bulks.find_one(self._claimable(), projection=["_id"]) is not None

    async def claim(self, worker_id: str) -> Claim | None:
        """The next job that may start now, under a new lease; None where there is none."""
        for _ in range(CLAIM_TRIES):
            room = await self._limits.room()
            if room is Room.NONE:
                return None
            token = leases.new_token()
            bulk = await self._reserve(token, worker_id)
            if bulk is None:
                return None
            job = await self._take(bulk, token, worker_id)
            if job is None:
                await self._settling.reconcile(bulk["_id"], release=token)
                continue
            permit = room is Room.SOME and await self._limits.take_permit(job["_id"], token, worker_id)
            claim = Claim(job["_id"], bulk["_id"], bulk["shard"], token, job, bulk, permit)
            if (permit or room is Room.UNLIMITED) and await self._confirm(claim):
                return claim
            await self.finish(claim, Unclaimed())
        return None

    async def renew(self, claims: Sequence[Claim]) -> None:
        """Lengthen the leases that still stand. A late renewal succeeds while nobody has taken the job."""
        owners = [(claim.job_id, claim.token) for claim in claims]
        await self._jobs.update_many(leases.owned_any(owners), leases.renewed(self._clock.now() + self._lease))

    async def controls(self, claims: Sequence[Claim]) -> dict[Token, Control]:
        """One read for all running jobs of a worker."""
        found = await self._jobs.find(
            {"_id": {"$in": [claim.job_id for claim in claims]}}, projection=["status", "lease", "wish"]
        )
        jobs = {job["_id"]: job for job in found}
        controls = {}
        for claim in claims:
            job = jobs.get(claim.job_id)
            wish = Wish(job["wish"]) if job and job["wish"] else None
            controls[claim.token] = Control(owned=leases.holds(job, claim.token), wish=wish)
        return controls

    async def enter_stage(self, claim: Claim, stage: str) -> None:
        """Raises `LeaseLost`."""
        update = {"$set": {"current_stage": stage}, "$inc": {"rev": 1}}
        if not await self._jobs.update_one(leases.owned(claim.job_id, claim.shard, claim.token), update):
            raise LeaseLost(claim.job_id)

    async def finish(self, claim: Claim, outcome: Outcome) -> JobStatus:
        """End a running: one fenced write, then the settle and the permit. Safe to repeat after a lost answer.

        A job that a person cancelled is cancelled, not put back. Raises `LeaseLost` where the token owns nothing and
        did not end the job either.
        """
        status, due_at = await self._finish_if_owned(claim, outcome)
        error = outcome.error if isinstance(outcome, Failed | Retry) else None
        spacing = claim.delay if isinstance(outcome, Completed | Failed | Retry | Cancelled) else timedelta(0)
        ended = Ended(
            bulk_id=claim.bulk_id,
            shard=claim.shard,
            job_id=claim.job_id,
            position=claim.job["queue_position"],
            token=claim.token,
            status=status,
            due_at=due_at,
            error=error,
            spacing=spacing,
        )
        if claim.has_permit:
            await self._limits.return_permit(claim.token, spacing)
        await self._settling.settle(ended)
        return status

    async def _finish_if_owned(self, claim: Claim, outcome: Outcome) -> tuple[JobStatus, datetime]:
        """What became of the job, and when its bulk has to look for it again, should it be waiting."""
        now = self._clock.now()
        mine = leases.owned(claim.job_id, claim.shard, claim.token)
        guard = mine | {"wish": {"$ne": Wish.CANCEL}} if puts_back(outcome) else mine
        if await self._jobs.update_one(guard, update_for(outcome, claim.job, now)):
            return status_after(outcome), due_after(outcome, now)
        if puts_back(outcome) and await self._jobs.update_one(mine, update_for(Cancelled(), claim.job, now)):
            return JobStatus.CANCELLED, NEVER
        ended = await self._ended_before(claim)
        if ended is not None:
            return ended, now  # it may be due since then: to look too early costs a miss, too late would hold it up
        if isinstance(outcome, Unclaimed):
            return JobStatus.QUEUED, now
        raise LeaseLost(claim.job_id)

    async def _ended_before(self, claim: Claim) -> JobStatus | None:
        """What this claim made of its job, where an earlier finish arrived and its answer was lost."""
        by_me = {"_id": claim.job_id, "shard": claim.shard, "attempts.token": claim.token}
        job = await self._jobs.find_one(by_me, projection=["attempts"])
        attempts = [entry for entry in job["attempts"] if entry["token"] == claim.token] if job else []
        lost = [entry for entry in attempts if entry["outcome"] == "lost"]
        return status_after_attempt(attempts[-1]) if attempts and not lost else None

    def _claimable(self) -> Document:
        now = self._clock.now()
        return {
            "schema": 1,
            "status": {"$in": list(ACTIVE_BULKS)},
            "free": {"$gt": 0},
            "due_at": {"$lte": now},
            "spaced_until": {"$lte": now},
            "intent": None,
        }

    async def _reserve(self, token: Token, worker_id: str) -> Document | None:
        now = self._clock.now()
        slot = {"job_id": None, "worker_id": worker_id, "at": now, "until": now + self._lease}
        return await self._bulks.find_one_and_update(
            self._claimable(),
            {"$set": {f"slots.{token}": slot}, "$inc": {"rev": 1, "busy": 1, "free": -1}},
            sort=[("created_at", 1), ("_id", 1)],
        )

    async def _take(self, bulk: Document, token: Token, worker_id: str) -> Document | None:
        now = self._clock.now()
        waiting = {
            "bulk_job_id": bulk["_id"],
            "shard": bulk["shard"],
            "status": JobStatus.QUEUED.value,
            "due_at": {"$lte": now},
        }
        # The window keeps the set that is sorted small; `head` is a hint, so what it misses is looked for without it.
        in_window = waiting | {
            "lane": Lane.FIRST.value,
            "queue_position": {"$lt": bulk["head"] + TAKE_WINDOW},
        }
        taken = {
            "$set": {
                "status": JobStatus.PROCESSING.value,
                "lease": leases.new_lease(token, worker_id, now, now + self._lease),
                "wish": None,
            },
            "$max": {"epoch": bulk["epoch"]},  # a control that came since the reservation has stamped a later one
            "$inc": {"rev": 1},
        }
        by_place = [("lane", 1), ("queue_position", 1)]
        job = await self._jobs.find_one_and_update(in_window, taken, sort=by_place)
        return job or await self._jobs.find_one_and_update(waiting, taken, sort=by_place)

    async def _confirm(self, claim: Claim) -> bool:
        changes: Document = {f"slots.{claim.token}.job_id": claim.job_id}
        if claim.bulk["started_at"] is None:
            changes["started_at"] = self._clock.now()
        confirmed = await self._bulks.update_one(
            {
                "_id": claim.bulk_id,
                "shard": claim.shard,
                "status": {"$in": list(ACTIVE_BULKS)},
                f"slots.{claim.token}": {"$exists": True},
            },
            {
                "$set": changes | {"status": BulkStatus.PROCESSING.value},
                "$max": {"head": claim.job["queue_position"]},
                "$inc": {"rev": 1},
            },
        )
        return confirmed == 1
