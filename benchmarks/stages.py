"""What stages cost a job: a pipeline of seven that do nothing beside one of a single stage, and beside a bare write.

One worker with one slot runs bulks of both in turns, so that what else the machine does meets both. A job's time is
from the first claim of a round to the last end, as the jobs tell. Every stage's result is a write of its own, but the
last one's, which is in the write that ends the job.
"""

from __future__ import annotations

import asyncio
import statistics
from collections import Counter, defaultdict
from datetime import timedelta
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from benchmarks.bare_write import seconds_of_writes
from benchmarks.bench import Bench
from benchmarks.claim import NO_GENERATOR
from benchmarks.commands import CommandListener
from benchmarks.deployment import alone
from benchmarks.figures import Figure, Figures, at_most
from benchmarks.inside import inside
from benchmarks.noop_pipelines import MODULE, ONE, SEVEN, STAGES
from benchmarks.seeding import Seeding
from benchmarks.usage import usage_of
from jobs.documents import BulkId
from worker.stage import Pipeline

BULKS, ITEMS = 5, 40
JOBS = BULKS * ITEMS
ROUNDS = 10
WRITES = 300
MORE_WRITES = STAGES - 1
GOAL_MS = 5.0
PATIENCE_SECONDS = 120
Samples = dict[str, list[float]]


async def run(bench: Bench) -> Figures:
    milliseconds, cpu = await _timed(bench)
    for pipeline in (ONE, SEVEN):
        took = milliseconds[pipeline.name]
        note = f"median of {len(took)} rounds of {JOBS} jobs; {_spread(took)}"
        yield Figure(pipeline.name, statistics.median(took), "ms/job", note=note)
        yield Figure("    the worker's own processor time", statistics.median(cpu[pipeline.name]), "ms/job")
    more = _difference(milliseconds)
    write = statistics.median(milliseconds["write"])
    yield Figure("six more stages", more, "ms/job", note=f"by round {_spread(_differences(milliseconds))}")
    yield Figure("    of it processor time of the worker", _difference(cpu), "ms/job")
    yield Figure("one bare fenced update", write, "ms", note=_spread(milliseconds["write"]))
    beyond = statistics.median(
        of_round - MORE_WRITES * bare
        for of_round, bare in zip(_differences(milliseconds), milliseconds["write"], strict=True)
    )
    note = f"beyond a write for each of {MORE_WRITES}; {beyond / MORE_WRITES:.2f} a stage"
    yield at_most("six more stages, beyond the writes", beyond, "ms/job", GOAL_MS, note)
    counts = {pipeline.name: await _counted(bench, pipeline) for pipeline in (ONE, SEVEN)}
    for name, counted in counts.items():
        yield Figure(f"commands a job, {name}", counted.total() / JOBS, "")
        for command, count in counted.most_common():
            if count >= JOBS / 20:
                yield Figure(f"    {command}", count / JOBS, "")
    written = (counts[SEVEN.name] - counts[ONE.name])["update generation_jobs"] / JOBS
    yield at_most("six more stages: writes", written, "a job", MORE_WRITES, "ideal 6: one a stage that is not the last")
    others = (counts[SEVEN.name].total() - counts[ONE.name].total()) / JOBS - written
    yield at_most("    all other commands", others, "a job", 0.1, "ideal 0: polls and renewals come by time")


async def _timed(bench: Bench) -> tuple[Samples, Samples]:
    milliseconds: Samples = defaultdict(list)
    cpu: Samples = defaultdict(list)
    async with (
        bench.database() as name,
        bench.client() as client,
        alone("worker", bench, name, NO_GENERATOR, {"PRESSRUN_PIPELINES": MODULE}) as (worker, _),
    ):
        for pipeline in (ONE, SEVEN):
            await _run(client[name], pipeline)  # what is done only once is over before anything counts
        for number in range(bench.scaled(ROUNDS)):
            for pipeline in (ONE, SEVEN) if number % 2 else (SEVEN, ONE):
                before = usage_of(worker.pid).cpu_seconds
                milliseconds[pipeline.name].append(await _run(client[name], pipeline))
                cpu[pipeline.name].append(1000 * (usage_of(worker.pid).cpu_seconds - before) / JOBS)
            seconds = await asyncio.to_thread(seconds_of_writes, bench.uri, name, WRITES)
            milliseconds["write"].append(statistics.median(seconds) * 1000)
    return milliseconds, cpu


async def _run(database: AsyncDatabase[dict[str, Any]], pipeline: Pipeline) -> float:
    """Bulks of this pipeline, to their end: milliseconds a job."""
    ids = await Seeding(database).waiting_bulks(BULKS, ITEMS, pipeline=pipeline.spec)
    await _ended(database, ids)
    cursor = await database.generation_jobs.aggregate(
        [
            {"$match": {"bulk_job_id": {"$in": ids}, "status": "completed"}},
            {"$group": {"_id": None, "first": {"$min": "$started_at"}, "last": {"$max": "$completed_at"}}},
        ]
    )
    [told] = await cursor.to_list()
    lasted: timedelta = told["last"] - told["first"]
    return lasted / timedelta(milliseconds=1) / JOBS


async def _ended(database: AsyncDatabase[dict[str, Any]], ids: list[BulkId]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await database.bulk_jobs.count_documents({"_id": {"$in": ids}, "status": "completed"}) < len(ids):
            await asyncio.sleep(0.05)
    done = await database.bulk_jobs.count_documents({"_id": {"$in": ids}, "completed_items": ITEMS})
    assert done == len(ids), "a job of a pipeline that does nothing has failed"


async def _counted(bench: Bench, pipeline: Pipeline) -> Counter[str]:
    # this client is made before the listener, which hears only those made afterwards
    async with bench.database() as name, bench.client() as client:
        listener = CommandListener()
        async with inside(bench, name, NO_GENERATOR, settings={"pipelines": (MODULE,)}) as parts:
            ids = await Seeding(client[name]).waiting_bulks(BULKS, ITEMS, pipeline=pipeline.spec)
            listener.clear()
            async with parts.working():
                await _ended(client[name], ids)
                return listener.counts


def _differences(samples: Samples) -> list[float]:
    """Round by round: the two of a round met the same machine."""
    return [seven - one for seven, one in zip(samples[SEVEN.name], samples[ONE.name], strict=True)]


def _difference(samples: Samples) -> float:
    return statistics.median(_differences(samples))


def _spread(values: list[float]) -> str:
    return f"{min(values):.2f} to {max(values):.2f}"
