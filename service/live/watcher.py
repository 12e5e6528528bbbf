"""The one that looks for changes, of each service process, while anybody listens. What they mean it does not know."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta

import structlog

from jobs.clock import Clock
from jobs.errors import StoreUnavailable
from jobs.reading.changes import LATE, Change, Changes

log = structlog.get_logger()
SLOW_SECONDS = 2.0
MOST_SEEN = 5_000
UNSURE = timedelta(minutes=2)
"""How far is looked back where another server may answer now, with its clock behind, or the clock was put back: what
was changed before it was measured again, once a minute, bears an earlier date than was looked for."""


class Watcher:
    """`tell` is given every change that is new to it, at least once."""

    def __init__(self, changes: Changes, clock: Clock, look_every: float, tell: Callable[[Change], None]) -> None:
        self.told_until = clock.now()
        self._changes = changes
        self._clock = clock
        self._look_every = look_every
        self._tell = tell
        self._seen: dict[object, Change] = {}
        self._was_away = False
        self._forget_beyond = MOST_SEEN

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._look()
            except StoreUnavailable as error:
                if not self._was_away:
                    log.warning("live_database_away", reason=error.reason)
                self._was_away = True
            await asyncio.sleep(self._look_every)

    async def _look(self) -> None:
        if self._was_away:
            await self._clock.measure()
        began, asked_at = self._clock.now(), time.monotonic()
        is_unsure = self._was_away or began < self.told_until
        since = min(began, self.told_until) - (UNSURE if is_unsure else LATE)
        async for change in self._changes.since(since):
            seen = self._seen.get(change.document_id)
            if seen is None or seen.rev < change.rev:
                self._seen[change.document_id] = change
                self._tell(change)
        # The driver waits for a server that is soon back: a slow answer was an outage.
        self._was_away = time.monotonic() - asked_at > SLOW_SECONDS
        self.told_until = began
        if len(self._seen) > self._forget_beyond:
            self._seen = {key: change for key, change in self._seen.items() if change.at > since - LATE}
            self._forget_beyond = max(MOST_SEEN, 2 * len(self._seen))
