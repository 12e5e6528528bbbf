"""Taking in what the application stored itself: bulks without `schema`, and on request single jobs. Run by upkeep.

A bulk is adopted once its jobs are all there. The jobs are made Pressrun's first, the bulk last and by
compare-and-set, so that one half adopted is never claimed from and is simply adopted again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog

from jobs import leases, priority
from jobs.clock import Clock
from jobs.documents import BulkRequest, Token, new_bulk, new_job
from jobs.errors import DuplicateKey
from jobs.settling import Settling
from jobs.states import ENDED_JOBS, BulkStatus, JobStatus
from jobs.storage.store import Document, Store

log = structlog.get_logger()
AT_ONCE = 50
FOREIGN: Document = {"schema": {"$exists": False}}
WAITING_BULKS: Document = {**FOREIGN, "status": BulkStatus.QUEUED.value}


class Adoption:
    """`defaults` are the settings' retries, delay, parallelism, stagger and cost for bulks that do not say."""

    def __init__(
        self, store: Store, clock: Clock, settling: Settling, defaults: BulkRequest, *, single_jobs: bool
    ) -> None:
        self._bulks = store.collection("bulk_jobs")
        self._jobs = store.collection("generation_jobs")
        self._clock = clock
        self._settling = settling
        self._defaults = defaults
        self.takes_single_jobs = single_jobs

    async def run(self) -> int:
        """How many bulks were adopted."""
        if self.takes_single_jobs:
            await self._wrap_single_jobs()
        adopted = 0
        for bulk in await self._bulks.find(WAITING_BULKS, limit=AT_ONCE):
            adopted += await self._adopt(bulk)
        return adopted

    async def _adopt(self, bulk: Document) -> bool:
        total = bulk.get("total_items")
        jobs = await self._jobs.find({"bulk_job_id": bulk["_id"]}, projection=["queue_position", "schema"])
        if not isinstance(total, int) or isinstance(total, bool) or total < 1 or len(jobs) != total:
            return False
        whole = self._as_ours(bulk)
        positions = [job.get("queue_position") for job in jobs]
        numbered = sorted(positions, key=str) == sorted(range(1, total + 1), key=str)
        for position, job in enumerate(sorted(jobs, key=lambda job: job["_id"]), start=1):
            if "schema" not in job:
                await self._adopt_job(whole, job, job["queue_position"] if numbered else position)
        changes = {name: value for name, value in whole.items() if name != "_id"}
        token = leases.new_token()
        adopted = await self._bulks.update_one({"_id": bulk["_id"], **FOREIGN}, {"$set": changes | _owed(token, whole)})
        if adopted:
            await self._settling.reconcile(bulk["_id"], release=token)
            log.info("bulk_adopted", bulk_id=str(bulk["_id"]), total_items=total)
        return adopted == 1

    async def _adopt_job(self, bulk: Document, found: Document, position: int) -> None:
        job = await self._jobs.find_one({"_id": found["_id"], **FOREIGN})
        if job is None:
            return
        ours = new_job(job["_id"], bulk, position, {}, self._clock.now())
        kept = {"_id", "bulk_job_id", "userId", "created_at", "params", "mode"} & job.keys()
        if job.get("status") in ENDED_JOBS:
            kept |= {"status", "error", "result", "started_at", "completed_at"} & job.keys()
        fields = {name: value for name, value in ours.items() if name not in kept}
        await self._jobs.update_one({"_id": job["_id"], **FOREIGN}, {"$set": fields})

    def _as_ours(self, bulk: Document) -> Document:
        request = BulkRequest(
            mode=bulk.get("mode") or "",
            items=[{}] * bulk["total_items"],
            name=_text(bulk, "name"),
            tenant=_text(bulk, "tenant"),
            kind=_text(bulk, "kind") or "bulk",
            max_retries=_count(bulk, "max_retries", self._defaults.max_retries),
            delay=self._defaults.delay,
            parallelism=self._defaults.parallelism,
            stagger=self._defaults.stagger,
            cost_per_job=self._defaults.cost_per_job,
            pipeline=self._defaults.pipeline,
        )
        ours = new_bulk(bulk["_id"], bulk.get("userId") or "unknown", request, self._clock.now())
        kept: Document = {name: bulk[name] for name in ("userId", "created_at", "mode", "metadata") if name in bulk}
        if not isinstance(kept.get("created_at"), datetime):
            kept["created_at"] = ours["created_at"]  # lists and sums go by it
        # Not in each bulk of ours, so the application's own fields of these names would be taken for them.
        none_yet = {"hours": None, "results_dropped_at": None}
        return {**ours, **kept, **none_yet, "rank": priority.rank(kept["created_at"], ours["priority"])}

    async def _wrap_single_jobs(self) -> None:
        """Give each of the application's own jobs a bulk of one with the job's id; adoption does the rest."""
        alone = {**FOREIGN, "bulk_job_id": None, "status": JobStatus.QUEUED.value}
        for job in await self._jobs.find(alone, limit=AT_ONCE):
            bulk = {
                "_id": job["_id"],
                "userId": job.get("userId"),
                "mode": job.get("mode"),
                "kind": "single",
                "status": BulkStatus.QUEUED.value,
                "total_items": 1,
                "created_at": job.get("created_at") or self._clock.now(),
            }
            try:
                await self._bulks.insert_one(bulk)
            except DuplicateKey:
                pass  # made by a sweep that died before the next write
            await self._jobs.update_one({"_id": job["_id"], **alone}, {"$set": {"bulk_job_id": job["_id"]}})


def _owed(token: Token, bulk: Document) -> Document:
    """Some jobs may have ended before: a slot that nothing holds has the sweep count them, should this process die."""
    now = bulk["due_at"]
    slot = {"job_id": None, "worker_id": "adoption", "at": now, "until": now, "cost": 0.0}
    return {"slots": {token: slot}, "busy": 1, "free": bulk["free"] - 1}


def _text(document: Mapping[str, Any], name: str) -> str | None:
    value = document.get(name)
    return value if isinstance(value, str) else None


def _count(document: Mapping[str, Any], name: str, default: int) -> int:
    value = document.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else default
