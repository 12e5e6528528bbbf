"""All that the plan rests on, measured on a server: what each deed costs as the system grows, jobs, races, sizes."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

from benchmarks.bench import Bench
from benchmarks.commands import CommandListener
from benchmarks.deployment import alone
from benchmarks.inside import inside
from benchmarks.instant_generator import InstantGenerator
from benchmarks.scaling.claimers import BULKS, Race, race
from benchmarks.scaling.connections import connections
from benchmarks.scaling.costs import Cost, measured
from benchmarks.scaling.deeds import Deed, deeds, short_list
from benchmarks.scaling.routing import Routed, routed
from benchmarks.scaling.sizes import Size, fill, size_of
from benchmarks.seeding import Seeding
from jobs.claims import Claim
from jobs.outcomes import Completed
from jobs.pipelines import ARTICLE, PLAIN
from jobs.storage.mongo import IDLE_MS
from jobs.storage.store import Document

LIVE = (0, 100, 1_000, 10_000)
"""Bulks of which a job runs."""

RUNNING = (1, 10, 50)
"""Jobs in one worker."""

WAITING = (100, 1_000, 10_000)
"""Bulks of which a job may start."""

PLACES = (100, 1_000, 9_000)
"""Running jobs that the system's cap counts."""

HIGHEST_CAP = 10_000
CLAIMERS = (1, 4, 16, 64)
SECONDS = 1.0
RACE_SECONDS = 4.0
TENANTS = 50
FOR_LONG = timedelta(hours=2)
SHORT_LEASE_SECONDS = 4.0
NO_GENERATOR = "http://127.0.0.1:9"
JOBS = 200
PATIENCE_SECONDS = 120
SETTLING_SECONDS = 10
RESULT = Completed("Good boots.", {"usage": None, "stage": "content-generation"})
OWNERS = tuple(f"tenant-{number}" for number in range(TENANTS))


async def of_deeds(bench: Bench, listener: CommandListener) -> AsyncIterator[tuple[Deed, int, Cost]]:
    """Each deed with so many bulks live."""
    async with (
        _database(bench) as (database, client),
        inside(bench, database, NO_GENERATOR, lease_seconds=SHORT_LEASE_SECONDS) as parts,
    ):
        running: Sequence[Document] = ()
        there = 0
        for live in (bench.scaled(count) if count else 0 for count in LIVE):
            running = await Seeding(client[database]).running_bulks(live - there, 2, FOR_LONG, owners=OWNERS) or running
            there = live
            claims = [_claim(job) for job in running[:1]]
            each = list(deeds(parts.system, claims))
            await next(deed for deed in each if deed.name == "sweep").do()
            await asyncio.sleep(SHORT_LEASE_SECONDS + 0.2)  # a sweep judges nobody in its first lease
            for deed in each:
                cost = await measured(deed.do, listener, client, bench.lasting(SECONDS, 0.1))
                if deed.name == "renewal":  # until soon: the next sweep would take the job back
                    for_long = {"$set": {"lease.until": parts.system.clock.now() + FOR_LONG}}
                    await client[database].generation_jobs.update_many({"status": "processing"}, for_long)
                yield deed, live, cost


async def of_looks(bench: Bench, listener: CommandListener) -> AsyncIterator[tuple[int, Cost]]:
    """A worker's look at all that it runs, of so many jobs."""
    async with _database(bench) as (database, client), inside(bench, database, NO_GENERATOR) as parts:
        running = await Seeding(client[database]).running_bulks(max(RUNNING), 2, FOR_LONG, owners=OWNERS)
        for count in RUNNING:
            claims = [_claim(job) for job in running[:count]]
            look = functools.partial(parts.system.queue.controls, claims)
            yield count, await measured(look, listener, client, bench.lasting(SECONDS, 0.1))


async def of_lists(bench: Bench, listener: CommandListener) -> AsyncIterator[tuple[int, Cost]]:
    """The short list with so many bulks waiting."""
    async with _database(bench) as (database, client), inside(bench, database, NO_GENERATOR) as parts:
        there = 0
        for waiting in map(bench.scaled, WAITING):
            await Seeding(client[database]).waiting_bulks(waiting - there, 1, owners=OWNERS)
            there = waiting
            read = short_list(parts.system)
            await read()  # the first time makes what tenants are counted by
            yield waiting, await measured(read, listener, client, bench.lasting(SECONDS, 0.1))


async def of_caps(bench: Bench, listener: CommandListener) -> AsyncIterator[tuple[int, Cost]]:
    """A claim and its end while the cap of the system counts so many jobs."""
    limits = {"max_running": HIGHEST_CAP}
    async with (
        _database(bench) as (database, client),
        inside(bench, database, NO_GENERATOR, settings={"limits": limits}) as parts,
    ):
        await Seeding(client[database]).waiting_bulks(JOBS, 40)
        for places in map(bench.scaled, PLACES):
            jobs = await Seeding(client[database]).running_bulks(places, 1, FOR_LONG, owners=OWNERS)
            slots = {job["lease"]["token"]: _place(job) for job in jobs}
            changed = {"$set": {"slots": slots, "running": len(slots)}}
            await client[database].limits.update_one({"_id": "system"}, changed)

            async def run_one() -> None:
                claim = await parts.system.queue.claim("benchmark")
                assert claim is not None, "there was nothing to claim"
                await parts.system.queue.finish(claim, RESULT)

            yield places, await measured(run_one, listener, client, bench.lasting(SECONDS, 0.1))


