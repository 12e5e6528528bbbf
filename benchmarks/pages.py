"""How long pages and reads take with 100,000 bulks and 5,000,000 jobs, over HTTP; what pages weigh, how soon they show.

The database is kept (`pressrun_pages`): its first filling takes ten minutes. A heavy owner has a fifth of it, and a
bulk of 10,000 jobs; another owner has what is usual; an admin's queue is everybody's. Times are as a client sees them.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
from pymongo.asynchronous.database import AsyncDatabase

from benchmarks.archive import HEAVY, ITEMS, LARGE, Archive
from benchmarks.bench import Bench
from benchmarks.commands import CommandListener
from benchmarks.deployment import alone, http_client
from benchmarks.figures import Figure, Figures, at_most, latencies, skipped
from benchmarks.inside import inside
from benchmarks.paint import first_paint
from benchmarks.plans import plans, read_questions, table
from benchmarks.stopwatch import Stopwatch
from jobs.indexes import INDEXES
from jobs.storage.mongo import MongoStore

BULKS = 100_000
ROUNDS = 100
WARM_UP = 3
GOAL_MS = 150.0
WEIGHT_KB = 100.0
FAR = 50
NO_GENERATOR = "http://127.0.0.1:9"
LIST = "/api/bulk-generate"
USERS = {"heavy owner": HEAVY, "owner": "owner-17", "admin": "developer"}

READS = {
    "list": LIST,
    "list, completed": LIST + "?status=completed&limit=50",
    "list, what is live": LIST + "?status=queued&status=processing&status=paused",
    "list, blogs": LIST + "?pipeline=blog",
    "search, one word": LIST + "?q=boots&limit=50",
    "search, two words": LIST + "?q=café wint&limit=50",
    "search, nothing found": LIST + "?q=zebra",
    "a bulk": LIST + "/{bulk}",
    "a bulk, its failed jobs": LIST + "/{bulk}?jobs_status=failed",
    "a job": "/api/jobs/{job}",
    "jobs": "/api/jobs",
    "jobs, failed": "/api/jobs?status=failed",
    "selections": "/api/selections",
    "queue": "/api/queue",
    "throughput": "/api/queue/throughput",
}
OF_HEAVY = {
    "list, page 50": LIST + "?limit=50&cursor={far}",
    "a bulk of 10,000": LIST + "/{large}",
    "a bulk of 10,000, page 25": LIST + "/{large}?jobs_cursor=5000",
    "a bulk of 10,000, its failed jobs": LIST + "/{large}?jobs_status=failed",
}
OF_ADMIN = {"queue": "/api/queue", "throughput": "/api/queue/throughput", "system": "/api/system"}
PAGES = (
    "/", "/?q=boots", "/?status=completed", "/bulks/{bulk}", "/bulks/{large}", "/jobs/{job}", "/queue", "/selections",
    "/bulks/new", "/templates",
)  # fmt: skip
"""Of each its time for the heavy owner, and its weight: what it loads besides is named in it."""

LOADED = re.compile(r'<(?:link|script)[^>]+(?:href|src)="(/[^"]+)"')


@dataclass(frozen=True)
class Visitor:
    """Asks as one user; `known` are ids and cursors of theirs, by the names that paths have for them."""

    who: str
    http: httpx2.AsyncClient
    watch: Stopwatch
    known: dict[str, str]

    async def ask(self, name: str, path: str) -> httpx2.Response:
        return await self.watch.ask(f"{name}, {self.who}", "GET", path.format_map(self.known))


async def run(bench: Bench) -> Figures:
    bulks = bench.scaled(bench.scaled(BULKS))
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(bench.client())
        database = client["pressrun_pages_quick" if bench.quick else "pressrun_pages"]
        archive = Archive(database, bulks)
        seconds = await archive.fill()
        store = MongoStore.connect(bench.uri, database.name, 5, "benchmark")
        await store.create_indexes(INDEXES)
        await store.close()
        jobs = await database.generation_jobs.estimated_document_count()
        note = f"filled in {seconds:.0f} s, without the indexes" if seconds is not None else "as it was kept"
        yield Figure("jobs", jobs, f"in {bulks:,} bulks", note=note)
        await archive.lay_a_day_over(datetime.now(UTC))
        stack.push_async_callback(archive.take_the_day_off)
        _, said = await stack.enter_async_context(alone("service", bench, database.name, NO_GENERATOR))
        visitors = {
            who: await stack.enter_async_context(_visitor(who, user, said, database)) for who, user in USERS.items()
        }
        for who, visitor in visitors.items():
            first = await visitor.http.get("/api/queue")
            yield Figure(f"the first look at the queue, {who}", first.elapsed.total_seconds() * 1000, "ms")
        for number in range(WARM_UP + bench.scaled(ROUNDS)):
            if number == WARM_UP:
                for visitor in visitors.values():
                    visitor.watch.seconds.clear()
            await _round(visitors)
        for visitor in visitors.values():
            for name, measured in visitor.watch.seconds.items():
                for figure in latencies(name, measured, GOAL_MS):
                    yield figure
        heavy = visitors["heavy owner"]
        async for figure in _pages(bench, heavy):
            yield figure
        shown = [page.format_map(heavy.known) for page in PAGES]
        async for figure in first_paint(said, {"X-Pressrun-User": HEAVY}, shown):
            yield figure
        if bench.output is not None:
            await _write_plans(bench, bench.output, database)


async def _write_plans(bench: Bench, output: Path, database: AsyncDatabase[dict[str, Any]]) -> None:
    listener = CommandListener()
    async with inside(bench, database.name, NO_GENERATOR) as parts:
        told = await plans(read_questions(parts.system, HEAVY), database, listener)
    (output / "page_plans.json").write_text(json.dumps(told, indent=1, default=str) + "\n")
    (output / "page_plans.md").write_text(table(told))


async def _round(visitors: dict[str, Visitor]) -> None:
    for who, visitor in visitors.items():
        of_user = OF_ADMIN if who == "admin" else READS | (OF_HEAVY if who == "heavy owner" else {})
        for name, path in of_user.items():
            await visitor.ask(name, path)


@asynccontextmanager
async def _visitor(who: str, user: str, url: str, database: AsyncDatabase[dict[str, Any]]) -> AsyncIterator[Visitor]:
    async with http_client(url) as http:
        http.headers["X-Pressrun-User"] = user
        known = {}
        if who != "admin":
            bulk = await database.bulk_jobs.find_one({"userId": user, "failed_items": 3, "total_items": ITEMS})
            large = await database.bulk_jobs.find_one({"userId": HEAVY, "total_items": LARGE})
            assert bulk is not None
            assert large is not None
            job = await database.generation_jobs.find_one({"bulk_job_id": bulk["_id"]})
            assert job is not None
            known = {"bulk": str(bulk["_id"]), "large": str(large["_id"]), "job": str(job["_id"])}
            if user == HEAVY:
                known["far"] = await _far(http)
        yield Visitor(who, http, Stopwatch(http), known)


async def _far(http: httpx2.AsyncClient) -> str:
    """Where the fiftieth page begins, or the last of those that there are."""
    query = {"limit": "50"}
    for _ in range(FAR - 1):
        page = (await http.get(LIST, params=query)).raise_for_status().json()
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    return query["cursor"]


async def _pages(bench: Bench, visitor: Visitor) -> AsyncIterator[Figure]:
    visitor.watch.seconds.clear()
    for page in PAGES:
        first = await visitor.http.get(page.format_map(visitor.known))
        if first.status_code == 404:
            yield skipped(page, "there is no such page")
            continue
        for _ in range(bench.scaled(ROUNDS)):
            await visitor.ask(page, page)
        for figure in latencies(page, visitor.watch.seconds[f"{page}, {visitor.who}"], GOAL_MS):
            yield figure
        weight = first.num_bytes_downloaded
        for loaded in sorted(set(LOADED.findall(first.text))):
            weight += (await visitor.http.get(loaded)).raise_for_status().num_bytes_downloaded
        yield at_most(f"{page}, with all that it loads", weight / 1000, "kB", WEIGHT_KB)
