"""From an event to its deliveries: asks each channel for its recipients, and stores what is to be sent to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from jobs.clock import Clock
from jobs.documents import UserId
from jobs.events import Event
from jobs.notification.addressed import Addressed, Recipients, new_delivery
from jobs.notification.deliveries import Deliveries
from jobs.storage.store import Document


class Digests(Protocol):
    async def collect(self, event: Event, owner: UserId, to: Addressed, bulk: Document) -> None:
        """Put the event into the delivery that `to.digest` names, once, however often this is repeated."""


class Planning:
    """Implements `jobs.notification.addressed.Planner`. Without `digests` no recipient may ask for one."""

    def __init__(
        self, deliveries: Deliveries, clock: Clock, recipients: Sequence[Recipients], digests: Digests | None = None
    ) -> None:
        self._deliveries = deliveries
        self._clock = clock
        self._recipients = recipients
        self._digests = digests

    async def plan(self, event: Event, owner: UserId, bulk: Document) -> None:
        planned: list[Document] = []
        for channel in self._recipients:
            for to in await channel.of(event, owner, bulk):
                if to.digest is not None and self._digests is not None:
                    await self._digests.collect(event, owner, to, bulk)
                else:
                    planned.append(new_delivery(event, owner, to, self._clock.now()))
        await self._deliveries.plan(planned)
