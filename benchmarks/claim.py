"""How long a claim takes with 1,000, 100,000 and 1,000,000 jobs waiting, and with one bulk of 10,000.

Each claim is handed back, so that the next one finds what it found. The places take turns, so that what else the
machine does meets all of them. The plans of the hot queries are written beside the JSON file.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from benchmarks.bench import Bench
from benchmarks.commands import CommandListener
from benchmarks.figures import Figure, Figures, at_most
from benchmarks.inside import inside
from benchmarks.plans import hot_questions, plans, table
from benchmarks.seeding import Seeding
from jobs.outcomes import Unclaimed
from jobs.system import System

SIZES = ((20, 50), (2_000, 50), (20_000, 50), (1, 10_000))
"""Bulks, and jobs in each."""

CLAIMS = 60
WARM_UP = 5
FLAT = 1.2
NO_GENERATOR = "http://127.0.0.1:9"
SHORT_LEASE = 1.0
CLAIM = "claim"
POLL = "idle poll"
WRITES = {"reserve": "findAndModify bulk_jobs", "take": "findAndModify generation_jobs"}


@dataclass
class Place:
    """A database with so many jobs waiting, and what claims there took."""

    what: str
    database: str
    system: System = field(repr=False)
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def median_ms(self, part: str) -> float:
        return statistics.median(self.seconds[part]) * 1000

    def figures(self) -> list[Figure]:
        note = f"longest {max(self.seconds[CLAIM]) * 1000:.1f}"
        parts = [Figure(f"    {part}", self.median_ms(part), "ms") for part in (*WRITES, POLL)]
        return [Figure(f"claim, {self.what}", self.median_ms(CLAIM), "ms", note=note), *parts]

    async def claim(self, listener: CommandListener) -> None:
        listener.clear()
        began = time.perf_counter()
        await self.system.queue.has_work()
        polled = time.perf_counter()
        claim = await self.system.queue.claim("benchmark")
        claimed = time.perf_counter()
        assert claim is not None, "there was nothing to claim"
        self.seconds[POLL].append(polled - began)
        self.seconds[CLAIM].append(claimed - polled)
        for part, command in WRITES.items():
            self.seconds[part].append(sum(listener.seconds[command]))
        await self.system.queue.finish(claim, Unclaimed())


async def run(bench: Bench) -> Figures:
    listener = CommandListener()
    async with contextlib.AsyncExitStack() as stack:
        places = [await stack.enter_async_context(_place(bench, bulks, items)) for bulks, items in SIZES]
        for number in range(WARM_UP + CLAIMS):
            for place in places:
                await place.claim(listener)
                if number < WARM_UP:
                    place.seconds.clear()
        for place in places:
            for figure in place.figures():
                yield figure
        few, many = places[0], places[2]
        yield at_most("claim: the most / the fewest", many.median_ms(CLAIM) / few.median_ms(CLAIM), "times", FLAT)
        if bench.output is not None:
            async with bench.client() as client:
                told = await plans(hot_questions(many.system), client[many.database], listener)
            (bench.output / "plans.json").write_text(json.dumps(told, indent=1, default=str) + "\n")
            (bench.output / "plans.md").write_text(table(told))


@contextlib.asynccontextmanager
async def _place(bench: Bench, bulks: int, items: int) -> AsyncIterator[Place]:
    if bulks > 1:
        bulks = bench.scaled(bulks)
    else:
        items = bench.scaled(items)
    what = f"{bulks * items:,} jobs in {bulks:,} bulks" if bulks > 1 else f"one bulk of {items:,}"
    async with (
        bench.database() as database,
        bench.client() as client,
        inside(bench, database, NO_GENERATOR, lease_seconds=SHORT_LEASE) as parts,
    ):
        await Seeding(client[database]).waiting_bulks(bulks, items)
        yield Place(what, database, parts.system)
