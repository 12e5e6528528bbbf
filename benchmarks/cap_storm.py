"""Whether the cap of the whole system holds, as the generator sees it, while workers are killed at random."""

from __future__ import annotations

import asyncio
import random
import time

from benchmarks.bench import Bench
from benchmarks.calls import most_open
from benchmarks.figures import Figure, Figures, at_least, at_most
from benchmarks.scene import Scene, scene

CAP = 5
WORKERS, SLOTS = 4, 5
JOB_SECONDS = 0.3
LEASE_SECONDS, SWEEP_SECONDS, POLL_SECONDS = 2.0, 0.5, 0.2
RUN_SECONDS, QUICK_SECONDS = 60.0, 15.0
PAUSES = (1.0, 2.5)
"""Between one death and the next, in seconds."""

TENANTS = [f"tenant-{number}" for number in range(1, 6)]
BULKS, ITEMS, PARALLELISM = 100, 20, 5
PATIENCE_SECONDS = 60
SEED = 1


async def run(bench: Bench) -> Figures:
    lasts = bench.lasting(RUN_SECONDS, QUICK_SECONDS)
    async with scene(bench, JOB_SECONDS, max_running=CAP) as playing:
        await playing.seeding.waiting_bulks(BULKS, ITEMS, PARALLELISM, owners=TENANTS)
        await _add_workers(playing, WORKERS, wait=True)
        await playing.generator.until(came=2 * CAP, within=PATIENCE_SECONDS)
        deaths = await _storm(playing, lasts)
        # whoever is left has to get on by itself: no place of the dead may stay taken
        before = len(playing.generator.look())
        await playing.generator.until(came=before + 5 * CAP, within=PATIENCE_SECONDS)
        calls = list(playing.generator.look())
        ended = {
            status: await playing.database.generation_jobs.count_documents({"status": status})
            for status in ("completed", "failed")
        }
    what = f"cap {CAP}, {WORKERS} workers of {SLOTS} slots, {deaths} killed"
    yield at_most(f"{what}: most calls open at once", most_open(calls), "", CAP, f"ideal {CAP}; {len(calls)} calls")
    yield at_least("    jobs completed", ended["completed"], "", 1, f"of {len({call.job_id for call in calls})} called")
    yield Figure("    jobs failed: their worker died three times", ended["failed"], "")
    cut = sum(call.left is not None and not call.answered for call in calls)
    yield at_least("    calls that a death cut off", cut, "", 1, "or the storm was none")
    busy = sum(call.left - call.came for call in calls if call.left is not None)
    share = busy / (CAP * (calls[-1].came - calls[0].came))
    yield Figure("    of the cap in use", share, "", note="a dead worker's places are taken until its leases expire")


async def _storm(playing: Scene, seconds: float) -> int:
    """Kill one, start another, and so on; how many were killed."""
    chance = random.Random(SEED)
    ends = time.monotonic() + seconds
    deaths = 0
    while time.monotonic() < ends:
        await asyncio.sleep(chance.uniform(*PAUSES))
        if ready := playing.ready_workers:
            await playing.kill(chance.choice(ready))
            await _add_workers(playing, 1, wait=False)
            deaths += 1
    return deaths


async def _add_workers(playing: Scene, count: int, *, wait: bool) -> None:
    await playing.add_workers(
        count,
        SLOTS,
        wait=wait,
        lease_seconds=LEASE_SECONDS,
        sweep_seconds=SWEEP_SECONDS,
        poll_seconds=POLL_SECONDS,
    )
