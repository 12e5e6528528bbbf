"""How long the API takes to accept a bulk: of 50 items, and of the 10,000 that are the most."""

from __future__ import annotations

import json

from benchmarks.bench import Bench
from benchmarks.deployment import a_bulk, deployed, http_client
from benchmarks.figures import Figures, at_most, latencies, percentile
from benchmarks.instant_generator import InstantGenerator
from benchmarks.stopwatch import Stopwatch

PATH = "/api/bulk-generate"
TYPE = {"Content-Type": "application/json"}
SMALL, SMALL_TIMES, SMALL_GOAL_MS = 50, 200, 100.0
LARGE, LARGE_TIMES, LARGE_GOAL_SECONDS = 10_000, 5, 3.0
WARM_UP = 5


async def run(bench: Bench) -> Figures:
    async with (
        bench.database() as database,
        InstantGenerator() as generator,
        deployed(bench, database, generator.url, workers=0) as deployment,
        http_client(deployment.url) as http,
    ):
        small = json.dumps(a_bulk(SMALL)).encode()
        for _ in range(WARM_UP):
            await Stopwatch(http).ask("", "POST", PATH, content=small, headers=TYPE)
        watch = Stopwatch(http)
        for number in range(bench.scaled(SMALL_TIMES)):
            key = TYPE | {"Idempotency-Key": f"small-{number}"}
            await watch.ask("bare", "POST", PATH, content=small, headers=TYPE)
            await watch.ask("with key", "POST", PATH, content=small, headers=key)
        for figure in (
            *latencies(f"{SMALL} items", watch.seconds["bare"], SMALL_GOAL_MS),
            *latencies(f"{SMALL} items, with Idempotency-Key", watch.seconds["with key"], SMALL_GOAL_MS),
        ):
            yield figure
        items = bench.scaled(LARGE)
        large = json.dumps(a_bulk(items)).encode()
        for _ in range(LARGE_TIMES):
            await watch.ask("large", "POST", PATH, content=large, headers=TYPE)
        seconds = watch.seconds["large"]
        note = f"{len(large) / 2**20:.1f} MB, {len(seconds)} samples, longest {max(seconds):.2f}"
        yield at_most(f"{items:,} items, median", percentile(seconds, 50), "s", LARGE_GOAL_SECONDS, note)
