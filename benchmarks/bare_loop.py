"""The measure for `throughput`: a bare PyMongo loop with only the writes that the protocol cannot do without.

A process of its own, as the worker is: `python -m benchmarks.bare_loop URI DATABASE SLOTS [GENERATOR]` runs all waiting
jobs and prints the seconds they took; with a generator's address it also makes the worker's HTTP calls. No lease is
kept, nothing confirmed or recounted, nobody can pause it: no worker to use.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import uvloop
from pymongo import AsyncMongoClient, ReturnDocument

from benchmarks.instant_generator import ARTICLE

LEASE = timedelta(seconds=30)


class BareLoop:
    def __init__(
        self, client: AsyncMongoClient[dict[str, Any]], database: str, generator: httpx2.AsyncClient | None
    ) -> None:
        self._generator = generator
        self._bulks = client[database]["bulk_jobs"]
        self._jobs = client[database]["generation_jobs"]

    async def run(self) -> None:
        """One slot: job after job, until no bulk has any."""
        while True:
            token = secrets.token_hex(12)
            bulk = await self._reserve(token)
            if bulk is None:
                return
            job = await self._take(bulk, token)
            if job is None:
                # the bulk's last job has just ended on another slot
                await self._bulks.update_one(
                    {"_id": bulk["_id"]}, {"$unset": {f"slots.{token}": ""}, "$inc": {"free": 1, "busy": -1}}
                )
                continue
            if self._generator is not None:
                body = {"topic": job["topic"], "job_id": str(job["_id"])}
                (await self._generator.post("/api/content/generate/topic", json=body)).raise_for_status()
            await self._finish(job, token)
            await self._settle(bulk, token)

    async def _reserve(self, token: str) -> dict[str, Any] | None:
        now = datetime.now(UTC)
        claimable = {
            "schema": 1,
            "status": {"$in": ["queued", "processing"]},
            "free": {"$gt": 0},
            "due_at": {"$lte": now},
            "spaced_until": {"$lte": now},
            "intent": None,
        }
        slot = {"job_id": None, "until": now + LEASE}
        found: dict[str, Any] | None = await self._bulks.find_one_and_update(
            claimable,
            {"$set": {f"slots.{token}": slot, "status": "processing"}, "$inc": {"rev": 1, "busy": 1, "free": -1}},
            sort=[("created_at", 1), ("_id", 1)],
            return_document=ReturnDocument.AFTER,
        )
        return found

    async def _take(self, bulk: dict[str, Any], token: str) -> dict[str, Any] | None:
        now = datetime.now(UTC)
        place = {"bulk_job_id": bulk["_id"], "shard": bulk["shard"], "status": "queued", "lane": 0}
        found: dict[str, Any] | None = await self._jobs.find_one_and_update(
            place | {"due_at": {"$lte": now}, "queue_position": {"$lt": bulk["head"] + 200}},
            {"$set": {"status": "processing", "lease": {"token": token, "until": now + LEASE}}, "$inc": {"rev": 1}},
            sort=[("lane", 1), ("queue_position", 1)],
            return_document=ReturnDocument.AFTER,
        )
        return found

    async def _finish(self, job: dict[str, Any], token: str) -> None:
        await self._jobs.update_one(
            {"_id": job["_id"], "shard": job["shard"], "status": "processing", "lease.token": token},
            {
                "$set": {"status": "completed", "lease": None, "result": ARTICLE, "completed_at": datetime.now(UTC)},
                "$inc": {"rev": 1},
            },
        )

    async def _settle(self, bulk: dict[str, Any], token: str) -> None:
        last = bulk["remaining_items"] == 1
        await self._bulks.update_one(
            {"_id": bulk["_id"], "shard": bulk["shard"], f"slots.{token}": {"$exists": True}},
            {
                "$unset": {f"slots.{token}": ""},
                "$inc": {"rev": 1, "busy": -1, "free": 1, "completed_items": 1, "remaining_items": -1},
                "$set": {"status": "completed"} if last else {"head": bulk["head"] + 1},
            },
        )


async def _run(uri: str, database: str, slots: int, generator_url: str | None) -> None:
    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(AsyncMongoClient[dict[str, Any]](uri, w="majority", tz_aware=True))
        generator = None
        if generator_url is not None:
            # a connection a call, as the worker's own client
            limits = httpx2.Limits(max_keepalive_connections=0)
            http = httpx2.AsyncClient(base_url=generator_url, limits=limits, trust_env=False)
            generator = await stack.enter_async_context(http)
        await client.admin.command("ping")
        loop = BareLoop(client, database, generator)
        began = time.perf_counter()
        await asyncio.gather(*(loop.run() for _ in range(slots)))
        print(time.perf_counter() - began)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4] if len(sys.argv) > 4 else None))
