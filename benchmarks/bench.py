"""What every benchmark is given: a server, a scratch folder, and databases of its own. Nothing is measured here."""

from __future__ import annotations

import contextlib
import os
import platform
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient

from benchmarks.figures import percentile

Client = AsyncMongoClient[dict[str, Any]]
PINGS = 100


@dataclass(frozen=True)
class Bench:
    """`quick` makes everything a tenth of its size: it shows that a benchmark works, and measures nothing.

    `seconds`, where given, is how long those benchmarks go on that go on for a time.
    `folder` is scratch; what is to be kept beside the figures is written to `output`, where there is one.
    """

    uri: str
    folder: Path
    output: Path | None = None
    quick: bool = False
    seconds: float | None = None

    def lasting(self, seconds: float, quick: float) -> float:
        """How long to go on: what was asked for, else `seconds`, or only `quick` ones."""
        return self.seconds or (quick if self.quick else seconds)

    def scaled(self, count: int) -> int:
        return max(1, count // 10) if self.quick else count

    @contextlib.asynccontextmanager
    async def database(self) -> AsyncIterator[str]:
        """The name of a database that nobody else uses, dropped afterwards."""
        name = f"pressrun_bench_{secrets.token_hex(6)}"
        try:
            yield name
        finally:
            async with self.client() as client:
                await client.drop_database(name)

    def client(self) -> Client:
        return AsyncMongoClient(self.uri, tz_aware=True)

    async def machine(self) -> dict[str, Any]:
        """What the figures depend on: cores, what else they do, and how fast the server answers the least it can."""
        async with self.client() as client:
            told = await client.server_info()
            seconds = []
            for _ in range(PINGS):
                began = time.perf_counter()
                await client.admin.command("ping")
                seconds.append(time.perf_counter() - began)
        return {
            "cores": os.cpu_count(),
            "load": round(os.getloadavg()[0], 2),
            "python": platform.python_version(),
            "server": told["version"],
            "ping_ms_p50": round(percentile(seconds, 50) * 1000, 2),
            "ping_ms_p99": round(percentile(seconds, 99) * 1000, 2),
        }
