"""A thousand open live streams on one service process: from a change to its reader, memory a stream, processor time.

Once all of them on one bulk, once on 200 bulks of which twenty change a second.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence

from bson import ObjectId

from benchmarks.bench import Bench, Client
from benchmarks.deployment import alone
from benchmarks.figures import Figure, Figures, latencies
from benchmarks.instant_generator import InstantGenerator
from benchmarks.seeding import Seeding
from benchmarks.stream_readers import Reader, name_of_now, reading
from benchmarks.usage import usage_of
from jobs.storage.revisions import changed

STREAMS = 1_000
BULKS = 200
ITEMS = 20
SECONDS = 30.0
IDLE_SECONDS = 20.0
GOAL_MS = 1000.0
ROOM = {"PRESSRUN_STREAM__MAX_PER_USER": "100000"}


async def run(bench: Bench) -> Figures:
    for bulks, changes_a_second in ((1, 1.0), (BULKS, 20.0)):
        async for figure in _measured(bench, bulks, changes_a_second):
            yield figure


async def _measured(bench: Bench, bulks: int, changes_a_second: float) -> Figures:
    streams, seconds = bench.scaled(STREAMS), bench.lasting(SECONDS, 3.0)
    case = f"{streams} streams on {bulks} bulk{'s' if bulks > 1 else ''}"
    async with (
        bench.database() as database,
        bench.client() as client,
        InstantGenerator() as generator,
        alone("service", bench, database, generator.url, ROOM) as (process, address),
    ):
        ids = await Seeding(client[database]).waiting_bulks(bulks, ITEMS)
        of_streams = [str(ids[number % bulks]) for number in range(streams)]
        async with reading(address, of_streams[:1]):
            before = usage_of(process.pid)
        began = time.monotonic()
        async with reading(address, of_streams) as readers:
            yield Figure(f"{case}: opened in", time.monotonic() - began, "s")
            opened = usage_of(process.pid)
            memory = (opened.resident_mb - before.resident_mb) * 1024 / streams
            yield Figure(f"{case}: memory of a stream", memory, "kB")
            await asyncio.sleep(bench.scaled(int(IDLE_SECONDS)))
            idle = usage_of(process.pid)
            percent = 100 * (idle.cpu_seconds - opened.cpu_seconds) / bench.scaled(int(IDLE_SECONDS))
            yield Figure(f"{case}: processor while nothing changes", percent, "% of a core")
            made = await _changes(client, database, ids, seconds, changes_a_second)
            busy = usage_of(process.pid)
            percent = 100 * (busy.cpu_seconds - idle.cpu_seconds) / seconds
            yield Figure(f"{case}: processor at {changes_a_second:g} changes a second", percent, "% of a core")
            await asyncio.sleep(2)
            for figure in latencies(f"{case}: change to reader", _seconds(readers), GOAL_MS):
                yield figure
            told = len(_seconds(readers)) / (made * streams / bulks)
            yield Figure(f"{case}: changes that each reader was told one by one", 100 * told, "%")


def _seconds(readers: Sequence[Reader]) -> list[float]:
    return [seconds for reader in readers for seconds in reader.seconds]


async def _changes(client: Client, database: str, ids: Sequence[ObjectId], seconds: float, a_second: float) -> int:
    """How many were made."""
    rng = random.Random(1)
    count = int(seconds * a_second)
    began = time.monotonic()
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number / a_second - time.monotonic()))
        named = changed({"$set": {"name": name_of_now()}})
        await client[database]["bulk_jobs"].update_one({"_id": rng.choice(ids)}, named)
    return count
