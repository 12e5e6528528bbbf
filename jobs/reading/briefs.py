"""What is told of several bulks at once: their names, and how many of their jobs wait for a person. Nothing is written
here."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from jobs.documents import BulkId, UserId
from jobs.states import JobStatus
from jobs.storage.store import Store


class Briefs:
    """Each question is one read. What is somebody else's is left out."""

    def __init__(self, store: Store) -> None:
        self._bulks = store.collection("bulk_jobs")
        self._jobs = store.collection("generation_jobs")

    async def names(self, owner: UserId, bulk_ids: Collection[BulkId]) -> Mapping[BulkId, str | None]:
        if not bulk_ids:
            return {}
        wanted = {"_id": {"$in": list(set(bulk_ids))}, "userId": owner, "schema": 1}
        return {bulk["_id"]: bulk["name"] for bulk in await self._bulks.find(wanted, projection=["name"])}

    async def awaiting(self, owner: UserId, bulk_ids: Collection[BulkId]) -> Mapping[BulkId, int]:
        """How many jobs of each wait for a person; bulks that have none are left out."""
        if not bulk_ids:
            return {}
        wanted = {
            "bulk_job_id": {"$in": list(set(bulk_ids))},
            "status": JobStatus.AWAITING_SELECTION.value,
            "userId": owner,
            "schema": 1,
        }
        grouped = {"$group": {"_id": "$bulk_job_id", "count": {"$sum": 1}}}
        return {row["_id"]: row["count"] for row in await self._jobs.aggregate([{"$match": wanted}, grouped])}
