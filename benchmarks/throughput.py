"""Jobs a second of one worker, beside a bare PyMongo loop, Agenda on the same server, and BullMQ on Redis.

The generator answers at once, so all that is left is what the queue itself costs. The contenders take turns, so that
what else the machine does meets all of them; a figure is the median of the rounds, a ratio that of the rounds' ratios.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
from collections import defaultdict
from pathlib import Path

from benchmarks import others
from benchmarks.bench import Bench
from benchmarks.deployment import alone
from benchmarks.figures import Figure, Figures, at_least, skipped
from benchmarks.instant_generator import InstantGenerator
from benchmarks.round_trips import round_trips
from benchmarks.seeding import Seeding
from benchmarks.usage import usage_of

Rates = dict[str, list[float]]
BULKS, ITEMS = 50, 40
ROUNDS = 3
SLOTS = (1, 8)
OF_BARE = 0.8
PATIENCE_SECONDS = 600


async def run(bench: Bench) -> Figures:
    for slots in SLOTS:
        rates: Rates = defaultdict(list)
        missing: dict[str, str] = {}
        for _ in range(1 if bench.quick else ROUNDS):
            rate, cpu_ms = await _pressrun(bench, slots)
            rates["pressrun"].append(rate)
            rates["cpu"].append(cpu_ms)
            rates["bare"].append(await _bare(bench, slots, calls=False))
            rates["bare with calls"].append(await _bare(bench, slots, calls=True))
            for name in ("agenda", "bullmq"):
                try:
                    rates[name].append(await _other(bench, name, slots))
                except others.Unavailable as why:
                    missing[name] = str(why)
        for figure in _figures(bench, f"{slots} slot{'s' if slots > 1 else ''}", rates, missing):
            yield figure
    async for figure in round_trips(bench):
        yield figure


def _figures(bench: Bench, slots: str, rates: Rates, missing: dict[str, str]) -> list[Figure]:
    figures = [
        _rate(f"Pressrun, {slots}", rates["pressrun"]),
        Figure(f"Pressrun, {slots}: the worker's own processor time", statistics.median(rates["cpu"]), "ms/job"),
        _rate(f"bare loop, {slots}", rates["bare"]),
        at_least(f"Pressrun / bare loop, {slots}", _ratio(rates, "bare"), "", OF_BARE),
        _rate(f"bare loop that also calls the generator, {slots}", rates["bare with calls"]),
        Figure(f"Pressrun / bare loop that also calls, {slots}", _ratio(rates, "bare with calls"), ""),
    ]
    for name, is_goal in (("agenda", True), ("bullmq", False)):
        if name in missing:
            figures.append(skipped(f"{name}, {slots}", missing[name]))
            continue
        figures.append(_rate(f"{name} {others.version_of(bench, name)}, {slots}", rates[name]))
        if is_goal:
            figures.append(at_least(f"Pressrun / {name}, {slots}", _ratio(rates, name), "", 1.0))
    return figures


def _rate(what: str, rates: list[float]) -> Figure:
    return Figure(
        what, statistics.median(rates), "jobs/s", note=f"rounds: {', '.join(f'{rate:.0f}' for rate in rates)}"
    )


def _ratio(rates: Rates, other: str) -> float:
    """Round by round: the two of a round met the same machine."""
    return statistics.median(ours / theirs for ours, theirs in zip(rates["pressrun"], rates[other], strict=True))


async def _pressrun(bench: Bench, slots: int) -> tuple[float, float]:
    """Jobs a second from the worker being ready to the last bulk's completion, and its milliseconds of CPU a job."""
    bulks = bench.scaled(BULKS)
    jobs = bulks * ITEMS
    settings = {"PRESSRUN_WORKER__SLOTS": str(slots)}
    async with bench.database() as database, InstantGenerator() as generator, bench.client() as client:
        # the first start makes the indexes; it is over before there is anything to do
        async with alone("worker", bench, database, generator.url):
            pass
        await Seeding(client[database]).waiting_bulks(bulks, ITEMS)
        loop = asyncio.get_running_loop()
        async with alone("worker", bench, database, generator.url, settings) as (worker, _):
            began, before = loop.time(), usage_of(worker.pid)
            async with asyncio.timeout(PATIENCE_SECONDS):
                await generator.until(calls=jobs)
                while await client[database].bulk_jobs.count_documents({"status": "completed"}) < bulks:
                    await asyncio.sleep(0.02)
            seconds = loop.time() - began
            cpu = usage_of(worker.pid).cpu_seconds - before.cpu_seconds
    return jobs / seconds, 1000 * cpu / jobs


async def _bare(bench: Bench, slots: int, *, calls: bool) -> float:
    bulks = bench.scaled(BULKS)
    async with bench.database() as database, InstantGenerator() as generator, bench.client() as client:
        async with alone("worker", bench, database, generator.url):
            pass
        await Seeding(client[database]).waiting_bulks(bulks, ITEMS)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "benchmarks.bare_loop",
            bench.uri,
            database,
            str(slots),
            *([generator.url] if calls else []),
            stdout=asyncio.subprocess.PIPE,
            cwd=Path(__file__).parent.parent,
        )
        said, _ = await process.communicate()
        done = await client[database].generation_jobs.count_documents({"status": "completed"})
        assert done == bulks * ITEMS, f"the bare loop ran {done} of {bulks * ITEMS} jobs"
    return bulks * ITEMS / float(said)


async def _other(bench: Bench, name: str, slots: int) -> float:
    jobs = bench.scaled(BULKS) * ITEMS
    async with bench.database() as database, InstantGenerator() as generator:
        if name == "agenda":
            return jobs / await others.agenda_seconds(bench, database, slots, jobs, generator.url)
        return jobs / await others.bullmq_seconds(bench, slots, jobs, generator.url)
