"""Whether tenants are served in turn: equal ones alike, by weight, and how long one that comes late waits.

Bulks are of one short job each, and all workers have one slot, so that every job is a turn of its own.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Sequence

from benchmarks.bench import Bench
from benchmarks.calls import Call
from benchmarks.figures import Figure, Figures, at_least, at_most, within
from benchmarks.scene import Scene, scene

CAPS = {1: 2, 4: 4}
"""Jobs at once in the whole system, and how many workers share them."""

JOB_SECONDS = 0.1
MANY, FEW = 1000, 30
WINDOW = 50
FAIR = 0.95
WEIGHTS = {"heavy": 3, "light": 1}
OFF_BY = 0.1
AHEAD = 8
NEWCOMERS = 5
PATIENCE_SECONDS = 600


async def run(bench: Bench) -> Figures:
    for cap in CAPS:
        for figures in (_equal, _weighted, _newcomers):
            for figure in await figures(bench, cap):
                yield figure


async def _equal(bench: Bench, cap: int) -> list[Figure]:
    few = [f"few-{number}" for number in range(1, 5)]
    waiting = {"many": bench.scaled(MANY), **dict.fromkeys(few, FEW)}
    async with scene(bench, JOB_SECONDS, max_running=cap) as playing:
        for owner, bulks in waiting.items():
            await playing.seeding.waiting_bulks(bulks, 1, owners=[owner])
        await playing.add_workers(CAPS[cap], slots=1)
        starts = await _until_one_has_none_left(playing, waiting)
    indexes = [_jain(starts[first : first + WINDOW], waiting) for first in range(len(starts) - WINDOW + 1)]
    share = Counter(starts)["many"] / len(starts)
    return [
        at_least(
            f"{cap} at once, five equal tenants: least Jain's index",
            min(indexes),
            "",
            FAIR,
            f"ideal 1; median {statistics.median(indexes):.3f}; {len(indexes)} windows of {WINDOW} starts; "
            f"one has {waiting['many']:,} bulks, four {FEW}",
        ),
        Figure("    share of the one with the most", share, "", note=f"ideal 0.2; {len(starts)} starts"),
    ]


async def _weighted(bench: Bench, cap: int) -> list[Figure]:
    bulks = 40 if bench.quick else 150
    waiting = dict.fromkeys(WEIGHTS, bulks)
    async with scene(bench, JOB_SECONDS, max_running=cap) as playing:
        for owner, weight in WEIGHTS.items():
            await playing.system.limits.change_tenant(owner, {"weight": weight})
            await playing.seeding.waiting_bulks(bulks, 1, owners=[owner])
        await playing.add_workers(CAPS[cap], slots=1)
        starts = await _until_one_has_none_left(playing, waiting)
    served = Counter(starts)
    ratio, ideal = served["heavy"] / served["light"], WEIGHTS["heavy"] / WEIGHTS["light"]
    what = f"{cap} at once, two tenants of weights 3 and 1: served"
    note = f"ideal {ideal:g}; {len(starts)} starts"
    return [within(what, ratio, ": 1", ideal * (1 - OFF_BY), ideal * (1 + OFF_BY), note)]


async def _newcomers(bench: Bench, cap: int) -> list[Figure]:
    """Each comes at another moment, when the one before it has been served."""
    times = 2 if bench.quick else NEWCOMERS
    waits = []
    async with scene(bench, JOB_SECONDS, max_running=cap) as playing:
        owners = [f"old-{number}" for number in range(1, AHEAD + 1)]
        await playing.seeding.waiting_bulks(AHEAD * 150, 1, owners=owners)
        await playing.add_workers(CAPS[cap], slots=1)
        await playing.generator.until(came=2 * AHEAD, within=PATIENCE_SECONDS)
        for number in range(1, times + 1):
            waits.append(await _wait_of(playing, f"new-{number}"))
            await asyncio.sleep(0.37 * number)  # at any point of its list's second
        calls = playing.generator.look()
    assert len(calls) < AHEAD * 150, "the old tenants had nothing left: this measured nothing"
    one = cap * (calls[-1].came - calls[0].came) / (len(calls) - 1)
    what = f"{cap} at once, newcomer behind {AHEAD} tenants"
    each = ", ".join(f"{wait:.2f}" for wait in waits)
    return [
        Figure(f"{cap} at once: one job's time, as it was", one, "s", note=f"the call alone {JOB_SECONDS:g} s"),
        at_most(f"{what}: longest wait", max(waits), "s", AHEAD * one, f"a job's time for each; waits {each}"),
        Figure(
            "    in jobs' times",
            max(waits) / one,
            "",
            note="ideal 1: the next place is the newcomer's; workers know of it within a second",
        ),
    ]


async def _wait_of(playing: Scene, owner: str) -> float:
    came = time.monotonic()
    await playing.seeding.waiting_bulks(1, 1, owners=[owner])
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            first = [call.came for call in playing.generator.look() if call.owner == owner]
            if first:
                return first[0] - came
            await asyncio.sleep(0.01)


async def _until_one_has_none_left(playing: Scene, waiting: dict[str, int]) -> list[str]:
    """Whose jobs were started, in order, as long as all of them had another one waiting."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (starts := _while_all_wait(playing.generator.look(), waiting)) is None:
            await asyncio.sleep(0.05)
    return starts


def _while_all_wait(calls: Sequence[Call], waiting: dict[str, int]) -> list[str] | None:
    """None where all still wait."""
    left = dict(waiting)
    starts = []
    for call in calls:
        starts.append(call.owner)
        left[call.owner] -= 1
        if not left[call.owner]:
            return starts
    return None


def _jain(starts: Sequence[str], tenants: dict[str, int]) -> float:
    served = [starts.count(tenant) for tenant in tenants]
    return sum(served) ** 2 / (len(served) * sum(count * count for count in served))
