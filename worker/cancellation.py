"""Heeding a cancellation that was lost on its way. Nobody is cancelled here."""

from __future__ import annotations

import asyncio


def heed_cancellation() -> None:
    """Raise `CancelledError` in a task that was asked to stop, and whose last await did not.

    Before Python 3.12 `asyncio.wait_for`, which the database driver uses, swallows a cancellation that comes in the
    same moment as its result. A loop around the database has to look itself, or it may never end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
