"""Waiting for evidence: a condition is looked at until it is true, with a limit that only a fault reaches."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

PATIENCE = 30.0
T = TypeVar("T")


async def eventually(
    look: Callable[[], Awaitable[T]], holds: Callable[[T], object] = bool, *, patience: float = PATIENCE
) -> T:
    """What `look` gives once it `holds`."""
    deadline = asyncio.get_running_loop().time() + patience
    while True:
        seen = await look()
        if holds(seen):
            return seen
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"this never came true; last seen: {seen!r}")
        await asyncio.sleep(0.02)
