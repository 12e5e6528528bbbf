"""Runs an asynchronous main to its end on the fast event loop. What it does is the caller's affair."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

import uvloop

from jobs.logs import configure_logs


def run(main: Coroutine[object, object, None], *, level: str = "INFO") -> None:
    configure_logs(level)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)
