"""Deliveries as tests make them. No tests here."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from bson import ObjectId

from jobs.documents import BulkId
from jobs.events import Event, EventType
from jobs.notification.addressed import Addressed, Channel, new_delivery
from jobs.notification.deliveries import Attempt, Deliveries, Delivery
from jobs.storage.store import Document
from jobs.system import System
from tests.support.eventually import eventually

OWNER = "owner"
WORKER = "worker-1"
CHANNELS = tuple(Channel)


def an_event(at: datetime, name: str = "", *, type: EventType = EventType.BULK_COMPLETED, **data: Any) -> Event:
    """Of a bulk that there need not be."""
    bulk_id = BulkId(ObjectId())
    what = name or type.value.partition(".")[2]
    return Event(f"{bulk_id}-1-{what}", type, at, None, bulk_id, None, 1, data)


async def planned(system: System, recipient: str = "r", *, wait: timedelta = timedelta(0), **to: Any) -> str:
    """The id of a new delivery; by default of a webhook that has no endpoint."""
    now = system.clock.now()
    addressed = Addressed(**{"channel": Channel.WEBHOOK, "key": recipient, "due_at": now + wait, **to})
    document = new_delivery(an_event(now), OWNER, addressed, now)
    await system.deliveries.plan([document])
    planned_id: str = document["_id"]
    return planned_id


async def claim(
    deliveries: Deliveries, worker_id: str, channels: Collection[Channel] = CHANNELS, excluding: Collection[str] = ()
) -> Delivery | None:
    """The first that is due; None where there is none, or another has it by now."""
    for one in await deliveries.due(channels, excluding, 1):
        return await deliveries.take(worker_id, one)
    return None


async def claimed(system: System, worker_id: str = WORKER) -> Delivery:
    delivery = await claim(system.deliveries, worker_id)
    assert delivery is not None
    return delivery


async def stored(system: System, delivery_id: str) -> Document:
    found = await system.store.collection("deliveries").find_one({"_id": delivery_id})
    assert found is not None
    return found


def attempt(system: System, error: str | None = None) -> Attempt:
    return Attempt(system.clock.now(), 0.5, 200 if error is None else 500, "told", error)


async def tried(system: System, delivery_id: str, times: int = 1) -> Document:
    """The delivery, once so many attempts are settled."""

    async def look() -> Document:
        return await stored(system, delivery_id)

    return await eventually(look, lambda found: len(found["attempts"]) >= times)
