"""Controls that touch jobs, made so that it does not matter who dies when. What a control means is decided elsewhere.

The intent is written on the bulk in the write that changes its status. No bulk with an intent is claimed from or
completed, and whoever meets one carries it out. Its `epoch` fences it: it touches only jobs of an earlier epoch, and
all that comes after it (a take, a retry) stamps a later one; so a helper that wakes up late changes nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from jobs.articles import Articles
from jobs.clock import Clock
from jobs.documents import BulkId, JobId, Lane, UserId, Wish
from jobs.errors import Busy, NotFound
from jobs.settling import Settling
from jobs.states import JobStatus
from jobs.storage.revisions import changed
from jobs.storage.store import Document, Filter, Store
from jobs.wake import Wake

TRIES = 40


class Intent(StrEnum):
    """A control that touches jobs, or asks for a recount, as far as it is not carried out yet."""

    ABORT = "abort"
    CANCEL = "cancel"
    CANCEL_JOBS = "cancel_jobs"
    RETRY = "retry"
    SELECT = "select"
    DROP_RESULTS = "drop_results"
    RECOUNT = "recount"
    """Of what may have to pause by itself: nothing but the reconcile below decides that."""


KNOWN = frozenset(kind.value for kind in Intent)
"""Another kind is a newer version's: it stands until a process of that one carries it out."""


def half_done(before: datetime) -> Document:
    """Bulks with an intent that was written before then, and not carried out."""
    return {"schema": 1, "intent.at": {"$exists": True, "$lte": before}}  # as its index says it


class Intents:
    def __init__(self, store: Store, clock: Clock, settling: Settling, wake: Wake) -> None:
        self._bulks = store.collection("bulk_jobs")
        self._jobs = store.collection("generation_jobs")
        self._articles = Articles(store)
        self._clock = clock
        self._settling = settling
        self._wake = wake

    async def write(
        self,
        bulk: Document,
        changes: Document,
        kind: Intent | None,
        job_ids: Sequence[JobId] = (),
        *,
        each: Sequence[Document] = (),
        told: Sequence[Document] = (),
    ) -> Document | None:
        """The one write that a control is; None where the bulk has changed since it was read.

        `each` is what the control sets in each of the jobs, beside what it sets in all of them; `told` are events.
        """
        changes = dict(changes)
        if kind is not None:
            epoch = bulk["epoch"] + 1
            intent = {
                "id": secrets.token_hex(8),
                "kind": kind.value,
                "epoch": epoch,
                "at": self._clock.now(),
                "job_ids": list(job_ids),
                "each": list(each),
            }
            changes |= {"epoch": epoch, "intent": intent}
        unchanged = {"_id": bulk["_id"], "shard": bulk["shard"], "rev": bulk["rev"], "intent": None}
        update: Document = {"$set": changes}
        if told:
            update["$push"] = {"events": {"$each": list(told)}}
        written = await self._bulks.find_one_and_update(unchanged, changed(update))
        if written is not None and told:
            self._wake.bulk(bulk["_id"])
        if written is not None and kind is not None:
            await self.carry_out(written)
        return written

    async def carry_out(self, bulk: Document) -> None:
        """Do what the intent of `bulk` says and take it off. Safe to repeat, to leave half done, and to do late."""
        intent = bulk["intent"]
        if intent["kind"] not in KNOWN:
            return
        earlier = {"bulk_job_id": bulk["_id"], "shard": bulk["shard"], "epoch": {"$lt": intent["epoch"]}}
        match Intent(intent["kind"]):
            case Intent.ABORT:
                await self._wish(earlier | {"wish": None}, Wish.ABORT)
            case Intent.CANCEL:
                await self._wish(earlier, Wish.CANCEL)  # what waits is cancelled by the reconcile below
            case Intent.CANCEL_JOBS:
                await self._cancel_jobs(earlier | {"_id": {"$in": intent["job_ids"]}})
            case Intent.RETRY:
                await self._requeue(earlier, intent)
            case Intent.SELECT:
                await self._select(earlier, intent)
            case Intent.DROP_RESULTS:
                await self._articles.drop(bulk["_id"], earlier, intent["at"])
            case Intent.RECOUNT:
                pass
        await self._settling.reconcile(bulk["_id"], clear_intent=intent["id"])

    async def finish_half_done(self, older_than: timedelta) -> int:
        """Carry out the intents whose process seems to have died. Safe to repeat, and beside it if it has not."""
        known = {"intent.kind": {"$in": sorted(KNOWN)}}
        bulks = await self._bulks.find(half_done(self._clock.now() - older_than) | known)
        for bulk in bulks:
            await self.carry_out(bulk)
        return len(bulks)

    async def quiet(self, owner: UserId, bulk_id: BulkId) -> Document:
        """The bulk once no control is under way. Raises `NotFound`, also for somebody else's, and `Busy`."""
        for _ in range(TRIES):
            bulk = await self._bulks.find_one({"_id": bulk_id, "userId": owner, "schema": 1})
            if bulk is None:
                raise NotFound("bulk job")
            if bulk["intent"] is None:
                return bulk
            await self.carry_out(bulk)
        raise Busy("bulk job")

    async def _wish(self, jobs: Filter, wish: Wish) -> None:
        running = {**jobs, "status": JobStatus.PROCESSING.value}
        await self._jobs.update_many(running, changed({"$set": {"wish": wish.value}}))

    async def _cancel_jobs(self, jobs: Filter) -> None:
        waiting = {"status": {"$in": [JobStatus.QUEUED.value, JobStatus.AWAITING_SELECTION.value]}}
        unheard = {"status": JobStatus.PROCESSING.value, "wish": {"$ne": Wish.CANCEL.value}}
        cancelled = {"status": JobStatus.CANCELLED.value, "completed_at": self._clock.now()}
        # A job can move between the two writes, but not for ever: with an intent standing nothing new is claimed.
        while await self._jobs.find_one({"$and": [jobs, {"$or": [waiting, unheard]}]}, projection=["_id"]):
            await self._jobs.update_many({**jobs, **waiting}, changed({"$set": cancelled}))
            await self._wish(jobs, Wish.CANCEL)

    async def _requeue(self, jobs: Filter, intent: Document) -> None:
        again = self._queued(intent) | {
            "error": None,
            "completed_at": None,
            "retry_count": 0,
            "uncounted_retries": 0,
            "lost_workers": 0,
            "unanswered": [],
            "owed": 0.0,  # the next call has another key: it settles nothing of what may have been paid before
        }
        ended = {"status": {"$in": [JobStatus.FAILED.value, JobStatus.CANCELLED.value]}}
        grown = {"call_number": 1}
        if not intent.get("each"):
            mine = {**jobs, **ended, "_id": {"$in": intent["job_ids"]}}
            await self._jobs.update_many(mine, changed({"$set": again, "$inc": grown}))
            return
        for job_id, own in zip(intent["job_ids"], intent["each"], strict=True):
            await self._jobs.update_one({**jobs, **ended, "_id": job_id}, changed({"$set": again | own, "$inc": grown}))

    async def _select(self, jobs: Filter, intent: Document) -> None:
        waits = {"status": JobStatus.AWAITING_SELECTION.value}
        for job_id, own in zip(intent["job_ids"], intent["each"], strict=True):
            update = changed({"$set": self._queued(intent) | own})
            await self._jobs.update_one({**jobs, **waits, "_id": job_id}, update)

    def _queued(self, intent: Document) -> Document:
        return {
            "status": JobStatus.QUEUED.value,
            "epoch": intent["epoch"],
            "lane": Lane.FIRST.value,
            "due_at": self._clock.now(),
            "wish": None,
        }
