"""Waiting for the database in the middle of a running: as long as it takes, and not longer than the work is wanted."""

from __future__ import annotations

import asyncio

import pytest

from jobs.errors import StoreUnavailable
from worker.keeping import until_it_is_there


async def test_it_is_asked_until_it_answers() -> None:
    asked: list[int] = []

    async def ask() -> str:
        asked.append(1)
        if len(asked) < 3:
            raise StoreUnavailable("away")
        return "there"

    assert await until_it_is_there(ask) == "there"
    assert len(asked) == 3


async def test_a_cancellation_that_the_driver_has_swallowed_is_heeded() -> None:
    """As before Python 3.12: the wait that is cut off tells of the time limit, and not of the cancellation."""
    asked: list[int] = []

    async def ask() -> None:
        asked.append(1)
        task = asyncio.current_task()
        assert task is not None
        if len(asked) > 1:
            return
        task.cancel()
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            raise StoreUnavailable("away") from None

    waiting = asyncio.create_task(until_it_is_there(ask))
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert len(asked) == 1
