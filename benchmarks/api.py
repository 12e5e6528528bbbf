"""p50 and p99 of every API route, on a real server, with bulks of 50 and a worker that is in the middle of a job."""

from __future__ import annotations

from benchmarks.bench import Bench
from benchmarks.deployment import a_bulk, deployed, http_client
from benchmarks.figures import Figures, latencies
from benchmarks.instant_generator import InstantGenerator
from benchmarks.seeding import Seeding
from benchmarks.stopwatch import Stopwatch

ROUNDS = 200
ITEMS = 50
FAILED = 10
ROOT = "/api/bulk-generate"
GOAL_MS = 100.0
GOALS = {"POST bulk", "GET bulk", "POST pause", "POST resume", "POST cancel"}
WARM_UP = 5
ARTICLE = {"mode": "topic", "pipeline": "plain", "topic": "One article"}
CLEARING = "what a round leaves is cancelled, and not counted"


async def run(bench: Bench) -> Figures:
    worker_busy = {"PRESSRUN_WORKER__POLL_SECONDS": "0.1"}
    async with (
        bench.database() as database,
        InstantGenerator(holds=True) as generator,
        deployed(bench, database, generator.url, settings=worker_busy) as deployment,
        bench.client() as client,
        http_client(deployment.url) as http,
    ):
        seeding = Seeding(client[database])
        rounds = bench.scaled(ROUNDS)
        finished = await seeding.ended_bulks(10, ITEMS)
        half_failed = await seeding.ended_bulks(WARM_UP + rounds, ITEMS, failed=FAILED)
        for number in range(WARM_UP):
            await _life(Stopwatch(http), finished[0], half_failed[number])
        watch = Stopwatch(http)
        for number in range(rounds):
            await _life(watch, finished[number % len(finished)], half_failed[WARM_UP + number])
        del watch.seconds[CLEARING]
        for name, seconds in watch.seconds.items():
            for figure in latencies(name, seconds, GOAL_MS if name in GOALS else None):
                yield figure


async def _life(watch: Stopwatch, finished: str, half_failed: str) -> None:
    """Every route once: the life of one bulk, and what else a page asks for."""
    body = a_bulk(ITEMS)
    await watch.ask("POST validate", "POST", f"{ROOT}/validate", json=body)
    bulk_id = (await watch.ask("POST bulk", "POST", ROOT, json=body)).json()["bulk_job_id"]
    bulk = f"{ROOT}/{bulk_id}"
    await watch.ask("GET bulks", "GET", ROOT)
    jobs = (await watch.ask("GET bulk", "GET", bulk)).json()["jobs"]
    await watch.ask("PATCH bulk", "PATCH", bulk, json={"name": "Renamed"})
    await watch.ask("POST pause", "POST", f"{bulk}/pause", json={"mode": "finish"})
    await watch.ask("POST resume", "POST", f"{bulk}/resume")
    await watch.ask("POST job cancel", "POST", f"/api/jobs/{jobs[-1]['id']}/cancel")
    await watch.ask("POST job retry", "POST", f"/api/jobs/{jobs[-1]['id']}/retry")
    for kind in ("json", "jsonl", "csv", "zip"):
        await watch.ask(f"GET results {kind}", "GET", f"{ROOT}/{finished}/results", params={"format": kind})
    await watch.ask("GET jobs", "GET", "/api/jobs")
    await watch.ask("GET jobs of a bulk", "GET", "/api/jobs", params={"bulk_job_id": bulk_id})
    await watch.ask("GET job", "GET", f"/api/jobs/{jobs[0]['id']}")
    single = await watch.ask("POST job", "POST", "/api/jobs", json=ARTICLE)
    for path in ("/api/queue", "/api/workers", "/api/limits", "/healthz", "/readyz"):
        await watch.ask(f"GET {path}", "GET", path)
    await watch.ask("PATCH /api/limits", "PATCH", "/api/limits", json={"max_running": None})
    await watch.ask("POST cancel", "POST", f"{bulk}/cancel")
    await watch.ask("POST retry", "POST", f"{ROOT}/{half_failed}/retry")
    for over in (half_failed, single.json()["bulk_job_id"]):
        await watch.ask(CLEARING, "POST", f"{ROOT}/{over}/cancel")
