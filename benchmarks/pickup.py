"""From the answer to a POST to the generator's first byte, with an idle worker: on MongoDB, and embedded.

On MongoDB also with everything switched on, in turns with the plain one.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime

import httpx2

from benchmarks.bench import Bench
from benchmarks.deployment import UNCAPPED, deployed, http_client
from benchmarks.everything import Everything, everything
from benchmarks.figures import Figure, Figures, latencies
from benchmarks.instant_generator import InstantGenerator
from tests.support.deployment import embedded

TIMES = 60
POLL_SECONDS = 1.0
ARTICLE = {"mode": "topic", "pipeline": "plain", "topic": "How to choose waterproof hiking boots"}
PATIENCE_SECONDS = 10


async def run(bench: Bench) -> Figures:
    async with contextlib.AsyncExitStack() as stack:
        plain = await stack.enter_async_context(_place(bench, None))
        on = await stack.enter_async_context(everything(bench, "http://127.0.0.1:9"))
        full = await stack.enter_async_context(_place(bench, on))
        for _ in range(bench.scaled(TIMES)):
            for place in (plain, full):
                await place.measure()
        for figure in latencies("pickup on MongoDB, polling each second", plain.seconds):
            yield figure
        for figure in latencies("    the same with everything switched on", full.seconds):
            yield figure
        yield Figure("        spans taken meanwhile, in batches", on.collector.batches, "")
        yield Figure("        ends told by webhook meanwhile", len(on.receiver.came), "")
    seconds = await _embedded(bench)
    for figure in latencies("pickup embedded (pressrun dev), until the claim", seconds):
        yield figure


@dataclass
class Place:
    """A service and an idle worker."""

    http: httpx2.AsyncClient
    generator: InstantGenerator
    seconds: list[float] = field(default_factory=list)

    async def measure(self) -> None:
        answered, job_id = await _submitted(self.http)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.generator.until(calls=len(self.seconds) + 1)
        self.seconds.append(max(0.0, self.generator.first_calls[job_id] - answered))
        await _any_moment()


@contextlib.asynccontextmanager
async def _place(bench: Bench, on: Everything | None) -> AsyncIterator[Place]:
    settings = {"PRESSRUN_WORKER__POLL_SECONDS": str(POLL_SECONDS), **(on.settings if on else {})}
    async with (
        bench.database() as database,
        InstantGenerator() as generator,
        deployed(bench, database, generator.url, settings=settings) as deployment,
        http_client(deployment.url) as http,
        contextlib.AsyncExitStack() as stack,
    ):
        if on is not None:
            http.headers.update(on.headers)
            await on.register(http)
            await stack.enter_async_context(on.scraped([deployment.service, *deployment.workers]))
        yield Place(http, generator)


async def _embedded(bench: Bench) -> list[float]:
    """By the stored start of the attempt: the demo generator of that process is not ours to listen to."""
    seconds = []
    settings = {**UNCAPPED, "PRESSRUN_DEMO__LATENCY_SECONDS": "0"}
    async with embedded(settings, bench.folder) as deployment, http_client(deployment.url) as http:
        for _ in range(bench.scaled(TIMES)):
            _, job_id = await _submitted(http)
            answered = time.time()
            started = await _started(http, job_id)
            seconds.append(max(0.0, started.timestamp() - answered))
            await _any_moment()
    return seconds


async def _submitted(http: httpx2.AsyncClient) -> tuple[float, str]:
    response = await http.post("/api/jobs", json=ARTICLE)
    answered = time.perf_counter()
    response.raise_for_status()
    return answered, str(response.json()["job_id"])


async def _started(http: httpx2.AsyncClient, job_id: str) -> datetime:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            job = (await http.get(f"/api/jobs/{job_id}")).json()["job"]
            if job["attempts"]:
                return datetime.fromisoformat(job["attempts"][0]["started_at"])
            await asyncio.sleep(0.05)


async def _any_moment() -> None:
    """The worker must be idle again, and at any point of its wait between two polls."""
    await asyncio.sleep(0.1 + random.random() * POLL_SECONDS)
