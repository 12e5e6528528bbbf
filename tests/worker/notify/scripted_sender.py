"""A sender that does as it is told for each recipient, and a courier around it. No tests here."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from jobs.notification.addressed import Channel
from jobs.notification.deliveries import Delivery
from jobs.system import System
from tests.support.news import News
from tests.worker.working import PATIENCE_SECONDS
from worker.notify.courier import Courier
from worker.notify.sending import Sent
from worker.shutdown import Shutdown

OK = Sent(200, "thanks")


class ScriptedSender:
    """Implements `Sender`. What is scripted for a recipient is done in order, then all is taken."""

    def __init__(self) -> None:
        self.sent: list[Delivery] = []
        self.open: Counter[str] = Counter()
        self.most_open: Counter[str] = Counter()
        self._plans: dict[str, deque[Sent | Exception | asyncio.Event]] = defaultdict(deque)
        self._news = News()

    def script(self, recipient: str, *ends: Sent | Exception | asyncio.Event) -> None:
        """An event is waited for, then it is taken."""
        self._plans[recipient].extend(ends)

    async def was_asked(self, count: int) -> None:
        await self._news.until(lambda: len(self.sent) >= count, f"{count} sends")

    async def send(self, delivery: Delivery) -> Sent:
        one = delivery.recipient
        self.sent.append(delivery)
        self.open[one] += 1
        self.most_open[one] = max(self.most_open[one], self.open[one])
        self._news.tell()
        try:
            return await self._end(one)
        finally:
            self.open[one] -= 1

    async def _end(self, recipient: str) -> Sent:
        plans = self._plans[recipient]
        end = plans.popleft() if plans else OK
        if isinstance(end, asyncio.Event):
            await end.wait()
            return OK
        if isinstance(end, Exception):
            raise end
        return end


def a_courier(system: System, sender: ScriptedSender, shutdown: Shutdown | None = None, **given: Any) -> Courier:
    """It looks only when it is woken."""
    told = {"worker_id": "worker-1", "roll": lambda: 0.0, "look_every": timedelta(hours=1), **given}
    return Courier(system.deliveries, {Channel.WEBHOOK: sender}, system.clock, shutdown or Shutdown(), **told)


@asynccontextmanager
async def couriering(courier: Courier) -> AsyncIterator[Courier]:
    """At work, and cancelled at the end, unless it has ended by itself."""
    running = asyncio.create_task(courier.run(), name="courier")
    try:
        yield courier
    finally:
        running.cancel()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.gather(running, return_exceptions=True)
