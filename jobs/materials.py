"""What stages need of what is stored: the sketches of an article's siblings, and assets, which are bytes of a job's."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from jobs.claims import Claim
from jobs.clock import Clock
from jobs.documents import UserId
from jobs.errors import NotFound
from jobs.states import JobStatus
from jobs.storage.store import Document, Store

MOST_SIBLINGS = 500


class Materials:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._jobs = store.collection("generation_jobs")
        self._assets = store.collection("assets")
        self._clock = clock

    async def siblings(self, claim: Claim) -> Sequence[tuple[int, Sequence[int]]]:
        """Position and sketch of the bulk's finished articles, at most `MOST_SIBLINGS` of them."""
        found = await self._jobs.find(
            {
                "bulk_job_id": claim.bulk_id,
                "shard": claim.shard,
                "status": JobStatus.COMPLETED.value,
                "_id": {"$ne": claim.job_id},
            },
            projection=["queue_position", "sketch"],
            limit=MOST_SIBLINGS,
        )
        return [(job["queue_position"], job["sketch"]) for job in found if job.get("sketch")]

    async def keep_asset(self, claim: Claim, data: bytes, content_type: str) -> str:
        """Its id. The same bytes of the same job are kept once."""
        asset_id = f"{claim.job_id}-{hashlib.sha256(data).hexdigest()[:16]}"
        asset: Document = {
            "job_id": claim.job_id,
            "bulk_job_id": claim.bulk_id,
            "userId": claim.job["userId"],
            "content_type": content_type,
            "data": data,
            "size": len(data),
            "created_at": self._clock.now(),
        }
        await self._assets.update_one({"_id": asset_id}, {"$setOnInsert": asset}, upsert=True)
        return asset_id

    async def asset(self, owner: UserId, asset_id: str) -> tuple[bytes, str]:
        """The bytes and their content type. Raises `NotFound`, also for somebody else's."""
        found = await self._assets.find_one({"_id": asset_id, "userId": owner})
        if found is None:
            raise NotFound("asset")
        return bytes(found["data"]), found["content_type"]
