"""A year's bulks of 300 owners in a database that is kept: what the pages are measured on. Nothing is measured here.

Bulks are made as the service makes them; their jobs are made of them by the server itself, which is ten times as fast.
Indexes are made last. A day that ends now is laid over it for each run, and taken off again: else the last hour would
be empty on every run but the first.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId
from pymongo.asynchronous.database import AsyncDatabase

from jobs.clock import NEVER
from jobs.documents import BulkId, BulkRequest, JobId, new_bulk, new_job
from jobs.pipelines import ARTICLE, BLOG
from jobs.states import ENDED_JOBS
from jobs.storage.store import Document

HEAVY = "heavy"
OWNERS = 299
ITEMS = 50
LARGE = 10_000
YEAR = timedelta(days=365)
A_JOB_TAKES = timedelta(minutes=3)
LIVE_EVERY = 1_000
"""One bulk of so many has not ended."""

AT_ONCE = 2_000
A_DAYS = "a day that is taken off again"
SUBJECTS = ("Hiking boots", "Garden chairs", "Winter coats", "Coffee grinders", "Children's bicycles", "Café tables")
SEASONS = ("spring", "summer", "autumn", "winter")
RESULT = "# The title\n\nA short text, for what is measured are the pages and not what they do not read.\n"


@dataclass(frozen=True)
class Archive:
    """`database` is filled by `fill`, which does nothing where it has that many bulks."""

    database: AsyncDatabase[dict[str, Any]]
    bulks: int

    async def fill(self) -> float | None:
        """The seconds that it took without the indexes; None where it was there already."""
        if await self.database.bulk_jobs.count_documents({}, limit=self.bulks) >= self.bulks:
            return None
        await self.database.client.drop_database(self.database.name)
        began = time.monotonic()
        made = list(_bulks(self.bulks, datetime.now(UTC)))
        for start in range(0, len(made), AT_ONCE):
            await self._store(made[start : start + AT_ONCE])
        return time.monotonic() - began

    async def lay_a_day_over(self, now: datetime) -> None:
        """As many bulks as the year has on a day, whose jobs have ended until now."""
        await self.take_the_day_off()
        count = max(1, self.bulks // 365)
        apart = timedelta(days=1) / count
        began = now - timedelta(days=1) - ITEMS * A_JOB_TAKES
        made = [_bulk(number, began + number * apart, "completed") for number in range(count)]
        for bulk in made:
            bulk["tenant"] = A_DAYS
        await self._store(made)

    async def take_the_day_off(self) -> None:
        laid = [bulk["_id"] async for bulk in self.database.bulk_jobs.find({"tenant": A_DAYS}, ["_id"])]
        await self.database.generation_jobs.delete_many({"bulk_job_id": {"$in": laid}})
        await self.database.bulk_jobs.delete_many({"_id": {"$in": laid}})
        await self.database.tallies.drop()

    async def _store(self, bulks: Sequence[Document]) -> None:
        await self.database.bulk_jobs.insert_many(bulks, ordered=False)
        await self.database.bulk_jobs.aggregate(_jobs_of([bulk["_id"] for bulk in bulks]))


def _bulks(count: int, now: datetime) -> Iterator[Document]:
    chance = random.Random(6)
    for number in range(count):
        if number % LIVE_EVERY == LIVE_EVERY - 1:
            kind = chance.choice(("processing", "processing", "queued", "paused", "awaiting"))
            yield _bulk(number // LIVE_EVERY, now - chance.random() * timedelta(days=7), kind)
        else:
            status = "cancelled" if chance.random() < 0.05 else "completed"
            yield _bulk(
                number, now - timedelta(days=1) - chance.random() * YEAR, status, failed=chance.choice((0, 0, 0, 1, 3))
            )
    yield _bulk(0, now - timedelta(days=20), "processing", items=LARGE)


def _bulk(number: int, created_at: datetime, kind: str, *, failed: int = 0, items: int = ITEMS) -> Document:
    owner = HEAVY if number % 5 == 0 else f"owner-{number % OWNERS}"
    name = f"{SUBJECTS[number % len(SUBJECTS)]}, {SEASONS[number // 7 % len(SEASONS)]} {number}"
    pipeline = BLOG if kind == "awaiting" else ARTICLE
    request = BulkRequest(
        mode="topic", name=name, items=[{}] * items, priority=float(1 + number % 3), pipeline=pipeline
    )
    bulk = new_bulk(BulkId(ObjectId()), owner, request, created_at)
    ended = {"completed": items, "cancelled": items // 2, "queued": 0}.get(kind, items // 2)
    bulk |= {
        "status": "processing" if kind == "awaiting" else kind,
        "completed_items": ended - failed,
        "failed_items": failed,
        "cancelled_items": items - ended if kind == "cancelled" else 0,
        "busy": 1 if kind == "processing" else 0,
        "started_at": None if kind == "queued" else created_at,
        "changed_at": created_at,
        "error_summary": [f"Item {position}: The generator answered 400." for position in range(1, failed + 1)],
    }
    if kind in ("completed", "cancelled"):
        bulk |= {"completed_at": created_at + items * A_JOB_TAKES, "due_at": NEVER, "remaining_items": 0}
    else:
        bulk |= {"remaining_items": items - ended, "pause": _PAUSE | {"at": created_at} if kind == "paused" else None}
    return bulk


_PAUSE = {"by": "heavy", "mode": "finish", "reason": "After the weekend", "until": None}


def _jobs_of(bulk_ids: Sequence[ObjectId]) -> list[dict[str, Any]]:
    """A pipeline that makes the jobs of these bulks, ended in the order of their positions."""
    bulk = new_bulk(BulkId(ObjectId()), HEAVY, BulkRequest(mode="topic", items=[{}]), datetime.now(UTC))
    fresh = new_job(JobId(ObjectId()), bulk, 1, {}, bulk["created_at"])
    del fresh["_id"]
    ended_at = {"$add": ["$started_at", {"$multiply": ["$n", A_JOB_TAKES // timedelta(milliseconds=1)]}]}
    failed, done = "$failed_items", {"$add": ["$failed_items", "$completed_items"]}
    all_ended = {"$add": [done, "$cancelled_items"]}
    status = _first(
        ({"$lte": ["$n", failed]}, "failed"),
        ({"$lte": ["$n", done]}, "completed"),
        ({"$lte": ["$n", all_ended]}, "cancelled"),
        ({"$lte": ["$n", {"$add": [all_ended, "$busy"]}]}, "processing"),
        ({"$eq": ["$pipeline", BLOG.name]}, "awaiting_selection"),
        otherwise="queued",
    )
    is_done = {"$in": ["$status", list(ENDED_JOBS)]}
    lease = {"token": "t", "worker_id": "w", "taken_at": "$at", "until": NEVER, "cost": 0.0, "spent": 0.0}
    options = [{"title": f"Idea {number}", "summary": "What it is about."} for number in range(1, 5)]
    question = {"stage": "selection", "options": options, "recommended": 0, "until": None, "then": "content-generation"}
    own: dict[str, Any] = {
        "bulk_job_id": "$bulk",
        "userId": "$userId",
        "shard": "$shard",
        "queue_position": "$n",
        "topic": {"$concat": ["How to choose number ", {"$toString": "$n"}]},
        "status": "$status",
        "created_at": "$created_at",
        "changed_at": "$at",
        "due_at": "$created_at",
        "started_at": {"$cond": [{"$eq": ["$status", "queued"]}, None, "$at"]},
        "completed_at": {"$cond": [is_done, "$at", None]},
        "error": {"$cond": [{"$eq": ["$status", "failed"]}, "The generator answered 400.", None]},
        "result": {"$cond": [{"$eq": ["$status", "completed"]}, RESULT, None]},
        "lease": {"$cond": [{"$eq": ["$status", "processing"]}, lease, None]},
        "selection": {"$cond": [{"$eq": ["$status", "awaiting_selection"]}, {**question, "asked_at": "$at"}, None]},
    }
    constant = {name: {"$literal": value} for name, value in fresh.items() if name not in own}
    taken = dict.fromkeys(("userId", "shard", "created_at", "n"), 1)
    return [
        {"$match": {"_id": {"$in": list(bulk_ids)}}},
        {"$set": {"n": {"$range": [1, {"$add": ["$total_items", 1]}]}, "bulk": "$_id"}},
        {"$unwind": "$n"},
        {"$project": {"_id": 0, "bulk": 1, **taken, "at": ended_at, "status": status}},
        {"$project": {**constant, **own}},
        {"$merge": {"into": "generation_jobs"}},
    ]


def _first(*cases: tuple[dict[str, Any], str], otherwise: str) -> dict[str, Any]:
    branches = [{"case": case, "then": then} for case, then in cases]
    return {"$switch": {"branches": branches, "default": otherwise}}
