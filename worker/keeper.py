"""Keeps the leases of a worker's running jobs, and hears what people wish of them. It ends no job itself.

One read a second covers all of them; a renewal goes out every third of a lease. While the database is away nothing is
interrupted: a lease that nobody has taken can still be renewed afterwards (I9).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from jobs.claims import Claim
from jobs.documents import Token, Wish
from jobs.errors import StoreUnavailable
from jobs.queue import Control, Queue
from worker.cancellation import heed_cancellation
from worker.outcomes import Interruption

log = structlog.get_logger()
MAX_RUNNING_TIME = timedelta(minutes=30)


@dataclass(eq=False)
class Running:
    """A job being run here: its claim, the task to stop, and why it was stopped."""

    claim: Claim
    started: float
    work: asyncio.Task[object] | None = None
    interruption: Interruption | None = field(default=None)

    def interrupt(self, why: Interruption) -> None:
        """Stop the work, once; the first reason stands, but for a lost lease, which no other may hide."""
        if self.interruption is None or why is Interruption.LEASE_LOST:
            self.interruption = why
        if self.work is not None:
            self.work.cancel()


class Keeper:
    def __init__(self, queue: Queue, *, lease: timedelta, look_every: timedelta) -> None:
        self._queue = queue
        self._renew_every = lease.total_seconds() / 3
        self._look_every = min(look_every.total_seconds(), self._renew_every, 1.0)
        self._running: dict[Token, Running] = {}
        self._changed = asyncio.Event()

    @property
    def running(self) -> list[Running]:
        return list(self._running.values())

    @contextmanager
    def watching(self, running: Running) -> Iterator[None]:
        token = running.claim.token
        self._running[token] = running
        self._changed.set()
        try:
            yield
        finally:
            del self._running[token]

    def interrupt_all(self, why: Interruption) -> None:
        for running in self.running:
            running.interrupt(why)

    async def run(self) -> None:
        """Until cancelled."""
        now = asyncio.get_running_loop().time
        renewed = now()
        while True:
            heed_cancellation()
            if not self._running:
                self._changed.clear()
                await self._changed.wait()
                renewed = now()  # what was just claimed has a whole lease
            await asyncio.sleep(self._look_every)
            try:
                if now() - renewed >= self._renew_every and self._running:
                    await self._queue.renew([running.claim for running in self.running])
                    renewed = now()
                await self._look(now())
            except StoreUnavailable as error:
                log.warning("keeper_database_away", reason=error.reason)

    async def _look(self, now: float) -> None:
        running = self.running
        if not running:
            return
        controls = await self._queue.controls([one.claim for one in running])
        for one in running:
            interruption = _interruption(controls[one.claim.token])
            if interruption is None and now - one.started > MAX_RUNNING_TIME.total_seconds():
                interruption = Interruption.TOO_LONG
            if interruption is not None:
                one.interrupt(interruption)


def _interruption(control: Control) -> Interruption | None:
    if not control.owned:
        return Interruption.LEASE_LOST
    match control.wish:
        case Wish.CANCEL:
            return Interruption.CANCEL
        case Wish.ABORT:
            return Interruption.ABORT
        case None:
            return None
