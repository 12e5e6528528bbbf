"""How long a job is left alone when its worker is killed in the middle of the call: until its next call elsewhere."""

from __future__ import annotations

import asyncio
import signal
import statistics
import time
from dataclasses import dataclass
from typing import Any

import httpx2
from pymongo.asynchronous.database import AsyncDatabase

from benchmarks.bench import Bench
from benchmarks.deployment import a_bulk, deployed, http_client
from benchmarks.figures import Figure, Figures, at_most
from benchmarks.instant_generator import InstantGenerator
from tests.support.deployment import Deployment

ROOT = "/api/bulk-generate"
ITEMS = 10


@dataclass(frozen=True)
class Pace:
    lease_seconds: float
    sweep_seconds: float
    times: int

    @property
    def goal(self) -> float:
        """Spec §4, I6, and a second for the claim and the call."""
        return self.lease_seconds + self.sweep_seconds + 1

    @property
    def settings(self) -> dict[str, str]:
        return {
            "PRESSRUN_WORKER__LEASE_SECONDS": str(self.lease_seconds),
            "PRESSRUN_WORKER__SWEEP_SECONDS": str(self.sweep_seconds),
        }


PACES = (Pace(3, 0.5, 10), Pace(30, 5, 4))


async def run(bench: Bench) -> Figures:
    for pace in PACES:
        seconds = await _recoveries(bench, pace)
        what = f"killed worker to the next call, lease {pace.lease_seconds:g} s, sweep {pace.sweep_seconds:g} s"
        yield Figure(f"{what}, median", statistics.median(seconds), "s", note=f"{len(seconds)} times")
        yield at_most(f"{what}, longest", max(seconds), "s", pace.goal)


async def _recoveries(bench: Bench, pace: Pace) -> list[float]:
    seconds = []
    async with (
        bench.database() as database,
        bench.client() as client,
        InstantGenerator(holds=True) as generator,
        deployed(bench, database, generator.url, workers=2, settings=pace.settings) as deployment,
        http_client(deployment.url) as http,
    ):
        for _ in range(bench.scaled(pace.times)):
            # a sweep judges nobody before it has run for one lease
            await asyncio.sleep(pace.lease_seconds + pace.sweep_seconds)
            seconds.append(await _recovery(http, deployment, client[database], generator))
            await deployment.add_worker()
    return seconds


async def _recovery(
    http: httpx2.AsyncClient,
    deployment: Deployment,
    database: AsyncDatabase[dict[str, Any]],
    generator: InstantGenerator,
) -> float:
    """One bulk, one worker killed in its first call. The bulk is cancelled afterwards."""
    calls = generator.calls
    bulk_id = (await http.post(ROOT, json=a_bulk(ITEMS))).json()["bulk_job_id"]
    await generator.until(calls + 1)
    job = await database.generation_jobs.find_one({"status": "processing"})
    assert job is not None
    owner = next(worker for worker in deployment.workers if f"-{worker.pid}-" in job["lease"]["worker_id"])
    killed = time.perf_counter()
    owner.send(signal.SIGKILL)
    await generator.until(calls + 2)
    deployment.workers.remove(owner)
    await owner.ended()
    recovered = generator.last_calls[str(job["_id"])] - killed
    (await http.post(f"{ROOT}/{bulk_id}/cancel")).raise_for_status()
    return recovered
