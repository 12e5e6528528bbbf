"""Claiming a job, keeping its lease, ending it: the protocol of docs/protocol.md. People's controls are elsewhere.

A claim is four writes: a slot in the bulk (its filter holds all that may forbid a start), the job under the same token,
a permit of the system's cap, and the confirmation that names the job in its slot. A pause or cancel that came in
between makes the last one match nothing; so once they have answered, only jobs that slots name can be running (I4, I5).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs import leases
from jobs.claims import Claim, ClaimWrites, Reservation
from jobs.clock import NEVER, Clock
from jobs.documents import FIRST_STAGE, JobId, Token, Wish
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
from jobs.states import JobStatus
from jobs.store import Store

CLAIM_TRIES = 8


@dataclass(eq=False)
class LeaseLost(PressrunError):
    """The lease of job {job_id} is lost: it was put back or ended by somebody else."""

    job_id: JobId


@dataclass(frozen=True)
class Control:
    """What one look at a running job told: whether its lease stands, and what a person wishes."""

    owned: bool
    wish: Wish | None


class Queue:
    def __init__(self, store: Store, clock: Clock, limits: SystemLimits, settling: Settling, lease: timedelta) -> None:
        self._jobs = store.collection("generation_jobs")
        self._writes = ClaimWrites(store, clock, lease)
        self._clock = clock
        self._limits = limits
        self._settling = settling
        self._lease = lease

    async def has_work(self) -> bool:
        """The idle poll: one read."""
        return await self._writes.any_claimable()

    async def claim(self, worker_id: str) -> Claim | None:
        """The next job that may start now, under a new lease; None where there is none."""
        for _ in range(CLAIM_TRIES):
            room = None if self._limits.had_no_cap else await self._limits.room()
            reserved = None if room is Room.NONE else await self._writes.reserve(worker_id)
            if reserved is None:
                return None
            claim = await self._claim(reserved, room)
            if claim is not None:
                return claim
        return None

    async def claim_reserved(self, reserved: Reservation) -> Claim | None:
        """The job that the reservation is for; None where it comes to nothing: then it is undone."""
        return await self._claim(reserved, None)

    async def _claim(self, reserved: Reservation, room: Room | None) -> Claim | None:
        if room is None:
            # There was no cap a moment ago: whether that still holds is asked while the job is taken.
            job, room = await asyncio.gather(self._writes.take(reserved, FIRST_STAGE), self._limits.room())
        else:
            job = await self._writes.take(reserved, FIRST_STAGE)
        bulk, token = reserved.bulk, reserved.token
        if job is None:
            await self._settling.reconcile(bulk["_id"], release=token)
            return None
        permit = room is Room.SOME and await self._limits.take_permit(job["_id"], token, reserved.worker_id)
        claim = Claim(job["_id"], bulk["_id"], bulk["shard"], token, job, bulk, permit)
        if (permit or room is Room.UNLIMITED) and await self._writes.confirm(claim):
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
        """The last look at the lease before money is spent, which begins it anew. Raises `LeaseLost`.

        The take has entered the first stage. A look that was sent less than a third of a lease ago is new enough: so
        long no sweep can have taken the job.
        """
        looked_at: datetime = claim.job["lease"]["taken_at"]
        entered = claim.job["current_stage"] == stage
        while not entered or self._clock.now() >= looked_at + self._lease / 3:
            looked_at = self._clock.now()
            renewed = leases.renewed(looked_at + self._lease)
            update = {"$set": {"current_stage": stage, **renewed["$set"]}, "$inc": {"rev": 1}}
            if not await self._jobs.update_one(leases.owned(claim.job_id, claim.shard, claim.token), update):
                raise LeaseLost(claim.job_id)
            entered = True

    async def finish(self, claim: Claim, outcome: Outcome) -> JobStatus:
        """End a running: one fenced write, then the permit and the settle. Safe to repeat after a lost answer.

        A job that a person cancelled is cancelled, not put back. Raises `LeaseLost` where the token owns nothing and
        did not end the job either.
        """
        ended = await self._end(claim, outcome)
        await self._settling.settle(ended)
        return ended.status

    async def finish_and_reserve(self, claim: Claim, outcome: Outcome) -> tuple[JobStatus, Reservation | None]:
        """As `finish`; where the bulk may run another job at once, its slot is reserved in the write that settles.

        Not to be repeated after a lost answer: then `finish` is, and a reservation that nobody knows of is left to
        the sweep.
        """
        ended = await self._end(claim, outcome)
        if claim.has_permit:
            await self._settling.settle(ended)
            return ended.status, None
        token = leases.new_token()
        slot = self._writes.new_slot(claim.worker_id)
        bulk = await self._settling.settle_and_reserve(ended, token, slot)
        return ended.status, Reservation(token, claim.worker_id, bulk) if bulk else None

    async def _end(self, claim: Claim, outcome: Outcome) -> Ended:
        status, due_at = await self._finish_if_owned(claim, outcome)
        error = outcome.error if isinstance(outcome, Failed | Retry) else None
        spacing = claim.delay if isinstance(outcome, Completed | Failed | Retry | Cancelled) else timedelta(0)
        if claim.has_permit:
            await self._limits.return_permit(claim.token, spacing)
        return Ended(
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
