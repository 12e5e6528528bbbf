"""Asks for a thing once, however many want it at the same time, and remembers what came of it for a while.

What is asked, and of whom, is not known here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass
class _Flight(Generic[T]):
    task: asyncio.Task[T]
    waiting: int = 0


@dataclass(frozen=True)
class _Kept(Generic[T]):
    value: T
    until: float


class SingleFlight(Generic[T]):
    """Of one event loop. `keeps_for` says for how many seconds a value is remembered; at most `most` values are, the
    oldest are forgotten first. `now` is in seconds, and need only go forward."""

    def __init__(self, keeps_for: Callable[[T], float], most: int, now: Callable[[], float] = time.monotonic) -> None:
        self._keeps_for = keeps_for
        self._most = most
        self._now = now
        self._kept: dict[str, _Kept[T]] = {}
        self._flights: dict[str, _Flight[T]] = {}

    async def get(self, key: str, ask: Callable[[], Awaitable[T]]) -> T:
        """What is remembered, else what `ask` gives, or gives another who asks just now. What it raises is raised for
        all who wait, and not remembered. It is cancelled with the last who waits for it."""
        kept = self._kept.get(key)
        if kept is not None and self._now() < kept.until:
            return kept.value
        flight = self._flights.get(key)
        if flight is None:
            flight = _Flight(asyncio.create_task(self._fly(key, ask), name="single flight"))
            self._flights[key] = flight
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting:
                # Out of the way first: who comes now must not join one that is being cancelled.
                if self._flights.get(key) is flight:
                    del self._flights[key]
                flight.task.cancel()

    async def _fly(self, key: str, ask: Callable[[], Awaitable[T]]) -> T:
        value = await ask()
        self._kept.pop(key, None)
        self._kept[key] = _Kept(value, self._now() + self._keeps_for(value))
        while len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]
        return value
