"""Creating a bulk: all of it or nothing, once per Idempotency-Key. What a request may ask for is decided elsewhere.

A creation is a record of its own: `writing` while the jobs are stored (nobody sees or claims them, for their bulk is
not there), then `committed` by compare-and-set, then the bulk is stored, then `done`. Whoever dies in between leaves a
record that upkeep completes (committed) or clears away (writing).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bson import ObjectId

from jobs import tracing
from jobs.bulk_hours import new_hours
from jobs.callers.user_limits import UserCounts
from jobs.capacity.quotas import Quotas
from jobs.clock import Clock
from jobs.documents import BulkId, BulkRequest, JobId, UserId, new_bulk, new_job
from jobs.errors import Busy, DuplicateKey, KeyReused, StillRunning, StoreFull, StoreUnavailable
from jobs.states import LIVE_JOBS
from jobs.storage.store import Document, Store
from jobs.twins import twin_key

BATCH = 1000
WRITING_TIME = timedelta(seconds=60)
COMMITTED_TIME = timedelta(seconds=5)
LATE_WRITER_TIME = timedelta(hours=1)
KEY_KEPT = timedelta(hours=24)
REPEAT_WAIT = timedelta(seconds=5)


@dataclass(frozen=True)
class IdempotencyKey:
    """A user's key for one request, the hash of that request's body, and how long its answer is repeated."""

    key: str
    body_hash: str
    kept: timedelta = KEY_KEPT

    @property
    def mark(self) -> str:
        """Stands for the key where it need not be read."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Created:
    bulk_id: BulkId
    job_ids: Sequence[JobId]
    total_items: int


