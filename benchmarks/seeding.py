"""Fills a database faster than the API can: the same documents, in large inserts, without creation records."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId
from pymongo.asynchronous.database import AsyncDatabase

from benchmarks.deployment import a_bulk
from benchmarks.instant_generator import ARTICLE
from jobs import leases
from jobs.clock import NEVER
from jobs.documents import BulkId, BulkRequest, JobId, new_bulk, new_job
from jobs.pipelines import PLAIN, PipelineSpec
from jobs.storage.store import Document

OWNER = "developer"
AT_ONCE = 5_000
BULKS_AT_ONCE = 500


class Seeding:
    def __init__(self, database: AsyncDatabase[dict[str, Any]]) -> None:
        self._database = database

    async def waiting_bulks(
        self,
        bulks: int,
        items: int,
        parallelism: int = 1,
        *,
        owners: Sequence[str] = (OWNER,),
        priorities: Sequence[float] = (),
        stagger: timedelta = timedelta(0),
        pipeline: PipelineSpec = PLAIN,
    ) -> list[BulkId]:
        """Bulks that may run at once, oldest first. Owners and priorities are given in turn; each owner is a tenant.

        With one call a job and nothing else done to it, where no other `pipeline` is named: the queue is measured.
        """
        now = datetime.now(UTC)
        made = [
            self.bulk(
                items,
                now - timedelta(hours=1) + timedelta(milliseconds=number),
                parallelism,
                owner=owners[number % len(owners)],
                priority=priorities[number % len(priorities)] if priorities else None,
                stagger=stagger,
                pipeline=pipeline,
            )
            for number in range(bulks)
        ]
        # jobs first: a bulk whose jobs are not there yet must not be claimed
        waiting: list[Document] = []
        for bulk in made:
            waiting += jobs_of(bulk)
            if len(waiting) >= AT_ONCE:
                await self._insert("generation_jobs", waiting)
                waiting = []
        await self._insert("generation_jobs", waiting)
        await self._insert("bulk_jobs", made)
        return [bulk["_id"] for bulk in made]

    async def running_bulks(self, bulks: int, items: int, lease: timedelta, *, owners: Sequence[str]) -> list[Document]:
        """Bulks of which the first job runs, so that no other may start; that job of each."""
        now = datetime.now(UTC)
        running: list[Document] = []
        for start in range(0, bulks, BULKS_AT_ONCE):
            made, jobs = [], []
            for number in range(start, min(start + BULKS_AT_ONCE, bulks)):
                bulk = self.bulk(items, now, 1, owner=owners[number % len(owners)])
                first, *others = jobs_of(bulk)
                token = leases.new_token()
                until = now + lease
                first |= {"status": "processing", "lease": leases.new_lease(token, "benchmark", now, until)}
                slot = {"job_id": first["_id"], "worker_id": "benchmark", "at": now, "until": until, "cost": 0.0}
                bulk |= {"status": "processing", "started_at": now, "slots": {token: slot}, "busy": 1, "free": 0}
                made.append(bulk)
                jobs += [first, *others]
                running.append(first)
            await self._insert("generation_jobs", jobs)
            await self._insert("bulk_jobs", made)
        return running

    async def ended_bulks(self, bulks: int, items: int, failed: int = 0) -> list[str]:
        """Bulks that are over, each with so many failed jobs; the others have an article."""
        ids = []
        for _ in range(bulks):
            bulk = self.bulk(items, datetime.now(UTC), 1)
            jobs = jobs_of(bulk)
            for job in jobs:
                _end(job, failed=job["queue_position"] <= failed)
            bulk |= {
                "status": "completed",
                "completed_items": items - failed,
                "failed_items": failed,
                "remaining_items": 0,
                "started_at": bulk["created_at"],
                "completed_at": bulk["created_at"],
                "error_summary": [f"Item {number}: {_ERROR}" for number in range(1, failed + 1)],
                "due_at": NEVER,
            }
            await self._insert("generation_jobs", jobs)
            await self._insert("bulk_jobs", [bulk])
            ids.append(str(bulk["_id"]))
        return ids

    @staticmethod
    def bulk(
        items: int,
        created_at: datetime,
        parallelism: int = 1,
        *,
        owner: str = OWNER,
        priority: float | None = None,
        stagger: timedelta = timedelta(0),
        pipeline: PipelineSpec = PLAIN,
    ) -> Document:
        """As it would be stored, and is not yet."""
        stored = a_bulk(items)["items"]
        assert isinstance(stored, list)
        request = BulkRequest(
            mode="topic",
            name="Benchmark",
            items=stored,
            delay=timedelta(0),
            parallelism=parallelism,
            priority=priority,
            stagger=stagger,
            pipeline=pipeline,
        )
        return new_bulk(BulkId(ObjectId()), owner, request, created_at)

    async def _insert(self, collection: str, documents: Sequence[Document]) -> None:
        for start in range(0, len(documents), AT_ONCE):
            await self._database[collection].insert_many(documents[start : start + AT_ONCE], ordered=False)


_ERROR = "The generator answered 400: The topic is not allowed."


def jobs_of(bulk: Document) -> list[Document]:
    items = a_bulk(bulk["total_items"])["items"]
    assert isinstance(items, list)
    return [
        new_job(JobId(ObjectId()), bulk, position, item, bulk["created_at"])
        for position, item in enumerate(items, start=1)
    ]


def _end(job: Document, *, failed: bool) -> None:
    moment = job["created_at"]
    ended: Document = {"started_at": moment, "completed_at": moment}
    if failed:
        job |= ended | {"status": "failed", "error": _ERROR}
    else:
        job |= ended | {"status": "completed", "result": ARTICLE, "result_meta": {"usage": None, "stage": "writing"}}
