"""From the answer to a POST to the generator's first byte, with an idle worker: on MongoDB, and embedded."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import datetime

import httpx2

from benchmarks.bench import Bench
from benchmarks.deployment import UNCAPPED, deployed, http_client
from benchmarks.figures import Figures, latencies
from benchmarks.instant_generator import InstantGenerator
from tests.support.deployment import embedded

TIMES = 100
POLL_SECONDS = 1.0
ARTICLE = {"mode": "topic", "pipeline": "plain", "topic": "How to choose waterproof hiking boots"}
PATIENCE_SECONDS = 10


async def run(bench: Bench) -> Figures:
    for figure in latencies("pickup on MongoDB, polling each second", await _on_mongodb(bench)):
        yield figure
    seconds = await _embedded(bench)
    for figure in latencies("pickup embedded (pressrun dev), until the claim", seconds):
        yield figure


async def _on_mongodb(bench: Bench) -> list[float]:
    seconds = []
    polling = {"PRESSRUN_WORKER__POLL_SECONDS": str(POLL_SECONDS)}
    async with (
        bench.database() as database,
        InstantGenerator() as generator,
        deployed(bench, database, generator.url, settings=polling) as deployment,
        http_client(deployment.url) as http,
    ):
        for number in range(bench.scaled(TIMES)):
            answered, job_id = await _submitted(http)
            async with asyncio.timeout(PATIENCE_SECONDS):
                await generator.until(calls=number + 1)
            seconds.append(max(0.0, generator.first_calls[job_id] - answered))
            await _any_moment()
    return seconds


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
