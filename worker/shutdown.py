"""How a process is told to stop: first gently, then at once. It stops nothing itself."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any


class Shutdown:
    """`asked` is set by the first request, `urgent` by the second or by one that is urgent (I8)."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.urgent = asyncio.Event()

    def ask(self) -> None:
        if self.asked.is_set():
            self.urgent.set()
        self.asked.set()

    def ask_urgently(self) -> None:
        self.asked.set()
        self.urgent.set()

    async def asked_within(self, time: timedelta) -> bool:
        """Wait until it is asked for, or for `time`."""
        try:
            async with asyncio.timeout(time.total_seconds()):
                return await self.asked.wait()
        except TimeoutError:
            return False

    async def unless_asked(self, work: Coroutine[Any, Any, bool]) -> bool:
        """What `work` comes to; it is stopped, and False, once shutdown is asked for."""
        doing = asyncio.create_task(work)
        asked = asyncio.create_task(self.asked.wait())
        try:
            await asyncio.wait({doing, asked}, return_when=asyncio.FIRST_COMPLETED)
            return doing.done() and doing.result()
        finally:
            doing.cancel()
            asked.cancel()

    def on_signals(self, *, first_is_urgent: bool = False) -> None:
        """SIGTERM asks, a second one and SIGINT ask urgently."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.ask_urgently if first_is_urgent else self.ask)
        loop.add_signal_handler(signal.SIGINT, self.ask_urgently)