class Creation:
    def __init__(self, store: Store, clock: Clock, quotas: Quotas, counts: UserCounts) -> None:
        self._store = store
        self._quotas = quotas
        self._counts = counts
        self._creations = store.collection("creations")
        self._bulks = store.collection("bulk_jobs")
        self._jobs = store.collection("generation_jobs")
        self._clock = clock

    async def create(self, owner: UserId, request: BulkRequest, key: IdempotencyKey | None = None) -> Created:
        """Raises `KeyReused`, `StillRunning` (after waiting for the first request), `StoreFull`, `QuotaReached`,
        `TooManySubmissions`, `TooManyOpenBulks`."""
        if key is not None and (before := await self.answered(owner, key)) is not None:
            return before
        await self._check_capacity(len(request.items))
        now = self._clock.now()
        bulk_id = BulkId(ObjectId())
        # before anything is stored: what is refused costs no more, and leaves its key to be used
        await self._counts.count_submission(owner, bulk_id, str(bulk_id) if key is None else key.mark)
        bulk = new_bulk(bulk_id, owner, request, now, tracing.current())
        if request.run_between is not None:
            bulk |= new_hours(request.run_between, now)
        job_ids = [JobId(ObjectId()) for _ in request.items]
        creation: Document = {
            "_id": ObjectId(),
            "userId": owner,
            "bulk_id": bulk["_id"],
            "bulk": bulk,
            "first_job_id": job_ids[0],
            "total_items": len(job_ids),
            "state": "writing",
            "until": now + WRITING_TIME,
            "counted_in": list(await self._quotas.limited(bulk["tenant"])),
        }
        if key is not None:
            creation |= {"key": key.key, "body_hash": key.body_hash, "kept_seconds": key.kept.total_seconds()}
        try:
            await self._creations.insert_one(creation)
        except DuplicateKey:
            if key is None:
                raise
            first = await self._creations.find_one({"userId": owner, "key": key.key})
            if first is None:
                raise StillRunning from None
            return await self._repeat(first, key)
        await self._count(creation)
        await self._write_jobs(creation, job_ids, request, now)
        if not await self._moved(creation, "writing", "committed", COMMITTED_TIME):
            await self._clear_away(creation)
            raise Busy("request")
        await self._publish(creation)
        return Created(bulk["_id"], job_ids, len(job_ids))

    async def answered(self, owner: UserId, key: IdempotencyKey) -> Created | None:
        """What the first request with this key was answered; None where there was none. Raises `KeyReused` and
        `StillRunning`."""
        before = await self._creations.find_one({"userId": owner, "key": key.key})
        return await self._repeat(before, key) if before is not None else None

    async def complete_owed(self) -> int:
        """What creations of dead processes owe: committed ones are published, the others cleared away."""
        due = await self._creations.find(
            {"state": {"$in": ["writing", "committed", "aborted"]}, "until": {"$lte": self._clock.now()}},
            limit=100,
        )
        for creation in due:
            match creation["state"]:
                case "committed":
                    await self._publish(creation)
                case "writing":
                    await self._abort(creation)
                case _:
                    await self._clear_away(creation)
                    await self._creations.delete_one({"_id": creation["_id"]})
        return len(due)

    async def _check_capacity(self, wanted: int) -> None:
        limit = self._store.max_live_jobs
        if limit is None:
            return
        live = await self._jobs.count({"status": {"$in": list(LIVE_JOBS)}})
        if live + wanted > limit:
            raise StoreFull(live=live, limit=limit)

    async def _count(self, creation: Document) -> None:
        counted_in, tenant = creation["counted_in"], creation["bulk"]["tenant"]
        try:
            await self._quotas.take(counted_in, tenant, creation["_id"], creation["total_items"])
        except StoreUnavailable:
            raise  # the database is away: upkeep gives back what was counted
        except BaseException:
            await asyncio.shield(self._abort(creation))
            raise

    async def _write_jobs(
        self, creation: Document, job_ids: Sequence[JobId], request: BulkRequest, now: datetime
    ) -> None:
        bulk = creation["bulk"]
        documents = [
            new_job(job_id, bulk, position, item, now)
            for position, (job_id, item) in enumerate(zip(job_ids, request.items, strict=True), start=1)
        ]
        for job in documents:
            job["twin_key"] = twin_key(job, bulk)
        try:
            for start in range(0, len(documents), BATCH):
                await self._jobs.insert_many(documents[start : start + BATCH])
        except StoreUnavailable:
            raise  # the database is away: upkeep clears away what was stored
        except BaseException:
            await asyncio.shield(self._abort(creation))
            raise

    async def _repeat(self, first: Document, key: IdempotencyKey) -> Created:
        """The answer of the first request with this key, waited for where it is still under way."""
        if first["body_hash"] != key.body_hash:
            raise KeyReused
        waited = timedelta(0)
        step = timedelta(milliseconds=100)
        while first["state"] != "done":
            if waited >= REPEAT_WAIT:
                raise StillRunning
            await asyncio.sleep(step.total_seconds())
            waited += step
            found = await self._creations.find_one({"_id": first["_id"]})
            if found is None or found["state"] == "aborted":
                raise StillRunning
            first = found
        return Created(first["bulk_id"], [first["first_job_id"]], first["total_items"])

    async def _publish(self, creation: Document) -> None:
        try:
            await self._bulks.insert_one({**creation["bulk"], "changed_at": self._clock.now()})
        except DuplicateKey:
            pass  # whoever was here before died before saying so
        await self._quotas.keep(creation["counted_in"], creation["_id"])
        if "key" not in creation:
            await self._creations.delete_one({"_id": creation["_id"]})
            return
        kept = timedelta(seconds=creation.get("kept_seconds", KEY_KEPT.total_seconds()))  # none before version 1.0
        done = {"state": "done", "expires_at": self._clock.now() + kept}
        await self._creations.update_one({"_id": creation["_id"]}, {"$set": done, "$unset": {"bulk": ""}})

    async def _abort(self, creation: Document) -> None:
        # Kept for a while: its writer may only be slow, and store more jobs after this.
        if await self._moved(creation, "writing", "aborted", LATE_WRITER_TIME):
            await self._clear_away(creation)

    async def _moved(self, creation: Document, before: str, after: str, time: timedelta) -> bool:
        changes: Document = {"$set": {"state": after, "until": self._clock.now() + time}}
        if after == "aborted":
            changes["$unset"] = {"key": ""}  # a refused request is not kept
        return await self._creations.update_one({"_id": creation["_id"], "state": before}, changes) == 1

    async def _clear_away(self, creation: Document) -> None:
        await self._quotas.give_back(creation["counted_in"], creation["_id"], creation["total_items"])
        await self._jobs.delete_many({"bulk_job_id": creation["bulk_id"], "shard": creation["bulk"]["shard"]})
