"""The price of a database write, for `stages`: the update that keeps a stage's result, sent by itself again and again.

Nothing of Pressrun's runs here: what its own code costs beside the write is what is to be found out.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import uvloop
from bson import ObjectId
from pymongo import AsyncMongoClient

from jobs.storage.revisions import changed

TOKEN = "0123456789abcdef01234567"
SHARD = 17


def seconds_of_writes(uri: str, database: str, count: int) -> list[float]:
    """How long each took. It blocks: it has an event loop of its own, of the kind that a worker has."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_written(uri, database, count))


async def _written(uri: str, database: str, count: int) -> list[float]:
    seconds = []
    async with AsyncMongoClient[dict[str, Any]](uri, w="majority", tz_aware=True) as client:
        jobs = client[database]["generation_jobs"]
        now = datetime.now(UTC)
        job_id = ObjectId()
        lease = {"token": TOKEN, "taken_at": now, "until": now, "spent": None}
        job = {"_id": job_id, "shard": SHARD, "status": "processing", "lease": lease, "checkpoints": {}, "rev": 1}
        await jobs.insert_one(job)
        owned = {"_id": job_id, "shard": SHARD, "status": "processing", "lease.token": TOKEN}
        for number in range(count):
            began = time.perf_counter()
            result = await jobs.update_one(owned, _kept(number % 7 + 1, now))
            seconds.append(time.perf_counter() - began)
            assert result.matched_count == 1
        await jobs.delete_one({"_id": job_id})
    return seconds


def _kept(stage: int, now: datetime) -> dict[str, Any]:
    entry = {
        "status": "completed",
        "hash": "0123456789abcdef",
        "duration_ms": 0,
        "result": {"text": "Boots"},
        "at": now,
    }
    changes = {
        f"checkpoints.stage-{stage}": entry,
        "current_stage": f"stage-{stage + 1}",
        "percentage": 14 * stage,
        "lease.spent": {"told": 0.0, "tokens": {"input": 0, "output": 0}},
        "lease.until": now,
    }
    return changed({"$set": changes, "$unset": {f"paid.stage-{stage}": ""}})
