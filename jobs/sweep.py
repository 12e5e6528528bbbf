"""Taking back what lost workers held: jobs, slots, permits. Run by upkeep; what people asked for is not decided here.

Nobody is taken for dead just because the database was away: after an outage, and after its own start, a sweep waits
one full lease before it judges any (spec §4, I9).
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from jobs import leases
from jobs.clock import Clock
from jobs.documents import Wish
from jobs.limits import SystemLimits
from jobs.outcomes import MAX_LOST_WORKERS, Cancelled, Lost, Outcome, update_for
from jobs.settling import Settling
from jobs.store import Document, Store

log = structlog.get_logger()
AT_ONCE = 200


class Sweep:
    def __init__(self, store: Store, clock: Clock, limits: SystemLimits, settling: Settling, lease: timedelta) -> None:
        self._bulks = store.collection("bulk_jobs")
        self._jobs = store.collection("generation_jobs")
        self._clock = clock
        self._limits = limits
        self._settling = settling
        self._lease = lease
        self._not_before: datetime | None = None

    def outage(self) -> None:
        """The database was away: whoever could not renew gets the time of one lease to do so."""
        self._not_before = None

    async def run(self) -> int:
        """One sweep; how many jobs were taken back."""
        now = self._clock.now()
        if self._not_before is None:
            self._not_before = now + self._lease
        if now < self._not_before:
            return 0
        taken_back = await self._take_back_jobs(now)
        await self._settle_left_slots()
        await self._limits.take_back_leftovers()
        return taken_back

    async def _take_back_jobs(self, now: datetime) -> int:
        count = 0
        for job in await self._jobs.find(leases.expired(now), limit=AT_ONCE):
            outcome: Outcome = Lost(final=job["lost_workers"] + 1 >= MAX_LOST_WORKERS)
            guard = leases.still_expired(job, now)
            if job["wish"] == Wish.CANCEL.value:
                outcome = Cancelled()
            else:
                guard |= {"wish": {"$ne": Wish.CANCEL.value}}
            if await self._jobs.update_one(guard, update_for(outcome, job, now)):
                count += 1
                log.warning(
                    "job_reclaimed",
                    bulk_id=str(job["bulk_job_id"]),
                    job_id=str(job["_id"]),
                    worker_id=job["lease"]["worker_id"],
                    final=outcome == Lost(final=True),
                )
                await self._settling.reconcile(job["bulk_job_id"])
        return count

    async def _settle_left_slots(self) -> None:
        busy = await self._bulks.find(
            {"schema": 1, "busy": {"$gt": 0}}, projection=["slots"], limit=AT_ONCE, sort=[("created_at", 1)]
        )
        if not busy:
            return
        running = await self._jobs.find(
            {"bulk_job_id": {"$in": [bulk["_id"] for bulk in busy]}, "status": "processing"},
            projection=["lease"],
        )
        held = {job["lease"]["token"] for job in running if job["lease"]}
        for bulk in busy:
            if any(self._is_left(slot) for token, slot in bulk["slots"].items() if token not in held):
                await self._settling.reconcile(bulk["_id"], expire_unnamed=True)

    def _is_left(self, slot: Document) -> bool:
        return slot["job_id"] is not None or slot["until"] <= self._clock.now()
