"""A worker inside this process, for what can only be measured from within: the driver's commands, single calls."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from benchmarks.bench import Bench
from jobs.configuration.settings import load_settings
from jobs.logs import configure_logs
from jobs.system import System
from pressrun.compose import on_mongodb
from worker.__main__ import run_worker
from worker.shutdown import Shutdown


@dataclass(frozen=True)
class Inside:
    """The parts over one database, and `working`: a worker that runs until it is left."""

    system: System
    working: Callable[[], AbstractAsyncContextManager[None]]


@contextlib.asynccontextmanager
async def inside(
    bench: Bench,
    database: str,
    generator_url: str,
    *,
    slots: int = 1,
    lease_seconds: float = 30,
    settings: Mapping[str, Any] | None = None,
) -> AsyncIterator[Inside]:
    """Indexes and limits are made before this yields. `settings` are further sections of them."""
    configure_logs("ERROR")
    loaded = load_settings(
        {
            "mongodb": {"uri": SecretStr(bench.uri), "database": database},
            "generator": {"url": generator_url, "requests_per_minute": "off"},
            "ideas": {"requests_per_minute": "off"},
            "images": {"requests_per_minute": "off"},
            "worker": {"slots": slots, "lease_seconds": lease_seconds},
            "limits": {"max_running": "off"},
            "tenant": {"max_running": "off"},
            "auth": {"mode": "off"},
            **(settings or {}),
        },
        environment={},
    )
    async with on_mongodb(loaded, "benchmark") as system:

        @contextlib.asynccontextmanager
        async def working() -> AsyncIterator[None]:
            shutdown = Shutdown()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(run_worker(loaded, system, shutdown))
                try:
                    yield
                finally:
                    shutdown.ask_urgently()

        yield Inside(system, working)
