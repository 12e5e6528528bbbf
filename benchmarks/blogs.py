"""Whether blogs of several stores get on side by side: how long two and ten take beside one by itself.

Each store is a tenant with one bulk of one blog: ideas, a choice, the text and an image, from a generator that takes as
long for each; nothing is published. The time is from the first request to the moment when the last blog is completed.
The choice is made through the API, at once: what is recommended is approved as soon as the blog asks.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import defaultdict
from typing import Any

import httpx2
from bson import ObjectId
from pymongo.asynchronous.database import AsyncDatabase

from benchmarks.bench import Bench
from benchmarks.calls import most_open
from benchmarks.deployment import deployed, http_client
from benchmarks.figures import Figure, Figures, at_most
from benchmarks.scene import GeneratorProcess
from jobs.states import ENDED_JOBS, JobStatus

CALL_SECONDS, QUICK_SECONDS = 6.0, 1.5
CALLS = 3
ROUNDS = 3
TOGETHER = {2: 1.0, 10: 1.3}
"""Blogs side by side, and how long they may take, in one blog's time."""

ROUNDING = 0.05
"""A goal of 1.0 is met by what rounds to it."""

WORKERS, SLOTS = 2, 10
LOOK_EVERY_SECONDS = 0.05
PATIENCE_SECONDS = 120
ENDED = frozenset(status.value for status in ENDED_JOBS)
ITEM = {"topic": "How to choose waterproof hiking boots"}


async def run(bench: Bench) -> Figures:
    call_seconds = QUICK_SECONDS if bench.quick else CALL_SECONDS
    took: dict[int, list[list[float]]] = defaultdict(list)
    async with (
        bench.database() as name,
        bench.client() as client,
        GeneratorProcess(bench.folder, call_seconds) as generator,
        deployed(bench, name, generator.url, workers=WORKERS, settings=_settings(generator.url)) as deployment,
        http_client(deployment.url) as http,
    ):
        for _ in range(1 if bench.quick else ROUNDS):
            for blogs in (1, *TOGETHER):
                took[blogs].append(await _side_by_side(http, client[name], blogs))
        calls = generator.look()
    ideal = CALLS * call_seconds
    ones = [max(of_round) for of_round in took[1]]
    note = f"{CALLS} calls of {call_seconds:g} s: ideal {ideal:g}; each {_listed(ones)}; approved through the API"
    yield Figure("one blog", statistics.median(ones), "s", note=note)
    for blogs, goal in TOGETHER.items():
        lasts = [max(of_round) for of_round in took[blogs]]
        first = statistics.median(min(of_round) for of_round in took[blogs])
        yield Figure(
            f"{blogs} stores' blogs side by side", statistics.median(lasts), "s", note=f"each {_listed(lasts)}"
        )
        yield Figure("    the first of them", first, "s", note="each moves on its own")
        ratio = statistics.median(last / one for last, one in zip(lasts, ones, strict=True))
        limit = goal + ROUNDING if goal == 1.0 else goal
        yield at_most("    in one blog's time", ratio, "times", limit, f"goal {goal:g}, ideal 1; {ratio:.3f}")
    yield Figure("most calls open at once", most_open(calls), "", note=f"{WORKERS} workers of {SLOTS} slots, no cap")


async def _side_by_side(http: httpx2.AsyncClient, database: AsyncDatabase[dict[str, Any]], blogs: int) -> list[float]:
    """When each was completed, in seconds from the first request."""
    began = time.monotonic()
    open_bulks = {ObjectId(await _submitted(http, f"store-{number}")) for number in range(1, blogs + 1)}
    seconds = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while open_bulks:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            looked = {"bulk_job_id": {"$in": list(open_bulks)}}
            async for job in database.generation_jobs.find(looked, projection=["status", "bulk_job_id"]):
                if job["status"] == JobStatus.AWAITING_SELECTION.value:
                    body = {"bulk_job_id": str(job["bulk_job_id"])}
                    (await http.post("/api/selections/approve", json=body)).raise_for_status()
                elif job["status"] in ENDED:
                    assert job["status"] == JobStatus.COMPLETED.value, "a blog has failed"
                    seconds.append(time.monotonic() - began)
                    open_bulks.discard(job["bulk_job_id"])
    return seconds


async def _submitted(http: httpx2.AsyncClient, tenant: str) -> str:
    body = {"mode": "topic", "pipeline": "blog", "tenant": tenant, "items": [ITEM]}
    response = await http.post("/api/bulk-generate", json=body)
    response.raise_for_status()
    return str(response.json()["bulk_job_id"])


def _settings(url: str) -> dict[str, str]:
    return {
        "PRESSRUN_IDEAS__URL": url,
        "PRESSRUN_IMAGES__URL": url,
        "PRESSRUN_BULK__MIN_ITEMS": "1",
        "PRESSRUN_WORKER__SLOTS": str(SLOTS),
    }


def _listed(seconds: list[float]) -> str:
    return ", ".join(f"{one:.1f}" for one in seconds)
