"""The estimate over the real loop: bulks that workers run, asked again and again; and what its reads cost.

Two tenants share what may run at once, so that turns are in it. A generator always takes the same time here: whether
the ranges are right where times vary is what `estimates` tells, over simulated bulks.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from benchmarks.bench import Bench
from benchmarks.figures import Figure, Figures, at_least, latencies
from benchmarks.instant_generator import ARTICLE
from benchmarks.scene import Scene, scene
from jobs.documents import BulkId
from jobs.estimation.forecasts import Foreseen
from jobs.states import LIVE_BULKS
from jobs.storage.store import Document
from jobs.system import Rules, System, assemble

JOB_SECONDS = 0.5
MINE, THEIRS = 60, 20
AFTER = 3
LOOK_EVERY_SECONDS = 0.2
TRUE_OFTEN = 80.0
LARGE, DONE = 10_000, 9_000
ASKED = 50
PATIENCE_SECONDS = 300


@dataclass(frozen=True)
class Told:
    at: datetime
    foreseen: Foreseen
    seconds: float


async def run(bench: Bench) -> Figures:
    async with scene(bench, JOB_SECONDS, max_running=2) as playing:
        (mine,) = await playing.seeding.waiting_bulks(1, bench.scaled(MINE) + AFTER, 2, owners=["mine"])
        await playing.seeding.waiting_bulks(1, bench.scaled(THEIRS), 2, owners=["theirs"])
        await playing.add_workers(1, slots=4)
        told, end = await _followed(playing, mine)
    hits = [one.foreseen.low <= end <= one.foreseen.high for one in told]
    width = sorted(
        (one.foreseen.high - one.foreseen.low) / max(end - one.at, timedelta(milliseconds=1)) for one in told
    )
    note = f"{len(told)} looks after job {AFTER}; median width {width[len(width) // 2]:.2f} of the time left"
    yield at_least("workers run it: the true end is in the range", 100 * sum(hits) / len(hits), "%", TRUE_OFTEN, note)
    yield Figure("    last basis", None, "", note=told[-1].foreseen.basis)
    for figure in latencies("    an estimate with its reads", [one.seconds for one in told]):
        yield figure
    async for figure in _of_a_large_bulk(bench):
        yield figure


async def _followed(playing: Scene, bulk_id: BulkId) -> tuple[list[Told], datetime]:
    told = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            bulk = await _bulk(playing, bulk_id)
            if bulk["status"] not in LIVE_BULKS:
                return told, bulk["completed_at"]
            if bulk["completed_items"] >= AFTER:
                found, seconds = await _asked(playing.system, bulk)
                if found is not None:
                    told.append(Told(playing.system.clock.now(), found, seconds))
            await asyncio.sleep(LOOK_EVERY_SECONDS)


async def _of_a_large_bulk(bench: Bench) -> Figures:
    done, large = bench.scaled(DONE), bench.scaled(LARGE)
    async with scene(bench, JOB_SECONDS) as playing:
        (bulk_id,) = await playing.seeding.waiting_bulks(1, large)
        await playing.system.workers.beat("w1", slots=1, version="1", jobs=[])
        now = playing.system.clock.now()
        stages = [{"name": "content-generation", "duration_ms": 150_000}]
        ended = {"status": "completed", "completed_at": now, "started_at": now, "result": ARTICLE}
        ended |= {"result_meta": {"pipeline": "plain", "stages": stages}}
        jobs = playing.database["generation_jobs"]
        await jobs.update_many({"queue_position": {"$lte": done}}, {"$set": ended})
        await playing.system.settling.reconcile(bulk_id)
        bulk = await _bulk(playing, bulk_id)
        fresh, again = [], []
        for _ in range(ASKED):
            system = assemble(playing.system.store, playing.system.clock, Rules())
            for seconds in (fresh, again):
                found, took = await _asked(system, bulk)
                assert found is not None
                seconds.append(took)
    what = f"{done:,} of {large:,} jobs done: an estimate with its reads"
    for figure in [*latencies(f"{what}, first", fresh), *latencies(f"{what}, again", again)]:
        yield figure


async def _asked(system: System, bulk: Document) -> tuple[Foreseen | None, float]:
    """And the seconds that it took, without the reads for what else is told of a bulk."""
    held_up, tally = await system.waiting.of_bulk(bulk), await system.lookup.tally(bulk)
    began = time.perf_counter()
    found = await system.forecasts.of_bulk(bulk, tally.counts, held_up)
    return found, time.perf_counter() - began


async def _bulk(playing: Scene, bulk_id: BulkId) -> Document:
    bulk = await playing.system.store.collection("bulk_jobs").find_one({"_id": bulk_id})
    assert bulk is not None
    return bulk
