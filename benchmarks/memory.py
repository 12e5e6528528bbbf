"""How much memory service and worker hold while 10,000 jobs run and their owners look at them."""

from __future__ import annotations

import asyncio

import httpx2

from benchmarks.bench import Bench
from benchmarks.deployment import alone, http_client
from benchmarks.figures import Figure, Figures, at_most
from benchmarks.instant_generator import InstantGenerator
from benchmarks.seeding import Seeding
from benchmarks.usage import usage_of

BULKS, ITEMS = 200, 50
SLOTS = 8
WARM = 0.2
"""The part of the jobs after which a process has what it needs: what it grows by later would be a leak."""

GROWTH_MB = 10
PATIENCE_SECONDS = 1800


async def run(bench: Bench) -> Figures:
    bulks = bench.scaled(BULKS)
    jobs = bulks * ITEMS
    async with bench.database() as database, InstantGenerator() as generator, bench.client() as client:
        settings = {"PRESSRUN_WORKER__SLOTS": str(SLOTS)}
        async with (
            alone("service", bench, database, generator.url) as (service, url),
            alone("worker", bench, database, generator.url, settings) as (worker, _),
            http_client(url) as http,
            asyncio.timeout(PATIENCE_SECONDS),
        ):
            pids = {"service": service.pid, "worker": worker.pid}
            starts = {name: usage_of(pid) for name, pid in pids.items()}
            ids = [str(bulk_id) for bulk_id in await Seeding(client[database]).waiting_bulks(bulks, ITEMS)]
            watching = asyncio.create_task(_watch(http, ids))
            await generator.until(calls=round(jobs * WARM))
            warm = {name: usage_of(pid) for name, pid in pids.items()}
            await generator.until(calls=jobs)
            watching.cancel()
            for name, pid in pids.items():
                end = usage_of(pid)
                yield Figure(f"{name}: at its start", starts[name].resident_mb, "MB")
                yield Figure(f"{name}: after {jobs:,} jobs", end.resident_mb, "MB", note=f"peak {end.peak_mb:.1f}")
                grown = end.resident_mb - warm[name].resident_mb
                yield at_most(f"{name}: grown by in the last {1 - WARM:.0%} of them", grown, "MB", GROWTH_MB)


async def _watch(http: httpx2.AsyncClient, ids: list[str]) -> None:
    """What open pages ask for, and the results of every bulk again and again."""
    while True:
        for bulk_id in ids:
            for path in ("", f"/{bulk_id}", f"/{bulk_id}/results?format=zip"):
                (await http.get(f"/api/bulk-generate{path}")).raise_for_status()
            await asyncio.sleep(0.25)
