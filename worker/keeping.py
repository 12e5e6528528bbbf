"""One running's writes while it goes on: each waits for the database, should that be away. What they are is
`jobs.checkpoints`' affair."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from jobs.checkpoints import Checkpoints, Reached
from jobs.claims import Claim
from jobs.clock import Clock
from jobs.errors import StoreUnavailable
from jobs.expenses import Expense
from worker.cancellation import heed_cancellation

FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 2.0
T = TypeVar("T")


async def until_it_is_there(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask again until the database answers: an outage is no reason to stop what runs (I9)."""
    wait = FIRST_WAIT_SECONDS
    while True:
        try:
            return await ask()
        except StoreUnavailable:
            heed_cancellation()
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)


class Keeping:
    """`expense` is what its definite answers have come to. Every method raises `LeaseLost`."""

    def __init__(self, claim: Claim, checkpoints: Checkpoints, clock: Clock) -> None:
        self._claim = claim
        self._checkpoints = checkpoints
        self._clock = clock
        self._looked_at: datetime = claim.job["lease"]["taken_at"]
        self._one_at_a_time = asyncio.Lock()  # or an older sum of the expense could be written over a newer one
        self.expense = Expense()

    def now(self) -> datetime:
        return self._clock.now()

    async def look(self) -> None:
        """Before money is spent."""
        self._looked_at = await until_it_is_there(lambda: self._checkpoints.look(self._claim, self._looked_at))

    async def keep(self, reached: Reached) -> None:
        await self._write(lambda: self._checkpoints.keep(self._claim, reached, self.expense))

    async def keep_paid(self, stage: str, part: str, reply: Mapping[str, Any]) -> None:
        await self._write(lambda: self._checkpoints.keep_paid(self._claim, stage, part, reply, self.expense))

    async def send_back(self, to: str, forgotten: Sequence[str], why: Mapping[str, Any], percentage: int) -> None:
        await self._write(
            lambda: self._checkpoints.send_back(self._claim, to, forgotten, why, percentage, self.expense)
        )

    async def _write(self, write: Callable[[], Awaitable[datetime]]) -> None:
        async with self._one_at_a_time:
            self._looked_at = await until_it_is_there(write)
