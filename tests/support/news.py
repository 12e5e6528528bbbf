"""How a fake tells that something happened, so that a test waits for evidence and not for time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

PATIENCE_SECONDS = 15.0


class News:
    """Told whenever something happened; whoever waits looks again."""

    def __init__(self) -> None:
        self._told = asyncio.Event()

    def tell(self) -> None:
        self._told.set()

    async def until(self, evidence: Callable[[], object], what: str) -> None:
        """Wait until there is evidence; `what` names it should it never come."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not evidence():
                    self._told.clear()
                    await self._told.wait()
        except TimeoutError:
            raise AssertionError(f"waited {PATIENCE_SECONDS:g} s in vain for {what}") from None
