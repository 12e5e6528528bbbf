"""What is told of several bulks at once beside their own pages: names, stages, how many jobs wait for a person. Nothing
is written here."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from jobs.documents import BulkId, UserId
from jobs.states import JobStatus
from jobs.store import Document, Store


@dataclass(frozen=True)
class Brief:
    """Of one bulk; `stages` in the order its jobs go through them."""

    name: str | None
    stages: Sequence[str]


class Briefs:
    """Each question is one read. What is somebody else's is left out; an `owner` of None sees all."""

    def __init__(self, store: Store) -> None:
        self._bulks = store.collection("bulk_jobs")
        self._jobs = store.collection("generation_jobs")

    async def of(self, owner: UserId | None, bulk_ids: Collection[BulkId]) -> Mapping[BulkId, Brief]:
        if not bulk_ids:
            return {}
        wanted = {"_id": {"$in": list(set(bulk_ids))}, **_owned(owner)}
        found = await self._bulks.find(wanted, projection=["name", "stages"])
        return {bulk["_id"]: Brief(bulk["name"], [stage["name"] for stage in bulk["stages"]]) for bulk in found}

    async def awaiting(self, owner: UserId | None, bulk_ids: Collection[BulkId]) -> Mapping[BulkId, int]:
        """How many jobs of each wait for a person; bulks that have none are left out."""
        if not bulk_ids:
            return {}
        wanted = {
            "bulk_job_id": {"$in": list(set(bulk_ids))},
            "status": JobStatus.AWAITING_SELECTION.value,
            **_owned(owner),
        }
        grouped = {"$group": {"_id": "$bulk_job_id", "count": {"$sum": 1}}}
        return {row["_id"]: row["count"] for row in await self._jobs.aggregate([{"$match": wanted}, grouped])}


def _owned(owner: UserId | None) -> Document:
    return {"schema": 1} if owner is None else {"schema": 1, "userId": owner}
