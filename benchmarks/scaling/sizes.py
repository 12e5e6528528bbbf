"""How large bulks and jobs are, and their indexes: documents as the code makes them, put into a database."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import bson
from bson import ObjectId
from pymongo.asynchronous.database import AsyncDatabase

from benchmarks.instant_generator import ARTICLE
from benchmarks.seeding import AT_ONCE, Seeding, jobs_of
from jobs.indexes import INDEXES
from jobs.storage.store import Document

OWNERS = 200
ITEMS = 50
DAYS = 365
WAITING = 0.02
SAMPLE = 2_000
ATTEMPT = {"outcome": "completed", "error": None, "cost": 0.01, "usage": {"input_tokens": 700, "output_tokens": 900}}
"""What an attempt has beside its moments, its worker and its token."""


@dataclass(frozen=True)
class Size:
    """Of a collection, for each of its documents, in bytes. `document` is as BSON; `stored` is what the server has on
    its disk for it, compressed; `indexes` what it has for each index; `keys` what the keys of these come to."""

    document: float
    stored: float
    indexes: Mapping[str, float]
    keys: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def bulks(count: int, rng: random.Random) -> Iterator[tuple[Document, list[Document]]]:
    """Each with its jobs. Nearly all have ended, over a year."""
    now = datetime.now(UTC)
    owners = [ObjectId() for _ in range(OWNERS)]
    for number in range(count):
        created = now - timedelta(days=rng.random() * DAYS)
        bulk = Seeding.bulk(ITEMS, created, owner=str(owners[number % OWNERS]))
        jobs = jobs_of(bulk)
        if rng.random() >= WAITING:
            for job in jobs:
                _end(job, created + timedelta(minutes=3) * job["queue_position"], rng)
            ended = jobs[-1]["completed_at"]
            done = {"status": "completed", "completed_items": ITEMS, "remaining_items": 0, "head": ITEMS}
            bulk |= {**done, "started_at": created, "completed_at": ended, "changed_at": ended, "due_at": ended}
        yield bulk, jobs


async def fill(database: AsyncDatabase[dict[str, Any]], jobs: int, rng: random.Random) -> None:
    """So many more jobs in all."""
    waiting: list[Document] = []
    made: list[Document] = []
    for bulk, of_bulk in bulks(jobs // ITEMS, rng):
        made.append(bulk)
        waiting += of_bulk
        if len(waiting) >= AT_ONCE:
            await database.generation_jobs.insert_many(waiting, ordered=False)
            waiting = []
    if waiting:
        await database.generation_jobs.insert_many(waiting, ordered=False)
    await database.bulk_jobs.insert_many(made, ordered=False)


async def size_of(database: AsyncDatabase[dict[str, Any]], collection: str) -> Size:
    told = await database.command("collStats", collection)
    count = told["count"]
    some = [document async for document in database[collection].find(limit=SAMPLE)]
    return Size(
        sum(len(bson.encode(document)) for document in some) / len(some),
        told["storageSize"] / count,
        {name: size / count for name, size in told["indexSizes"].items()},
        sum(_keys(collection, document) for document in some) / len(some),
    )


def _keys(collection: str, document: Document) -> int:
    """The bytes of all keys of a document, without what a server compresses and without its pages."""
    found = [("_id",), *(tuple(name for name, _ in index.keys) for index in INDEXES if index.collection == collection)]
    return sum(_key(document, fields) for fields in found)


def _key(document: Document, fields: Sequence[str]) -> int:
    values = [_value(document, field) for field in fields]
    if all(value is None for value in values):
        return 0  # a partial index has no entry for it
    return RECORD + sum(len(bson.encode({"": value})) - EMPTY for value in values)


RECORD = 8
EMPTY = len(bson.encode({"": None})) - 1
"""Of a document of one value without a name: all but the value, which in a key has a byte for its type."""


def _value(document: Document, field: str) -> Any:
    value: Any = document
    for name in field.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _end(job: Document, ended: datetime, rng: random.Random) -> None:
    started = ended - timedelta(minutes=3)
    token = f"{rng.getrandbits(96):024x}"
    moments = {"started_at": started, "ended_at": ended, "worker_id": "worker-5d8f7c9b4-x2x7k-1-a1b2c3", "token": token}
    words = ARTICLE.split()
    rng.shuffle(words)  # else all would be one text, and take nothing on a disk
    job |= {
        "status": "completed",
        "started_at": started,
        "completed_at": ended,
        "changed_at": ended,
        "rev": 9,
        "percentage": 100,
        "result": " ".join(words),
        "result_meta": {"usage": ATTEMPT["usage"], "stage": "storage"},
        "attempts": [{**moments, **ATTEMPT}],
        "cost": 0.01,
        "usage": ATTEMPT["usage"],
    }
