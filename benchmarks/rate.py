"""Whether all workers together keep to the generator's rate in every window, and how much of it they use."""

from __future__ import annotations

import asyncio

from benchmarks.bench import Bench
from benchmarks.calls import fewest_within, most_within
from benchmarks.figures import Figure, Figures, at_least, at_most, skipped
from benchmarks.scene import scene

A_MINUTE = 20
USED = 19
WORKERS, SLOTS = 4, 5
JOB_SECONDS = 1.0
MINUTE = 60.0
RUN_SECONDS, QUICK_SECONDS = 180.0, 130.0
BULKS, ITEMS, PARALLELISM = 20, 20, 5
PATIENCE_SECONDS = 30


async def run(bench: Bench) -> Figures:
    lasts = bench.lasting(RUN_SECONDS, QUICK_SECONDS)
    async with scene(bench, JOB_SECONDS, requests_per_minute=A_MINUTE) as playing:
        await playing.seeding.waiting_bulks(max(BULKS, int(lasts * A_MINUTE / MINUTE / ITEMS) + 1), ITEMS, PARALLELISM)
        await playing.add_workers(WORKERS, SLOTS)
        await playing.generator.until(came=1, within=PATIENCE_SECONDS)
        await asyncio.sleep(lasts)
        moments = [call.came for call in playing.generator.look()]
    begin, end = moments[0], moments[0] + lasts
    what = f"requests, {WORKERS} workers of {SLOTS} slots, {lasts / MINUTE:.1f} min"
    most = most_within(MINUTE, moments)
    yield at_most(f"{what}: most in any 60 s", most, "", A_MINUTE, f"{len(moments)} in all")
    # Twenty that come at once come again at once: only whole rounds of twenty tell the pace.
    rounds = [later - first for first, later in zip(moments, moments[A_MINUTE:], strict=False)]
    after = rounds[A_MINUTE::A_MINUTE]  # one after the other, from the first that the limit held up
    if not after:
        yield skipped("    after the first minute", "a longer run is needed: --seconds")
        return
    pace = A_MINUTE * MINUTE * len(after) / sum(after)
    yield at_least("    after the first minute", pace, "per min", USED, f"ideal {A_MINUTE}; rounds of it: {len(after)}")
    note = f"ideal {A_MINUTE}; from one call to the one that takes its place, {len(rounds)} such"
    yield at_least("    slowest round of twenty", A_MINUTE * MINUTE / max(rounds), "per min", USED, note)
    fewest = fewest_within(MINUTE, moments, begin, end)
    yield Figure("    fewest in any 60 s", fewest, "", note="calls that come in a bunch come in one 61 s later")
