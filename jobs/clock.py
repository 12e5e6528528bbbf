"""The database's time, told by a local monotonic clock: leases and due times may be judged by nothing else (I7)."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

NEVER = datetime(9999, 12, 31, tzinfo=UTC)
"""Later than any due time; a date, not null, so that `$min` and `$lte` treat it as one."""


class Clock(Protocol):
    def now(self) -> datetime:
        """The database's time, UTC, in whole milliseconds as MongoDB stores them."""

    async def measure(self) -> None:
        """Ask the database for its time again."""


def whole_milliseconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


class DatabaseClock:
    """Counts on from the last measured database time, so a wrong or jumping wall clock here changes nothing.

    Of several measurements the one with the shortest round trip is kept: it bounds the error to half of that.
    """

    def __init__(
        self, read: Callable[[], Awaitable[datetime]], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._monotonic = monotonic
        self._base: tuple[datetime, float] | None = None

    def now(self) -> datetime:
        if self._base is None:
            raise RuntimeError("the clock was read before it was measured")
        told, at = self._base
        return whole_milliseconds(told + timedelta(seconds=self._monotonic() - at))

    async def measure(self, samples: int = 3) -> None:
        best: tuple[float, datetime, float] | None = None
        for _ in range(samples):
            before = self._monotonic()
            told = await self._read()
            after = self._monotonic()
            if best is None or after - before < best[0]:
                best = (after - before, told, (before + after) / 2)
        if best is not None:
            self._base = (best[1], best[2])
