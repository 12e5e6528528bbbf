"""The relay: what bulks and jobs have to tell becomes deliveries and notices, and is taken off them. Sends nothing.

First what the event leads to is stored, each under an id that follows from the event's; only then is the event pulled.
So whoever dies in between, or does it beside another, does nothing twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, TypeVar

import structlog

from jobs.documents import BulkId, JobId
from jobs.errors import PressrunError, StoreUnavailable
from jobs.events import Event, EventType
from jobs.notification.addressed import Planner
from jobs.notification.notices import Notices
from jobs.storage.store import Collection, Document, Store
from jobs.wake import Wake

T = TypeVar("T")
log = structlog.get_logger()
AT_ONCE = 200
TOGETHER = 32
UNTOLD: Document = {"schema": 1, "events.at": {"$exists": True}}
"""Documents with events, as their partial indexes say it."""

OF_BULK = ("userId", "shard", "name", "mode", "kind", "notify", "events")
OF_JOB = ("shard", "bulk_job_id", "events")
KNOWN = frozenset(EventType)
PUT_OFF_SECONDS = 300.0
"""A document of which something cannot be told is not looked at for so long: others have to be seen behind it."""


class Outbox:
    """Without a `planner` an event leads to its notice alone."""

    def __init__(self, store: Store, notices: Notices, wake: Wake, planner: Planner | None = None) -> None:
        self._bulks = store.collection("bulk_jobs")
        self._jobs = store.collection("generation_jobs")
        self._notices = notices
        self._planner = planner
        self._put_off: dict[Any, float] = {}
        self.wake = wake

    async def relay(self, limit: int = AT_ONCE) -> int:
        """Tell what bulks have to tell; how many events that were. Raises `StoreUnavailable`, as all below."""
        bulks = await self._bulks.find(self._untold(), projection=OF_BULK, limit=limit)
        return await _each(bulks, self._tell_of_bulk)

    async def relay_jobs(self, limit: int = AT_ONCE) -> int:
        """Tell what jobs have to tell; how many events that were."""
        return await self._relay_jobs(await self._jobs.find(self._untold(), projection=OF_JOB, limit=limit))

    async def relay_fresh(self) -> int:
        """Tell what this process has just made; how many events that were. `wake.wait` says when there is something."""
        bulks, jobs = self.wake.take()
        told = 0
        for some in _parts(bulks):
            told += await _each(await _found(self._bulks, some, OF_BULK), self._tell_of_bulk)
        for those in _parts(jobs):
            told += await self._relay_jobs(await _found(self._jobs, those, OF_JOB))
        return told

    async def _relay_jobs(self, jobs: Sequence[Document]) -> int:
        if not jobs:
            return 0
        wanted = {"_id": {"$in": list({job["bulk_job_id"] for job in jobs})}}
        bulks = {bulk["_id"]: bulk for bulk in await self._bulks.find(wanted, projection=OF_BULK)}

        async def tell(job: Document) -> int:
            return await self._tell(self._jobs, job, bulks.get(job["bulk_job_id"]), JobId(job["_id"]))

        return await _each(jobs, tell)

    async def _tell_of_bulk(self, bulk: Document) -> int:
        return await self._tell(self._bulks, bulk, bulk, None)

    async def _tell(
        self, collection: Collection, document: Document, bulk: Document | None, job_id: JobId | None
    ) -> int:
        told = [stored["id"] for stored in document["events"] if await self._is_told(stored, bulk, job_id)]
        if told:
            # No change that a reader sees: so `rev` stays, and no control has to look again.
            mine = {"_id": document["_id"], "shard": document["shard"]}
            await collection.update_one(mine, {"$pull": {"events": {"id": {"$in": told}}}})
        if len(told) < len(document["events"]):
            self._put_off[document["_id"]] = asyncio.get_running_loop().time() + PUT_OFF_SECONDS
        return len(told)

    def _untold(self) -> Document:
        now = asyncio.get_running_loop().time()
        self._put_off = {one: until for one, until in self._put_off.items() if until > now}
        return {**UNTOLD, "_id": {"$nin": list(self._put_off)}} if self._put_off else UNTOLD

    async def _is_told(self, stored: Document, bulk: Document | None, job_id: JobId | None) -> bool:
        if bulk is None or "data" not in stored:
            return True  # there is nobody to tell: it was deleted; or the event is older than the outbox
        if stored["type"] not in KNOWN:
            return False  # a newer version's, and its worker's to tell
        event = Event.read(stored, BulkId(bulk["_id"]), job_id)
        try:
            if self._planner is not None:
                await self._planner.plan(event, bulk["userId"], bulk)
            await self._notices.keep(event, bulk["userId"])
        except StoreUnavailable:
            raise
        except PressrunError as error:
            log.warning("event_not_told", event_id=event.id, reason=str(error))  # the others are
            return False
        return True


async def _found(
    collection: Collection, ids: Sequence[BulkId] | Sequence[JobId], fields: Sequence[str]
) -> Sequence[Document]:
    return await collection.find({"_id": {"$in": list(ids)}, **UNTOLD}, projection=fields)


async def _each(those: Sequence[T], tell: Callable[[T], Awaitable[int]]) -> int:
    """Several at once, so that many ends at one moment are told soon."""
    return sum([told for some in _parts(those) for told in await asyncio.gather(*map(tell, some))])


def _parts(those: Sequence[T]) -> Iterator[list[T]]:
    return (list(those[begin : begin + TOGETHER]) for begin in range(0, len(those), TOGETHER))
