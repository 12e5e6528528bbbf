"""Digests: one mail a user and day. Its delivery collects events until it is tried; what comes later is for the next.

Nothing is sent here. An event that is collected twice is in one digest once.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from jobs.clock import Clock
from jobs.documents import UserId
from jobs.errors import DuplicateKey
from jobs.events import Event
from jobs.notification.addressed import Addressed, DeliveryState, delivery_id, delivery_of
from jobs.notification.mailing import digest_id
from jobs.storage.store import Document, Store

DIGEST = "digest"
"""The type of a digest's delivery, which is no event's."""

MOST_TOLD = 200
"""Events that a digest tells of one by one; of more it tells the number."""

ERRORS_TOLD = 1


class Digests:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._deliveries = store.collection("deliveries")
        self._clock = clock

    async def collect(self, event: Event, owner: UserId, to: Addressed, bulk: Document) -> None:
        """Put the event into the digest of `to` (its `digest` and `due_at`), or, where that is being sent or was, into
        the next day's. Safe to repeat: then it stays where it is."""
        if to.due_at is None:
            raise ValueError("a digest has its moment")
        at = to.due_at
        while not await self._taken(event, owner, replace(to, due_at=at, digest=digest_id(owner, at)), bulk):
            at += timedelta(days=1)

    async def _taken(self, event: Event, owner: UserId, to: Addressed, bulk: Document) -> bool:
        """Whether this digest has the event: from now on, or already."""
        digest = str(to.digest)
        key = delivery_id(digest, to.key)
        while True:
            if await self._added(key, event, bulk):
                return True
            there = await self._deliveries.find_one({"_id": key}, projection=["tries", "state", "body.data.event_ids"])
            if there is not None:
                if event.id in there["body"]["data"]["event_ids"]:
                    return True
                if _is_closed(there):
                    return False
                continue  # another worker has begun it since the first look
            try:
                await self._deliveries.insert_one(self._empty(digest, owner, to))
            except DuplicateKey:
                continue  # another worker has begun the same digest

    async def _added(self, key: str, event: Event, bulk: Document) -> bool:
        """A digest that was tried takes no more: what is added then would not be in a mail that has arrived already."""
        open_one = {
            "_id": key,
            "state": DeliveryState.PENDING.value,
            "tries": 0,
            "body.data.event_ids": {"$ne": event.id},
        }
        told = {"body.data.event_ids": event.id, "body.data.events": _told(event, bulk)}
        room = {**open_one, f"body.data.events.{MOST_TOLD - 1}": {"$exists": False}}
        if await self._deliveries.update_one(room, {"$push": told}):
            return True
        counted = {"body.data.event_ids": event.id}
        return bool(await self._deliveries.update_one(open_one, {"$push": counted}))

    def _empty(self, digest: str, owner: UserId, to: Addressed) -> Document:
        at: datetime | None = to.due_at
        body: Document = {
            "id": digest,
            "type": DIGEST,
            "at": at,
            "by": None,
            "generation": None,
            "data": {"event_ids": [], "events": []},
        }
        return delivery_of(body, owner, to, self._clock.now())


def _is_closed(digest: Document) -> bool:
    return bool(digest["tries"]) or digest["state"] != DeliveryState.PENDING.value


def _told(event: Event, bulk: Document) -> Document:
    """What a line of the mail needs, of an event that may have eight kilobytes."""
    data = dict(event.data)
    if "errors" in data:
        data["errors"] = data["errors"][:ERRORS_TOLD]
    return {
        "id": event.id,
        "type": event.type.value,
        "at": event.at,
        "generation": event.generation,
        "bulk_job_id": event.bulk_id,
        "job_id": event.job_id,
        "bulk": bulk.get("name"),
        "data": data,
    }
