"""A planner with one receiver for every event, and the relay of a simulated worker. Nothing is sent."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from jobs.addressed import Addressed, Channel, new_delivery
from jobs.documents import UserId
from jobs.errors import DuplicateKey, StoreUnavailable
from jobs.events import Event
from jobs.outbox import Outbox
from jobs.store import Document, Store
from jobs.system import System

RECEIVER = "receiver"
NET = timedelta(seconds=30)


class OneReceiver:
    """Implements `jobs.addressed.Planner`."""

    def __init__(self, store: Store) -> None:
        self._deliveries = store.collection("deliveries")

    async def plan(self, event: Event, owner: UserId, bulk: Document) -> None:
        delivery = new_delivery(event, owner, Addressed(Channel.WEBHOOK, RECEIVER), None, event.at)
        try:
            await self._deliveries.insert_one(delivery)
        except DuplicateKey:
            pass  # planned before


def outbox_of(system: System) -> Outbox:
    return Outbox(system.store, system.notices, system.outbox.wake, OneReceiver(system.store))


async def relay(outbox: Outbox) -> None:
    """At once what this process makes; now and then what others have left."""
    while True:
        try:
            async with asyncio.timeout(NET.total_seconds()):
                await outbox.wake.wait()
            await outbox.relay_fresh()
        except TimeoutError:
            await _all(outbox)
        except StoreUnavailable:
            continue  # the next look finds it


async def _all(outbox: Outbox) -> None:
    try:
        await outbox.relay()
        await outbox.relay_jobs()
    except StoreUnavailable:
        return
