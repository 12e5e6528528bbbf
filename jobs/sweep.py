"""Taking back what lost workers held: jobs, slots, places. Run by upkeep; what people asked for is not decided here.

Nobody is taken for dead just because the database was away: after an outage, and after its own start, a sweep waits
one full lease before it judges any (spec §4, I9). An outage is not always told: where the server is back soon enough
the driver waits for it, and the operation succeeds; so an answer that was long in coming counts as one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog
from bson import ObjectId

from jobs import leases
from jobs.capacity.scopes import Scopes
from jobs.clock import Clock
from jobs.documents import Wish
from jobs.outcomes import MAX_LOST_WORKERS, Cancelled, Lost, Outcome, Unclaimed, tells, update_for
from jobs.settling import Settling
from jobs.states import LIVE_BULKS
from jobs.storage.paging import next_after
from jobs.storage.store import Document, Store
from jobs.wake import Wake

log = structlog.get_logger()
AT_ONCE = 200
STALLED = 1 / 4
"""Of a lease. One that is renewed every third outlives an outage of two thirds; what a longer one holds up takes more
than this, if what is asked under `noticing_outages` is asked every third of a lease."""

EVERYWHERE_EVERY = timedelta(minutes=2)
BUSY: Document = {"schema": 1, "busy": {"$gt": 0, "$lt": 2**31}}
"""With two ends: with one, a server that guesses how many there are may rather read all bulks."""

WHERE_JOBS_MAY_RUN: tuple[Document, ...] = (BUSY, {"schema": 1, "status": {"$in": list(LIVE_BULKS)}})
"""A job that runs has a slot; but one whose worker slept between reserving and taking may only have a live bulk."""


class Sweep:
    def __init__(
        self, store: Store, clock: Clock, scopes: Scopes, settling: Settling, wake: Wake, lease: timedelta
    ) -> None:
        self._bulks = store.collection("bulk_jobs")
        self._jobs = store.collection("generation_jobs")
        self._clock = clock
        self._scopes = scopes
        self._settling = settling
        self._wake = wake
        self._lease = lease
        self._not_before: datetime | None = None
        self._everywhere_at: datetime | None = None
        self._looked_up_to: ObjectId | str | None = None
        """The last bulk that was looked at, where there are more behind it."""

    def outage(self) -> None:
        """The database was away: whoever could not renew gets the time of one lease to do so."""
        self._not_before = None

    @contextmanager
    def noticing_outages(self) -> Iterator[None]:
        """Around something small that is asked of the database: if that stalls, it counts as an outage."""
        asked = self._clock.now()
        yield
        waited = self._clock.now() - asked
        if waited > STALLED * self._lease:
            log.warning("database_stalled", seconds=waited.total_seconds())
            self.outage()

    async def run(self, *, jobs_may_run: bool = True) -> int:
        """One sweep; how many jobs were taken back.

        Where a look has just told that none may run, nothing is read; but now and then it is all the same.
        """
        now = self._clock.now()
        if self._is_too_early(now):
            return 0
        if jobs_may_run or self._everywhere_at is None or now >= self._everywhere_at:
            self._everywhere_at = now + EVERYWHERE_EVERY
            taken_back = await self._take_back_jobs(now)
            await self._settle_left_slots()
            await self._scopes.take_back_leftovers()
            return taken_back
        if self._scopes.was_full:
            await self._scopes.take_back_leftovers()
        return 0

    def _is_too_early(self, now: datetime) -> bool:
        if self._not_before is None:
            self._not_before = now + self._lease
        return now < self._not_before

    async def _take_back_jobs(self, now: datetime) -> int:
        with self.noticing_outages():
            expired = await self._jobs.find(leases.expired(now), limit=AT_ONCE)
        count = 0
        for job in expired:
            if self._is_too_early(self._clock.now()):
                break  # the database has just stalled: that they are expired may be its fault
            with self.noticing_outages():
                taken_back = await self._take_back(job, now)
            if taken_back:
                count += 1
                await self._settling.reconcile(job["bulk_job_id"], release=job["lease"]["token"])
        return count

    async def _take_back(self, job: Document, now: datetime) -> bool:
        outcome: Outcome = Lost(final=job["lost_workers"] + 1 >= MAX_LOST_WORKERS)
        guard = leases.still_expired(job, now)
        if job["wish"] == Wish.CANCEL.value:
            outcome = Cancelled()
        else:
            guard |= {"wish": {"$ne": Wish.CANCEL.value}}
            if await self._was_never_started(job):
                outcome = Unclaimed()
        if not await self._jobs.update_one(guard, update_for(outcome, job, now)):
            return False
        if tells(outcome):
            self._wake.job(job["_id"])
        log.warning(
            "job_reclaimed",
            bulk_id=str(job["bulk_job_id"]),
            job_id=str(job["_id"]),
            worker_id=job["lease"]["worker_id"],
            outcome=type(outcome).__name__.lower(),
            final=outcome == Lost(final=True),
        )
        return True

    async def _was_never_started(self, job: Document) -> bool:
        """Whether its slot does not name it: then its claim was cut in half, and nobody has called the generator.

        Should that claim be confirmed only now, it is too old for a call without another look at its lease.
        """
        unnamed = {f"slots.{job['lease']['token']}.job_id": None, f"slots.{job['lease']['token']}": {"$exists": True}}
        bulk = await self._bulks.find_one({"_id": job["bulk_job_id"], **unnamed}, projection=["_id"])
        return bulk is not None

    async def _settle_left_slots(self) -> None:
        # In turns, where there are more than one sweep looks at: else the oldest would keep the others from being seen.
        beyond: Document = {} if self._looked_up_to is None else {"_id": {"$gt": self._looked_up_to}}
        busy = await self._bulks.find(BUSY | beyond, projection=["slots"], limit=AT_ONCE, sort=[("_id", 1)])
        self._looked_up_to = next_after(self._looked_up_to, busy, AT_ONCE)
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
