"""What has changed since a moment, as live streams ask it: by the date of every change. Nothing is written here.

A document that was stored before changes were dated is found from its next change on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bson import ObjectId

from jobs.documents import BulkId, JobId, UserId
from jobs.reading.lookup import row_fields
from jobs.storage.store import Collection, Document, Store

LATE = timedelta(seconds=3)
"""How much later than its date a change may be seen: a write of many documents, the clocks of several servers."""

PAGE = 1000
IN_ORDER = [("changed_at", 1), ("_id", 1)]


@dataclass(frozen=True)
class Change:
    """A bulk, or with `job_id` one of its jobs, has come to this revision at that moment."""

    bulk_id: BulkId
    job_id: JobId | None
    owner: UserId
    rev: int
    at: datetime

    @property
    def document_id(self) -> ObjectId:
        return self.job_id or self.bulk_id


class Changes:
    def __init__(self, store: Store) -> None:
        self._bulks = store.collection("bulk_jobs")
        self._jobs = store.collection("generation_jobs")

    async def since(self, moment: datetime) -> AsyncIterator[Change]:
        """Of every bulk and job that has changed since then its latest change; read a thousand at a time."""
        async for job in _dated(self._jobs, moment, ("bulk_job_id", "userId", "rev", "changed_at")):
            yield Change(job["bulk_job_id"], job["_id"], job["userId"], job["rev"], job["changed_at"])
        # Bulks after their jobs: what a job's end did to its bulk is then seen in the same look more often than not.
        async for bulk in _dated(self._bulks, moment, ("userId", "rev", "changed_at")):
            yield Change(bulk["_id"], None, bulk["userId"], bulk["rev"], bulk["changed_at"])

    async def rows(self, bulk: Document, job_ids: Sequence[JobId]) -> list[Document]:
        """Those of the bulk's jobs as its rows show them, with their `rev`; in queue order."""
        return await self._rows(bulk, {"_id": {"$in": list(job_ids)}}, 0)

    async def rows_since(self, bulk: Document, moment: datetime, limit: int) -> list[Document]:
        """The same of the jobs that have changed since then."""
        return await self._rows(bulk, {"changed_at": {"$gte": moment}}, limit)

    async def _rows(self, bulk: Document, wanted: Document, limit: int) -> list[Document]:
        return await self._jobs.find(
            {"bulk_job_id": bulk["_id"], "shard": bulk["shard"], **wanted},
            projection=[*row_fields(bulk), "rev"],
            sort=[("queue_position", 1)],
            limit=limit,
        )


async def _dated(collection: Collection, moment: datetime, fields: Sequence[str]) -> AsyncIterator[Document]:
    ours: Document = {"schema": 1}  # the application's own documents may have a date of that name
    later: Document = {"changed_at": {"$gte": moment}}
    while True:
        page = await collection.find(ours | later, projection=fields, sort=IN_ORDER, limit=PAGE)
        for document in page:
            yield document
        if len(page) < PAGE:
            return
        last = page[-1]
        beyond = [{"changed_at": {"$gt": last["changed_at"]}}, {"changed_at": last["changed_at"]}]
        later = {"$or": [beyond[0], beyond[1] | {"_id": {"$gt": last["_id"]}}]}
