"""What the jobs of a bulk were submitted with, in order. Nothing is written here, and no request made of it."""

from __future__ import annotations

from jobs.documents import ITEM_FIELDS
from jobs.storage.store import Document, Store

BATCH = 500


class Submitted:
    def __init__(self, store: Store) -> None:
        self._jobs = store.collection("generation_jobs")

    async def items(self, bulk: Document) -> list[Document]:
        """The declared fields of each job, and its `params`."""
        found: list[Document] = []
        after = 0
        while True:
            mine = {"bulk_job_id": bulk["_id"], "shard": bulk["shard"], "queue_position": {"$gt": after}}
            batch = await self._jobs.find(
                mine, projection=[*ITEM_FIELDS, "params", "queue_position"], sort=[("queue_position", 1)], limit=BATCH
            )
            found += [{name: job[name] for name in (*ITEM_FIELDS, "params") if name in job} for job in batch]
            if len(batch) < BATCH:
                return found
            after = batch[-1]["queue_position"]
