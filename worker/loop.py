"""The worker's slots: each claims and runs job after job while there are any; an idle worker polls. All stop when told.

How a job is run is decided elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta

import structlog

from jobs.claims import Claim
from jobs.errors import PressrunError, StoreUnavailable
from jobs.outcomes import Unclaimed
from jobs.queue import A_MOMENT, Queue
from jobs.tracing import Tracer, Untraced
from worker.breaker import Breaker
from worker.cancellation import heed_cancellation
from worker.keeper import Keeper
from worker.metrics import ClaimEnd, Metrics
from worker.outcomes import Interruption
from worker.runner import Runner
from worker.shutdown import Shutdown

log = structlog.get_logger()
HAND_BACK_TIME = timedelta(seconds=4)


class Loop:
    def __init__(
        self,
        queue: Queue,
        runner: Runner,
        keeper: Keeper,
        breaker: Breaker,
        shutdown: Shutdown,
        *,
        worker_id: str,
        slots: int,
        poll: timedelta,
        grace: timedelta,
        metrics: Metrics | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self._queue = queue
        self._runner = runner
        self._keeper = keeper
        self._breaker = breaker
        self._shutdown = shutdown
        self._worker_id = worker_id
        self._slots = slots
        self._poll = poll
        self._grace = grace
        self._metrics = metrics or Metrics()
        self._tracer = tracer or Untraced()
        self._busy: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Until shutdown is asked for and what runs has ended or was handed back."""
        try:
            while not self._shutdown.asked.is_set():
                heed_cancellation()
                if self._has_a_free_slot() and await self._has_work():
                    self._fill_a_slot()
                if self._breaker.has_to_probe and await self._shutdown.unless_asked(self._breaker.probe()):
                    self._fill_a_slot()
                await self._shutdown.asked_within(self._poll)
            await self._drain()
        finally:
            if self._timer is not None:
                self._timer.cancel()
            for slot in set(self._busy):
                slot.cancel()  # left to the sweep

    async def _has_work(self) -> bool:
        try:
            return await self._queue.has_work()
        except StoreUnavailable as error:
            log.warning("poll_database_away", reason=error.reason)
            return False

    def _has_a_free_slot(self) -> bool:
        return len(self._busy) < self._slots and not self._shutdown.asked.is_set()

    def _fill_a_slot(self) -> None:
        if not self._has_a_free_slot():
            return
        slot = asyncio.create_task(self._slot(), name="slot")
        self._busy.add(slot)
        slot.add_done_callback(self._emptied)

    def _fill_a_slot_in(self, wait: timedelta) -> None:
        """Sooner than the next poll, where it is known when there may be something; the soonest of all stands."""
        if not timedelta(0) < wait < self._poll:
            return
        clock = asyncio.get_running_loop()
        at = clock.time() + wait.total_seconds()
        if self._timer is not None and not self._timer.cancelled() and clock.time() < self._timer.when() <= at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = clock.call_at(at, self._fill_a_slot)

    def _emptied(self, slot: asyncio.Task[None]) -> None:
        self._busy.discard(slot)
        if not slot.cancelled() and slot.exception() is not None:
            # The lease is left to expire: the sweep puts the job back, or fails it the third time.
            log.error("job_crashed", exc_info=slot.exception())

    async def _slot(self) -> None:
        """Job after job until there is none. Where one was found there may be more: the next free slot looks too."""
        while (claim := await self._claimed(self._queue.claim(self._worker_id), ClaimEnd.NOTHING)) is not None:
            heed_cancellation()
            if claim.stagger:
                self._fill_a_slot_in(claim.stagger + A_MOMENT)
            else:
                self._fill_a_slot()
            await self._take_a_turn(claim)
            if self._shutdown.asked.is_set():
                return
        self._fill_a_slot_in(self._queue.opens_in)

    async def _take_a_turn(self, first: Claim) -> None:
        """Run the job, and what follows it in its bulk for as long as nobody else would have been served meanwhile."""
        turn_ends = asyncio.get_running_loop().time() + self._poll.total_seconds()
        claim: Claim | None = first
        while claim is not None:
            if self._shutdown.asked.is_set():
                await self._put_back(claim)
                return
            reserved = await self._runner.run(claim, turn_ends)
            claim = await self._claimed(self._queue.claim_reserved(reserved), ClaimEnd.LOST) if reserved else None

    async def _claimed(self, claiming: Awaitable[Claim | None], without: ClaimEnd) -> Claim | None:
        """`without`: what it means that there is none."""
        clock = asyncio.get_running_loop().time
        began = clock()
        claim, end = None, ClaimEnd.LOST
        try:
            claim = await claiming
            end = without if claim is None else ClaimEnd.TAKEN
        except StoreUnavailable as error:
            log.warning("poll_database_away", reason=error.reason)
        except PressrunError as error:
            log.warning("claim_failed", reason=str(error))
        seconds = clock() - began
        self._metrics.claimed(end, seconds)
        if claim is not None:
            # Whose trace it belongs to is known only now.
            facts = {"bulk_id": str(claim.bulk_id), "job_id": str(claim.job_id)}
            self._tracer.was("pressrun.claim", seconds, follows=claim.job.get("trace"), facts=facts)
        return claim

    async def _put_back(self, claim: Claim) -> None:
        try:
            await self._queue.finish(claim, Unclaimed())
        except PressrunError as error:
            # Its lease is left to expire: what runs must be drained first.
            log.warning("put_back_failed", job_id=str(claim.job_id), reason=str(error))

    async def _drain(self) -> None:
        """First what runs may end; then it is put back."""
        if not self._busy:
            return
        log.info("draining", jobs=len(self._busy))
        urgent = asyncio.create_task(self._shutdown.urgent.wait())
        deadline = asyncio.get_running_loop().time() + self._grace.total_seconds()
        while self._busy and not urgent.done():
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                break
            await asyncio.wait({urgent, *self._busy}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        urgent.cancel()
        if self._busy:
            self._keeper.interrupt_all(Interruption.SHUTDOWN)
            await asyncio.wait(set(self._busy), timeout=HAND_BACK_TIME.total_seconds())
