"""What an idle worker and an idle service cost: database operations a minute, and processor time."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Literal

from benchmarks.bench import Bench
from benchmarks.deployment import alone
from benchmarks.figures import Figure, Figures, at_most, skipped
from benchmarks.instant_generator import InstantGenerator
from benchmarks.usage import usage_of
from benchmarks.wire_count import counting

Kind = Literal["worker", "service"]
KINDS: tuple[Kind, ...] = ("worker", "service")
SETTLE_SECONDS = 40.0
"""A sweep does nothing in the first lease after its start (30 s); an idle worker is one that has begun to sweep."""

SECONDS = 120
MOST_OPERATIONS = 90
MOST_CPU_PERCENT = 1.0


async def run(bench: Bench) -> Figures:
    for kind in KINDS:
        try:
            for figure in await _idle(bench, kind):
                yield figure
        except ValueError as why:
            yield skipped(f"idle {kind}", str(why))


async def _idle(bench: Bench, name: Kind) -> list[Figure]:
    seconds = bench.scaled(SECONDS)
    async with contextlib.AsyncExitStack() as stack:
        database = await stack.enter_async_context(bench.database())
        generator = await stack.enter_async_context(InstantGenerator())
        count = await stack.enter_async_context(counting(bench.uri))
        starting = alone(name, bench, database, generator.url, uri=count.uri)
        process, _ = await stack.enter_async_context(starting)
        await asyncio.sleep(SETTLE_SECONDS)
        count.counts.clear()
        before = usage_of(process.pid)
        await asyncio.sleep(seconds)
        used = usage_of(process.pid).cpu_seconds - before.cpu_seconds
        a_minute = 60 / seconds
        figures = [
            at_most(f"idle {name}: operations", count.counts.total() * a_minute, "a minute", MOST_OPERATIONS),
            at_most(f"idle {name}: processor", 100 * used / seconds, "% of a core", MOST_CPU_PERCENT),
        ]
        each = [Figure(f"    {command}", asked * a_minute, "a minute") for command, asked in count.counts.most_common()]
        return [figures[0], *each, figures[1]]
