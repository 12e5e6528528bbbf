"""What an idle worker and an idle service cost: database operations a minute, and processor time.

Each once without any setting, and once with everything switched on: all four beside each other, for all are idle.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Literal

from benchmarks.bench import Bench
from benchmarks.deployment import alone
from benchmarks.everything import everything
from benchmarks.figures import Figure, Figures, at_most, skipped
from benchmarks.instant_generator import InstantGenerator
from benchmarks.usage import usage_of
from benchmarks.wire_count import counting

Kind = Literal["worker", "service"]
KINDS: tuple[Kind, ...] = ("worker", "service")
SETTLE_SECONDS = 40.0
"""A sweep does nothing in the first lease after its start (30 s); an idle worker is one that has begun to sweep."""

SECONDS = 120
MOST_OPERATIONS = {"alone": 100, "with everything": 110}
"""Those of a plain worker, and of one that also delivers mail, or of a service that is scraped, as told in
docs/scale.md."""

MOST_CPU_PERCENT = 1.0


async def run(bench: Bench) -> Figures:
    cases = [(kind, how) for kind in KINDS for how in MOST_OPERATIONS]
    for figures in await asyncio.gather(*(_idle_if_possible(bench, kind, how) for kind, how in cases)):
        for figure in figures:
            yield figure


async def _idle_if_possible(bench: Bench, kind: Kind, how: str) -> list[Figure]:
    try:
        return await _idle(bench, kind, how)
    except ValueError as why:
        return [skipped(f"idle {kind}, {how}", str(why))]


async def _idle(bench: Bench, name: Kind, how: str) -> list[Figure]:
    seconds = bench.lasting(SECONDS, SECONDS / 10)
    async with contextlib.AsyncExitStack() as stack:
        database = await stack.enter_async_context(bench.database())
        generator = await stack.enter_async_context(InstantGenerator())
        count = await stack.enter_async_context(counting(bench.uri))
        on = await stack.enter_async_context(everything(bench, generator.url)) if how != "alone" else None
        starting = alone(name, bench, database, generator.url, on.settings if on else None, uri=count.uri)
        process, _ = await stack.enter_async_context(starting)
        if on is not None:
            await stack.enter_async_context(on.scraped([process]))
        await asyncio.sleep(SETTLE_SECONDS)
        count.counts.clear()
        before = usage_of(process.pid)
        await asyncio.sleep(seconds)
        used = usage_of(process.pid).cpu_seconds - before.cpu_seconds
        a_minute = 60 / seconds
        what, most = f"idle {name}, {how}", MOST_OPERATIONS[how]
        figures = [
            at_most(f"{what}: operations", count.counts.total() * a_minute, "a minute", most),
            at_most(f"{what}: processor", 100 * used / seconds, "% of a core", MOST_CPU_PERCENT),
        ]
        each = [Figure(f"    {command}", asked * a_minute, "a minute") for command, asked in count.counts.most_common()]
        return [figures[0], *each, figures[1]]
