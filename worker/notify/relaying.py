"""Has the outbox told as soon as this process has made an event, and wakes the courier. Upkeep finds what it loses."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from jobs.errors import PressrunError
from jobs.notification.outbox import Outbox
from worker.cancellation import heed_cancellation

log = structlog.get_logger()


class Relay:
    def __init__(self, outbox: Outbox, wake_courier: Callable[[], None]) -> None:
        self._outbox = outbox
        self._wake_courier = wake_courier

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await self._outbox.wake.wait()
            await self.once()
            heed_cancellation()

    async def once(self) -> None:
        """Tell what this process has made until now."""
        try:
            if await self._outbox.relay_fresh():
                self._wake_courier()
        except PressrunError as error:
            log.warning("relay_failed", reason=str(error))
