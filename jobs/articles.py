"""What jobs hold of their articles, and taking that away for good. Whose, and when, is decided elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bson import ObjectId

from jobs.states import JobStatus
from jobs.storage.revisions import changed
from jobs.storage.store import Document, Filter, Store

AT_ONCE = 100
KEPT_OF_META = ("pipeline", "stages", "usage", "shared_from", "template", "verbosity", "word_count", "slug")
"""What estimates, costs and names of files go by: no text of an article. All else of `result_meta` may be one."""

NOT_FINISHED = (JobStatus.FAILED.value, JobStatus.CANCELLED.value)
NO_TEXT: Document = {"checkpoints": {}, "paid": {}, "sent_back": None, "selection": None}
"""Of stages that were paid for, and of what a person was asked. One that is sent back later begins at its first."""


class Articles:
    def __init__(self, store: Store) -> None:
        self._jobs = store.collection("generation_jobs")
        self._assets = store.collection("assets")

    async def drop(self, bulk_id: ObjectId, jobs: Filter, at: datetime) -> None:
        """Of those `jobs` of the bulk that have ended: results, assets, stages. Their record stays, with the moment.

        Safe to repeat, and to leave half done.
        """
        whole = {**jobs, "status": JobStatus.COMPLETED.value, "result_dropped_at": None}
        while some := await self._jobs.find(whole, projection=["result_meta"], limit=AT_ONCE):
            dropped = {"result": None, "result_dropped_at": at, **NO_TEXT}
            awkward = [job for job in some if any(map(_is_no_path, job["result_meta"] or {}))]
            for job in awkward:
                kept = {**dropped, "result_meta": _kept(job["result_meta"])}
                await self._jobs.update_one({**whole, "_id": job["_id"]}, changed({"$set": kept}))
            others = [job for job in some if job not in awkward]
            update: Document = {"$set": dropped}
            if texts := {name for job in others for name in job["result_meta"] or {}} - set(KEPT_OF_META):
                update["$unset"] = {f"result_meta.{name}": "" for name in texts}
            these = {"$in": [job["_id"] for job in others]}
            await self._jobs.update_many({**whole, "_id": these}, changed(update))
        held = [{name: {"$ne": value}} for name, value in NO_TEXT.items()]
        unfinished = {**jobs, "status": {"$in": list(NOT_FINISHED)}, "$or": held}
        await self._jobs.update_many(unfinished, changed({"$set": NO_TEXT}))
        # Not those of a later generation, should whoever does this have slept: they were made after it was wanted.
        await self._assets.delete_many({"bulk_job_id": bulk_id, "created_at": {"$lte": at}})


def _is_no_path(name: str) -> bool:
    """A team's own stage may name a field so that no update can name it."""
    return "." in name or name.startswith("$") or not name


def _kept(meta: Mapping[str, Any]) -> Document:
    return {name: meta[name] for name in KEPT_OF_META if name in meta}
