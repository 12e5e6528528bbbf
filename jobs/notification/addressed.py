"""To whom an event goes: the ports between the outbox, those who know recipients, and deliveries. Stores nothing.

The outbox asks a `Planner` to store deliveries; the planner asks each `Recipients`. Neither sends anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from bson import ObjectId

from jobs.documents import BulkId, JobId, UserId
from jobs.events import Event
from jobs.storage.store import Document


class Channel(StrEnum):
    WEBHOOK = "webhook"
    EMAIL = "email"


class DeliveryState(StrEnum):
    """`DEAD`: it was tried for a day, or could never be taken; only a person sends it again."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True)
class Addressed:
    """One recipient of one event. `key` is the recipient's own and stays: it tells deliveries of an event apart.

    `due_at`: not before; None is at once. `digest`: the id of the delivery that collects this event with others.
    """

    channel: Channel
    key: str
    endpoint_id: ObjectId | None = None
    url: str | None = None
    address: str | None = None
    due_at: datetime | None = None
    digest: str | None = None


class Recipients(Protocol):
    """Those of one channel."""

    async def of(self, event: Event, owner: UserId, bulk: Document) -> Sequence[Addressed]:
        """`bulk` has at least `_id`, `userId`, `name`, `mode`, `kind` and `notify` (`{webhook_url, email, progress}`,
        or None)."""


class Planner(Protocol):
    async def plan(self, event: Event, owner: UserId, bulk: Document) -> None:
        """Store the deliveries that the event asks for. Safe to repeat: under the same ids."""


def delivery_id(event_id: str, key: str) -> str:
    """The same however often the event is relayed. Neither part holds a dot."""
    return f"{event_id}.{key}"


def new_delivery(event: Event, owner: UserId, to: Addressed, now: datetime) -> Document:
    """A delivery that nobody has tried."""
    return delivery_of(event.stored(), owner, to, now, bulk_id=event.bulk_id, job_id=event.job_id)


def delivery_of(
    body: Document,
    owner: UserId,
    to: Addressed,
    now: datetime,
    *,
    bulk_id: BulkId | None = None,
    job_id: JobId | None = None,
) -> Document:
    """`body` is what it tells of, as an event is stored: `{id, type, at, by, generation, data}`."""
    return {
        "_id": delivery_id(body["id"], to.key),
        "userId": owner,
        "event_id": body["id"],
        "type": body["type"],
        "channel": to.channel.value,
        "recipient": to.key,
        "endpoint_id": to.endpoint_id,
        "url": to.url,
        "address": to.address,
        "body": body,
        "state": DeliveryState.PENDING.value,
        "due_at": to.due_at or now,
        "tries": 0,
        "lease": None,
        "attempts": [],
        "created_at": now,
        "ended_at": None,
        "bulk_job_id": bulk_id,
        "job_id": job_id,
    }
