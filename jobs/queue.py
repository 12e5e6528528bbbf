"""Claiming a job, keeping its lease, ending it: the protocol of docs/protocol.md. People's controls are elsewhere.

A claim is a slot in the bulk (its filter holds all of a bulk's that may forbid a start), the job under the same token,
a place in each scope that limits it, and the confirmation that names the job in its slot. A pause or cancel that came
in between makes the last one match nothing: once they have answered, only jobs that slots name can run (I4, I5).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from jobs import leases
from jobs.capacity.admission import Admission, Look
from jobs.capacity.scopes import day_of
from jobs.claims import Claim, ClaimWrites, Reservation
from jobs.clock import NEVER, Clock
from jobs.documents import Token, Wish
from jobs.expenses import Charge, Expense, charge, charged_by
from jobs.leases import LeaseLost
from jobs.outcomes import (
    Awaiting,
    Cancelled,
    Completed,
    Failed,
    Outcome,
    Retry,
    Unclaimed,
    charge_of,
    due_after,
    expense_of,
    goes_on,
    status_after,
    status_after_attempt,
    tells,
    update_for,
)
from jobs.pipelines import CONTENT
from jobs.settling import Ended, Settling
from jobs.shortlist import Shortlist
from jobs.states import JobStatus
from jobs.storage.store import Document, Store
from jobs.twins import Twins
from jobs.wake import Wake

CLAIM_TRIES = 8
A_MOMENT = timedelta(milliseconds=5)
LOOK_AGAIN = timedelta(seconds=2)


@dataclass(frozen=True)
class Control:
    """What one look at a running job told: whether its lease stands, and what a person wishes."""

    owned: bool
    wish: Wish | None


class Queue:
    def __init__(
        self,
        store: Store,
        clock: Clock,
        admission: Admission,
        shortlist: Shortlist,
        twins: Twins,
        settling: Settling,
        wake: Wake,
        lease: timedelta,
    ) -> None:
        self._jobs = store.collection("generation_jobs")
        self._writes = ClaimWrites(store, clock, shortlist, lease)
        self._clock = clock
        self._admission = admission
        self._shortlist = shortlist
        self._twins = twins
        self._settling = settling
        self._wake = wake
        self._lease = lease
        self._last_look: Look | None = None

    @property
    def opens_in(self) -> timedelta:
        """When a claim that just found nothing may find something: 0 where nothing is known of that."""
        closed = self._last_look.closed if self._last_look else None
        until = closed.until if closed else None
        return max(until - self._clock.now(), timedelta(0)) + A_MOMENT if until else timedelta(0)

    async def has_work(self) -> bool:
        """The idle poll: one read."""
        return await self._shortlist.any_claimable(self._last_look.limits.parallel if self._last_look else 100)

    async def claim(self, worker_id: str) -> Claim | None:
        """The next job that may start now, under a new lease; None where there is none."""
        for _ in range(CLAIM_TRIES):
            # Where nothing was limited a moment ago, whether that still holds is asked while the job is taken.
            was_open = self._last_look is not None and self._last_look.is_open
            look = self._last_look if was_open and self._last_look else await self._look()
            reserved = None if look.closed else await self._writes.reserve(worker_id, look)
            if reserved is None:
                if was_open and (await self._look()).limits != look.limits:
                    continue
                return None
            claim = await self._claim(reserved, None if was_open else look)
            if claim is not None:
                return claim
        return None

    async def claim_reserved(self, reserved: Reservation) -> Claim | None:
        """The job that the reservation is for; None where it comes to nothing: then it is undone."""
        return await self._claim(reserved, None)

    async def _look(self) -> Look:
        self._last_look = await self._admission.look()
        return self._last_look

    async def _claim(self, reserved: Reservation, look: Look | None) -> Claim | None:
        taking = self._writes.take(reserved)
        job, seen = (await taking, look) if look else await asyncio.gather(taking, self._look())
        bulk, token = reserved.bulk, reserved.token
        if job is None:
            await self._settling.reconcile(bulk["_id"], release=token)
            return None
        claim = Claim(job["_id"], bulk["_id"], bulk["shard"], token, job, bulk, reserved.tenant)
        refused = Unclaimed()
        admitted: Claim | None
        if job["twin_key"] is not None:
            admitted, refused = await self._admitted_among_twins(claim, seen)
        else:
            admitted = await self._admitted(claim, seen)
        if admitted is None and (wait := self._until_open(claim, seen)):
            refused = await self._passed_over(claim, refused, wait)
        if admitted is not None and await self._writes.confirm(admitted):
            return admitted
        await self.finish(admitted or claim, refused)
        return None

    async def _admitted_among_twins(self, claim: Claim, look: Look) -> tuple[Claim | None, Unclaimed]:
        place = await self._twins.enter(claim.job, claim.token, claim.worker_id)
        if isinstance(place, Unclaimed):
            return None, place
        # Only now: whoever had the place has completed before it was given up.
        twin = await self._twins.result_for(claim.job)
        if twin is not None:
            return replace(claim, twin=twin, places=(place,)), Unclaimed()
        begun = await self._twins.begun_by_another(claim.job)
        admitted = await self._admitted(claim, look) if begun is None else None
        if admitted is None:
            await self._admission.leave([place], claim.token, 0.0)
            return None, begun or Unclaimed()
        return replace(admitted, places=(*admitted.places, place)), Unclaimed()

    async def _admitted(self, claim: Claim, look: Look) -> Claim | None:
        """With its places in the scopes that limit it; None where one of them has no room."""
        bulk, generator = claim.bulk, claim.generator
        may_be_beside = bulk["busy"] <= 1 or bulk["bucket"] < look.limits.parallel
        closed = look.closed or (generator is not None and look.closed_generator(generator))
        if closed or not may_be_beside:
            self._shortlist.forget()
            return None
        alone = self._shortlist.is_of_one_tenant
        entered = await self._admission.enter(
            look, claim.tenant, bulk, claim.job_id, claim.token, claim.worker_id, generator=generator, alone=alone
        )
        if entered is None:
            self._shortlist.forget()
            return None
        places, tenant = entered
        self._shortlist.entered(tenant)
        return replace(claim, tenant=tenant, places=tuple(places))

    async def _passed_over(self, claim: Claim, refused: Unclaimed, wait: timedelta) -> Unclaimed:
        """Others of its bulk may stand at another stage: they go on, but that first starts keep their order (I1)."""
        if claim.job["started_at"] is None:
            return replace(refused, spacing=wait)
        await self._writes.put_off_alike(claim, wait)
        return replace(refused, wait=max(refused.wait, wait), waits_for=refused.waits_for or claim.job["waits_for"])

    def _until_open(self, claim: Claim, look: Look) -> timedelta:
        """For how long its bulk need not be looked at, where another generator than that of contents is closed."""
        if claim.generator in (None, CONTENT):
            return timedelta(0)
        closed = look.closed_generator(claim.generator)
        if closed is None:
            return timedelta(0)
        return min(max(closed.until - look.at, A_MOMENT), LOOK_AGAIN) if closed.until else LOOK_AGAIN

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

    async def finish(self, claim: Claim, outcome: Outcome) -> JobStatus:
        """End a running: one fenced write, then its places and the settle. Safe to repeat after a lost answer.

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
        if not self._may_go_on(claim):
            await self._settling.settle(ended)
            return ended.status, None
        token = leases.new_token()
        slot = self._writes.new_slot(claim.worker_id)
        bulk = await self._settling.settle_and_reserve(ended, token, slot)
        return ended.status, Reservation(token, claim.worker_id, bulk, claim.tenant) if bulk else None

    def _may_go_on(self, claim: Claim) -> bool:
        """Whether its bulk may be served again at once: nothing is limited, nobody else waits for a turn, and there is
        no stagger."""
        look = self._last_look
        is_open = look is not None and look.is_open
        return is_open and self._shortlist.is_of_one_tenant and claim.bulk["parallelism"] == 1

    async def _end(self, claim: Claim, outcome: Outcome) -> Ended:
        status, due_at, charged = await self._finish_if_owned(claim, outcome)
        error = outcome.error if isinstance(outcome, Failed | Retry) else None
        began = claim.twin is None and isinstance(outcome, Completed | Failed | Retry | Awaiting | Cancelled)
        spacing = claim.delay if began else timedelta(0)
        never_began = isinstance(outcome, Unclaimed)
        bulk_waits = outcome.spacing if isinstance(outcome, Unclaimed) else spacing
        of_today = _of_today(charged.change, claim.job, self._clock.now())
        await self._admission.leave(claim.places, claim.token, of_today, spacing=spacing, never_began=never_began)
        return Ended(
            bulk_id=claim.bulk_id,
            shard=claim.shard,
            job_id=claim.job_id,
            position=claim.job["queue_position"],
            token=claim.token,
            status=status,
            due_at=due_at,
            error=error,
            spacing=bulk_waits,
            charged=charged,
        )

    async def _finish_if_owned(self, claim: Claim, outcome: Outcome) -> tuple[JobStatus, datetime, Charge]:
        """What became of the job, when its bulk has to look for it again should it be waiting, and what it cost."""
        now = self._clock.now()
        mine = leases.owned(claim.job_id, claim.shard, claim.token)
        unless_cancelled = goes_on(outcome)
        guard = mine | {"wish": {"$ne": Wish.CANCEL}} if unless_cancelled else mine
        if await self._jobs.update_one(guard, update_for(outcome, claim.job, now)):
            if tells(outcome):
                self._wake.job(claim.job_id)
            return status_after(outcome), due_after(outcome, now), charge_of(outcome, claim.job)
        cancelled = Cancelled(expense_of(outcome, claim.job))
        if unless_cancelled and await self._jobs.update_one(mine, update_for(cancelled, claim.job, now)):
            return JobStatus.CANCELLED, NEVER, charge_of(cancelled, claim.job)
        before = await self._ended_before(claim)
        if before is not None:
            # It may be due since then: to look too early costs a miss, too late would hold it up.
            return status_after_attempt(before), now, charged_by(before)
        if isinstance(outcome, Unclaimed):
            return JobStatus.QUEUED, now, charge(Expense(), claim.job)
        raise LeaseLost(claim.job_id)

    async def _ended_before(self, claim: Claim) -> Document | None:
        """The attempt that this claim left, where an earlier finish arrived and its answer was lost."""
        by_me = {"_id": claim.job_id, "shard": claim.shard, "attempts.token": claim.token}
        job = await self._jobs.find_one(by_me, projection=["attempts"])
        attempts = [entry for entry in job["attempts"] if entry["token"] == claim.token] if job else []
        lost = [entry for entry in attempts if entry["outcome"] == "lost"]
        return attempts[-1] if attempts and not lost else None


def _of_today(spent: float, job: Document, now: datetime) -> float:
    """What a day's budget is charged: what was set aside on an earlier day is not given back to this one."""
    booked = [attempt["ended_at"] for attempt in job["attempts"] if attempt["cost"] > 0]
    return max(spent, 0.0) if booked and day_of(booked[-1]) != day_of(now) else spent
