"""An event loop without the world: no sockets, no threads, and time that passes only when nothing else can happen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

AtRest = Callable[[float | None], bool]
"""Asked when no task can run: given the seconds until the next timer, whether it made something else happen."""


class Stuck(AssertionError):
    """It does not come to its end: every task waits for what nobody will do, or the time that it has is over."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Asks `at_rest` whenever no task can run; lets time jump to the next timer where that did nothing.

    So everything that runs on it, `asyncio.sleep` included, is as fast as its code and the same each time.
    """

    def __init__(self, at_rest: AtRest = lambda _: False) -> None:
        super().__init__()
        self.at_rest = at_rest
        self.last_moment = float("inf")
        self._now = 0.0
        self._selector = self  # BaseEventLoop asks it for what has happened outside
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self._now

    def select(self, timeout: float | None) -> list[Any]:
        """BaseEventLoop calls this on each turn; a timeout of 0 means that some task can run."""
        if timeout == 0 or self.at_rest(timeout):
            return []
        if timeout is None or self._now > self.last_moment:
            raise Stuck(f"after {self._now:.3f} s")
        self._now += timeout
        return []

    def _process_events(self, events: list[Any]) -> None:
        """There is no outside."""

    def _write_to_self(self) -> None:
        """There are no other threads."""
