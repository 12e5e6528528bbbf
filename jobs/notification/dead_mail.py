"""Mail that could not be delivered, as its owner sees it, and having it sent again. Nothing is claimed or sent here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from jobs.clock import Clock
from jobs.documents import BulkId, JobId, UserId
from jobs.errors import NotFound
from jobs.notification.addressed import Channel, DeliveryState
from jobs.notification.deliveries import DeliveryId, to_be_sent_again
from jobs.storage.store import Document, Store

MOST_SHOWN = 50
SHOWN = ("type", "address", "bulk_job_id", "job_id", "tries", "attempts", "created_at", "ended_at")


@dataclass(frozen=True)
class DeadMail:
    """`type` is its event's, or `digest`; `error`: why the last try failed, None where each was broken off."""

    id: DeliveryId
    type: str
    address: str
    bulk_job_id: BulkId | None
    job_id: JobId | None
    tries: int
    error: str | None
    created_at: datetime
    ended_at: datetime


class DeadMails:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._deliveries = store.collection("deliveries")
        self._clock = clock

    async def newest(self, owner: UserId) -> Sequence[DeadMail]:
        """The last `MOST_SHOWN`, the newest first."""
        newest = [("created_at", -1), ("_id", -1)]
        found = await self._deliveries.find(_of(owner), projection=SHOWN, sort=newest, limit=MOST_SHOWN)
        return [_read(one) for one in found]

    async def send_again(self, owner: UserId, delivery_id: str) -> None:
        """At once, with all tries before it. Raises `NotFound` for what is no dead mail of the owner's."""
        wanted = {**_of(owner), "_id": delivery_id}
        if not await self._deliveries.update_one(wanted, to_be_sent_again(self._clock.now())):
            raise NotFound("mail that was not delivered")


def _of(owner: UserId) -> Document:
    # a mail's `endpoint_id` is null: said, it finds the index of an endpoint's deliveries
    return {
        "userId": owner,
        "endpoint_id": None,
        "channel": Channel.EMAIL.value,
        "state": DeliveryState.DEAD.value,
    }


def _read(stored: Document) -> DeadMail:
    tried = stored["attempts"]
    return DeadMail(
        id=DeliveryId(stored["_id"]),
        type=stored["type"],
        address=stored["address"],
        bulk_job_id=stored["bulk_job_id"],
        job_id=stored["job_id"],
        tries=stored["tries"],
        error=tried[-1]["error"] if tried else None,
        created_at=stored["created_at"],
        ended_at=stored["ended_at"],
    )
