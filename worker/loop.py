"""The worker's loop: claim while there are free slots, run, wait, and stop when told. How a job is run is elsewhere."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from jobs.errors import PressrunError, StoreUnavailable
from jobs.outcomes import Unclaimed
from jobs.queue import Claim, Queue
from worker.cancellation import heed_cancellation
from worker.keeper import Keeper
from worker.outcomes import Interruption
from worker.runner import Runner
from worker.shutdown import Shutdown

log = structlog.get_logger()
HAND_BACK_TIME = timedelta(seconds=4)
OUTAGE_POLL = timedelta(seconds=1)


class Loop:
    def __init__(
        self,
        queue: Queue,
        runner: Runner,
        keeper: Keeper,
        shutdown: Shutdown,
        *,
        worker_id: str,
        slots: int,
        poll: timedelta,
        grace: timedelta,
    ) -> None:
        self._queue = queue
        self._runner = runner
        self._keeper = keeper
        self._shutdown = shutdown
        self._worker_id = worker_id
        self._slots = slots
        self._poll = poll
        self._grace = grace
        self._expects_work = False  # while one job follows another, the idle poll's look is left out
        self._jobs: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Until shutdown is asked for and what runs has ended or was handed back."""
        try:
            while not self._shutdown.asked.is_set():
                heed_cancellation()
                await self._turn()
            await self._drain()
        finally:
            for task in set(self._jobs):
                task.cancel()  # left to the sweep

    async def _turn(self) -> None:
        """Start one job, or wait for something to change."""
        self._wake.clear()
        if len(self._jobs) >= self._slots:
            await self._wait(None)
            return
        claim = await self._claim()
        if claim is None:
            await self._wait(self._poll)
        elif self._shutdown.asked.is_set():
            await self._put_back(claim)
        else:
            self._start(claim)

    async def _claim(self) -> Claim | None:
        claim = None
        try:
            if self._expects_work or await self._queue.has_work():
                claim = await self._queue.claim(self._worker_id)
        except StoreUnavailable as error:
            log.warning("poll_database_away", reason=error.reason)
            await self._wait(OUTAGE_POLL)
        except PressrunError as error:
            log.warning("claim_failed", reason=str(error))
        self._expects_work = claim is not None
        return claim

    async def _put_back(self, claim: Claim) -> None:
        try:
            await self._queue.finish(claim, Unclaimed())
        except PressrunError as error:
            # Its lease is left to expire: what runs must be drained first.
            log.warning("put_back_failed", job_id=str(claim.job_id), reason=str(error))

    def _start(self, claim: Claim) -> None:
        task = asyncio.create_task(self._runner.run(claim), name=f"job {claim.job_id}")
        self._jobs.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._jobs.discard(task)
        self._expects_work = True
        if not task.cancelled() and task.exception() is not None:
            # The lease is left to expire: the sweep puts the job back, or fails it the third time.
            log.error("job_crashed", exc_info=task.exception())
        self._wake.set()

    async def _wait(self, time: timedelta | None) -> None:
        """Until woken, told to stop, or for `time`."""
        waits = [asyncio.create_task(self._wake.wait()), asyncio.create_task(self._shutdown.asked.wait())]
        try:
            await asyncio.wait(
                waits, timeout=time.total_seconds() if time else None, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for wait in waits:
                wait.cancel()

    async def _drain(self) -> None:
        """First what runs may end; then it is put back."""
        if not self._jobs:
            return
        log.info("draining", jobs=len(self._jobs))
        urgent = asyncio.create_task(self._shutdown.urgent.wait())
        deadline = asyncio.get_running_loop().time() + self._grace.total_seconds()
        while self._jobs and not urgent.done():
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                break
            await asyncio.wait({urgent, *self._jobs}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        urgent.cancel()
        if self._jobs:
            self._keeper.interrupt_all(Interruption.SHUTDOWN)
            await asyncio.wait(set(self._jobs), timeout=HAND_BACK_TIME.total_seconds())
