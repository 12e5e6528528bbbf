"""Deliveries: one message about one event to one recipient each, claimed, and settled under the claim's token.

Nothing is sent here, and whom an event is sent to is decided elsewhere. What owners see of them: `delivery_log`.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NewType

from bson import ObjectId

from jobs.clock import NEVER, Clock
from jobs.documents import BulkId, JobId, UserId
from jobs.errors import DuplicateKey
from jobs.notification.addressed import Channel, DeliveryState
from jobs.storage.store import Document, Store

LEASE = timedelta(seconds=60)
MOST_ATTEMPTS_KEPT = 50
LONGEST_ANSWER = 1024
LONGEST_ERROR = 500

DeliveryId = NewType("DeliveryId", str)


@dataclass(frozen=True)
class Delivery:
    """A claimed delivery. `body` is what it tells of: `{id, type, at, by, generation, data}`; `tries` counts this one,
    and those of couriers that died; `until`: the claim's lease. `address` is a mail's; `endpoint_id` or, for a bulk's
    own, `url` a webhook's."""

    id: DeliveryId
    owner: UserId
    body: Document
    channel: Channel
    recipient: str
    tries: int
    token: str
    until: datetime
    bulk_job_id: BulkId | None = None
    job_id: JobId | None = None
    endpoint_id: ObjectId | None = None
    url: str | None = field(default=None, repr=False)
    address: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Due:
    """A delivery that may be claimed, and whose it is."""

    id: DeliveryId
    recipient: str


@dataclass(frozen=True)
class Attempt:
    """What came of one try: `answer` is the head of what the recipient said, `error` a sentence where it failed."""

    at: datetime
    seconds: float
    status: int | None = None
    answer: str = ""
    error: str | None = None


class Deliveries:
    """`lease`: within it a claimed delivery is settled, or falls due again by itself."""

    def __init__(self, store: Store, clock: Clock, lease: timedelta = LEASE) -> None:
        self._deliveries = store.collection("deliveries")
        self._clock = clock
        self._lease = lease

    async def plan(self, documents: Sequence[Document]) -> None:
        """Store those that are not stored yet. Safe to repeat, and for several at once."""
        if not documents:
            return
        try:
            await self._deliveries.insert_many(documents)
        except DuplicateKey:
            for document in documents:
                await self._plan_one(document)

    async def _plan_one(self, document: Document) -> None:
        try:
            await self._deliveries.insert_one(document)
        except DuplicateKey:
            pass  # a relay of the same event has stored it before; it may have been sent since

    async def due(self, channels: Collection[Channel], excluding: Collection[str], limit: int) -> Sequence[Due]:
        """Of these channels those that have been due the longest, but for these recipients'. A hint: others see the
        same."""
        wanted: Document = {
            "state": DeliveryState.PENDING.value,
            "due_at": {"$lte": self._clock.now()},
            "channel": {"$in": sorted(channels)},
        }
        if excluding:
            wanted["recipient"] = {"$nin": sorted(excluding)}
        found = await self._deliveries.find(wanted, projection=["recipient"], sort=[("due_at", 1)], limit=limit)
        return [Due(one["_id"], one["recipient"]) for one in found]

    async def take(self, worker_id: str, due: Due) -> Delivery | None:
        """None where another has it by now.

        Its due moment is put to the lease's end in the same write: if its courier dies, it falls due by itself.
        """
        now = self._clock.now()
        until = now + self._lease
        still = {"_id": due.id, "state": DeliveryState.PENDING.value, "due_at": {"$lte": now}}
        lease = {"token": secrets.token_hex(12), "worker_id": worker_id, "at": now, "until": until}
        changes = {"$set": {"lease": lease, "due_at": until}, "$inc": {"tries": 1}}
        claimed = await self._deliveries.find_one_and_update(still, changes)
        return _read(claimed) if claimed is not None else None

    async def delivered(self, delivery: Delivery, attempt: Attempt) -> bool:
        """Whether the claim still stood; also where this is the repeat of a write whose answer was lost."""
        return await self._end(delivery, attempt, DeliveryState.DELIVERED)

    async def dead(self, delivery: Delivery, attempt: Attempt) -> bool:
        """Whether the claim still stood, as `delivered`."""
        return await self._end(delivery, attempt, DeliveryState.DEAD)

    async def failed(self, delivery: Delivery, attempt: Attempt, wait: timedelta) -> bool:
        """To be tried again after `wait`. Whether the claim still stood, as `delivered`."""
        return await self._settle(delivery, attempt, {"due_at": self._clock.now() + wait})

    async def _end(self, delivery: Delivery, attempt: Attempt, state: DeliveryState) -> bool:
        return await self._settle(
            delivery, attempt, {"state": state.value, "due_at": NEVER, "ended_at": self._clock.now()}
        )

    async def _settle(self, delivery: Delivery, attempt: Attempt, changes: Document) -> bool:
        entry = {
            "token": delivery.token,
            "at": attempt.at,
            "seconds": attempt.seconds,
            "status": attempt.status,
            "answer": attempt.answer[:LONGEST_ANSWER],
            "error": attempt.error[:LONGEST_ERROR] if attempt.error is not None else None,
        }
        update = {
            "$set": {"lease": None, **changes},
            "$push": {"attempts": {"$each": [entry], "$slice": -MOST_ATTEMPTS_KEPT}},
        }
        if await self._deliveries.update_one(_owned(delivery), update):
            return True
        mine = {"_id": delivery.id, "attempts.token": delivery.token}
        return await self._deliveries.find_one(mine, projection=["_id"]) is not None


def to_be_sent_again(now: datetime) -> Document:
    """The update that has a delivery tried as if for the first time, under the same id."""
    return {"$set": {"state": DeliveryState.PENDING.value, "due_at": now, "tries": 0, "ended_at": None}}


def _owned(delivery: Delivery) -> Document:
    return {"_id": delivery.id, "state": DeliveryState.PENDING.value, "lease.token": delivery.token}


def _read(stored: Document) -> Delivery:
    return Delivery(
        id=stored["_id"],
        owner=stored["userId"],
        body=stored["body"],
        channel=Channel(stored["channel"]),
        recipient=stored["recipient"],
        tries=stored["tries"],
        token=stored["lease"]["token"],
        until=stored["lease"]["until"],
        bulk_job_id=stored["bulk_job_id"],
        job_id=stored["job_id"],
        endpoint_id=stored["endpoint_id"],
        url=stored["url"],
        address=stored["address"],
    )
