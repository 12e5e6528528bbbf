"""Jobs that ask for the same as another, and share its result (`dedupe`, spec §5). No call is made or judged here.

One of the jobs with the same `twin_key` runs at a time: its scope has one place. Another that is taken meanwhile, or
while one that has begun is to go on, is put back and remembers whom it waits for. When that one has completed, or any
of its own bulk has, it gets the same result.
"""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

from bson import ObjectId

from jobs.capacity.scopes import TWIN, Entry, Place, Scopes
from jobs.clock import Clock
from jobs.documents import JobId, Token, input_of
from jobs.outcomes import Unclaimed
from jobs.states import ACTIVE_BULKS, JobStatus
from jobs.storage.revisions import changed
from jobs.storage.store import Document, Store

LOOK_AGAIN = timedelta(seconds=5)
MOST_BEGUN = 10
OWN_REFERENCE = "external_id"
"""Of an item, what makes no other request of it, but where it is published: there each has to arrive under its own."""


def twin_key(job: Document, bulk: Document) -> str | None:
    """The same for two requests of one owner for the same; None where they are not to share."""
    if not job.get("dedupe"):
        return None
    told = input_of(job)
    if not bulk["options"].get("publish_to"):
        told.pop(OWN_REFERENCE, None)
    made = [bulk["pipeline"], bulk["options"]]
    whole = json.dumps([str(job["userId"]), bulk["tenant"], job["mode"], made, told], sort_keys=True)
    return hashlib.sha256(whole.encode()).hexdigest()[:32]


class Twins:
    def __init__(self, store: Store, clock: Clock, scopes: Scopes) -> None:
        self._bulks = store.collection("bulk_jobs")
        self._jobs = store.collection("generation_jobs")
        self._clock = clock
        self._scopes = scopes

    async def result_for(self, job: Document) -> Document | None:
        """The completed job whose result this one gets; None where it has to run."""
        there: list[Document] = [{"bulk_job_id": job["bulk_job_id"], "twin_key": job["twin_key"]}]
        if job["waits_for"] is not None:
            there.append({"_id": job["waits_for"], "twin_key": job["twin_key"]})
        done = {"shard": job["shard"], "status": JobStatus.COMPLETED.value, "result_dropped_at": None, "$or": there}
        return await self._jobs.find_one(done)

    async def enter(self, job: Document, token: Token, worker_id: str) -> Place | Unclaimed:
        """The one place among its twins, or how it is to be put back while another has it."""
        scope_id = TWIN + job["twin_key"]
        await self._scopes.make(scope_id, {})
        scope = (await self._scopes.find([scope_id])).get(scope_id)
        if scope is not None and await self._scopes.enter(
            Entry(scope, max_running=1), JobId(job["_id"]), token, worker_id
        ):
            return Place(scope_id, 0.0, 0.0)
        running = [place["job_id"] for place in scope["slots"].values()] if scope else []
        waits_for = running[0] if running else None
        await self._put_off(job, waits_for)
        return Unclaimed(LOOK_AGAIN, waits_for=waits_for)

    async def begun_by_another(self, job: Document) -> Unclaimed | None:
        """How one that has not begun is put back while a twin, which is to go on, has paid for a part already."""
        if job["checkpoints"] or job["paid"]:
            return None
        begun = {
            "twin_key": job["twin_key"],
            "shard": job["shard"],
            "status": {"$in": [JobStatus.AWAITING_SELECTION.value, JobStatus.QUEUED.value]},
            "$or": [{"checkpoints": {"$ne": {}}}, {"paid": {"$ne": {}}}],
        }
        for other in await self._jobs.find(begun, projection=["bulk_job_id", "status"], limit=MOST_BEGUN):
            waits = other["status"] == JobStatus.AWAITING_SELECTION
            if waits or await self._bulks.count({"_id": other["bulk_job_id"], "status": {"$in": list(ACTIVE_BULKS)}}):
                await self._put_off(job, other["_id"])
                return Unclaimed(LOOK_AGAIN, waits_for=other["_id"])
        return None  # what stands in a paused bulk holds nobody up

    async def _put_off(self, job: Document, waits_for: ObjectId | None) -> None:
        """All of its bulk that would wait as it does: else each is taken in its turn, and nobody else's job is. Not the
        one that is waited for, or it might be put off for ever."""
        until = self._clock.now() + LOOK_AGAIN
        alike = {"bulk_job_id": job["bulk_job_id"], "twin_key": job["twin_key"], "shard": job["shard"]}
        waiting = {
            **alike,
            "_id": {"$ne": waits_for},
            "status": JobStatus.QUEUED.value,
            "due_at": {"$lt": until},
        }
        changes = {"due_at": until, "waits_for": waits_for}
        await self._jobs.update_many(waiting, changed({"$set": changes}))
