"""How many commands one job costs the database, by command and collection: a worker in this process, listened to."""

from __future__ import annotations

import asyncio
from collections import Counter

from benchmarks.bench import Bench
from benchmarks.commands import CommandListener
from benchmarks.figures import Figure, Figures
from benchmarks.inside import inside
from benchmarks.instant_generator import InstantGenerator
from benchmarks.seeding import Seeding

BULKS, ITEMS = 10, 40
SLOTS = (1, 8)
PATIENCE_SECONDS = 120


async def round_trips(bench: Bench) -> Figures:
    """For a job of a bulk of forty, its share of the bulk's end included."""
    for slots in SLOTS:
        counts = await _counted(bench, slots)
        jobs = BULKS * ITEMS
        yield Figure(f"commands a job, {slots} slot{'s' if slots > 1 else ''}", counts.total() / jobs, "")
        for name, count in counts.most_common():
            if count >= jobs / 100:
                yield Figure(f"    {name}", count / jobs, "")


async def _counted(bench: Bench, slots: int) -> Counter[str]:
    # this client is made before the listener, which hears only those made afterwards
    async with bench.database() as database, bench.client() as client, InstantGenerator() as generator:
        listener = CommandListener()
        async with inside(bench, database, generator.url, slots=slots) as parts:
            await Seeding(client[database]).waiting_bulks(BULKS, ITEMS)
            listener.clear()
            async with parts.working(), asyncio.timeout(PATIENCE_SECONDS):
                await generator.until(calls=BULKS * ITEMS)
                while await client[database].bulk_jobs.count_documents({"status": "completed"}) < BULKS:
                    await asyncio.sleep(0.05)
                return listener.counts
