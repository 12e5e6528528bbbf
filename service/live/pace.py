"""How often is looked, and how much at once: what keeps a thousand listeners from wearing down database and process.

Nothing is looked at here.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

REST_PER_WORK = 3
"""A feed rests three times as long as its last look took: one that is dear is looked at less often."""


@dataclass(frozen=True)
class Rhythm:
    """In seconds: between two looks for changes, between two tellings of a feed, until what time alone changes is
    looked at again, until a database that was away is asked again. `refreshes` are of all feeds, a second; `at_once`
    is how many feeds are worked at."""

    look: float = 0.25
    tell: float = 0.3
    refresh: float = 5.0
    away: float = 1.0
    refreshes: float = 10.0
    at_once: int = 6


class Pace:
    def __init__(self, rhythm: Rhythm) -> None:
        self.rhythm = rhythm
        self.turn = asyncio.Semaphore(rhythm.at_once)
        self._allowance = rhythm.refreshes
        self._counted_at = time.monotonic()

    def may_refresh(self) -> bool:
        """Whether this second's allowance still has one; if so it is taken."""
        now = time.monotonic()
        earned = (now - self._counted_at) * self.rhythm.refreshes
        self._allowance = min(self._allowance + earned, self.rhythm.refreshes)
        self._counted_at = now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True

    def rest(self, worked_seconds: float) -> float:
        """How many seconds a feed tells nothing after that."""
        return max(self.rhythm.tell, REST_PER_WORK * worked_seconds)