async def of_jobs(bench: Bench, listener: CommandListener) -> AsyncIterator[tuple[str, Cost, list[Routed]]]:
    """A job's share of a real worker's commands, of a pipeline of one stage and of one of seven."""
    jobs = max(40, bench.scaled(JOBS))
    for pipeline in (PLAIN, ARTICLE):
        async with (
            _database(bench) as (database, client),
            InstantGenerator() as generator,
            inside(bench, database, generator.url, slots=4) as parts,
        ):
            await Seeding(client[database]).waiting_bulks(jobs // 40, 40, pipeline=pipeline)

            async def run_all() -> None:
                async with parts.working(), asyncio.timeout(PATIENCE_SECONDS):
                    await generator.until(calls=jobs)
                    while await client[database].bulk_jobs.count_documents({"status": "completed"}) < jobs // 40:
                        await asyncio.sleep(0.2)

            cost, sent = await _listened(run_all, listener, client)
            ways = [way for name, command in sent for way in routed(name, command)]
            yield pipeline.name, _shared(cost, jobs), ways


async def of_races(bench: Bench, listener: CommandListener) -> AsyncIterator[Race]:
    seconds = bench.lasting(RACE_SECONDS, 0.5)
    for tenants, cap in ((1, None), (TENANTS, None), (1, BULKS)):
        for claimers in CLAIMERS:
            yield await race(bench, listener, claimers, tenants, cap, seconds)


async def of_sizes(bench: Bench, jobs: Sequence[int]) -> AsyncIterator[tuple[int, dict[str, Size]]]:
    """With so many jobs, in bulks of fifty."""
    rng = random.Random(1)
    async with _database(bench) as (database, client), inside(bench, database, NO_GENERATOR):
        there = 0
        for count in map(bench.scaled, jobs):
            await fill(client[database], count - there, rng)
            there = count
            names = ("bulk_jobs", "generation_jobs")
            yield count, {name: await size_of(client[database], name) for name in names}


async def of_connections(bench: Bench) -> dict[str, int]:
    """Of one process to a server of one member, once it has let go of what only its start needed."""
    port = urlsplit(bench.uri).port or 27017
    async with contextlib.AsyncExitStack() as stack:
        pids = {"service, idle": await _process(bench, stack, "service", 0)}
        for running in (0, 1, 10):
            name = f"worker, {running} running" if running else "worker, idle"
            pids[name] = await _process(bench, stack, "worker", running)
        await asyncio.sleep(bench.lasting(IDLE_MS / 1000 + SETTLING_SECONDS, 1.0))
        return {name: connections(pid, port) for name, pid in pids.items()}


async def _process(
    bench: Bench, stack: contextlib.AsyncExitStack, kind: Literal["worker", "service"], jobs: int
) -> int:
    """Its id. A worker has so many jobs, and they run on."""
    database, client = await stack.enter_async_context(_database(bench))
    generator = await stack.enter_async_context(InstantGenerator(holds=True))
    slots = {"PRESSRUN_WORKER__SLOTS": str(max(jobs, 1))}
    process, _ = await stack.enter_async_context(alone(kind, bench, database, generator.url, slots))
    if jobs:
        await Seeding(client[database]).waiting_bulks(jobs, 1)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await generator.until(calls=jobs)
    return process.pid


@contextlib.asynccontextmanager
async def _database(bench: Bench) -> AsyncIterator[tuple[str, Any]]:
    async with bench.database() as database, bench.client() as client:
        yield database, client


async def _listened(do: Any, listener: CommandListener, client: Any) -> tuple[Cost, list[tuple[str, dict[str, Any]]]]:
    kept: list[tuple[str, dict[str, Any]]] = []

    async def once() -> None:
        await do()
        kept.extend(listener.commands or [])

    cost = await measured(once, listener, client, 0.0, fewest=1)
    return cost, kept


def _shared(cost: Cost, jobs: int) -> Cost:
    cpu = cost.cpu_ms / jobs if cost.cpu_ms is not None else None
    commands = {name: count / jobs for name, count in cost.commands.items()}
    return Cost(commands, cpu, cost.wall_ms / jobs, cost.written / jobs)


def _claim(job: Document) -> Claim:
    return Claim(job["_id"], job["bulk_job_id"], job["shard"], job["lease"]["token"], job, {}, {})


def _place(job: Document) -> Document:
    lease = job["lease"]
    return {"job_id": job["_id"], "worker_id": lease["worker_id"], "at": lease["taken_at"], "cost": 0.0, "turn": 0.0}


def reaches(ways: Sequence[Routed]) -> Iterator[tuple[Routed, int]]:
    """Each kind of command once, and how often it was sent."""
    counts = Counter((way.command, way.fields, way.writes_one) for way in ways)
    shown = {(way.command, way.fields, way.writes_one): way for way in ways}
    for which, count in counts.most_common():
        yield shown[which], count
