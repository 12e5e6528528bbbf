"""A clock that only a test moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from jobs.clock import whole_milliseconds


class MovableClock:
    def __init__(self) -> None:
        self._now = whole_milliseconds(datetime.now(UTC))

    def now(self) -> datetime:
        return self._now

    async def measure(self) -> None:
        """Nothing can be wrong with this clock."""

    def move(self, by: timedelta) -> None:
        self._now += by
