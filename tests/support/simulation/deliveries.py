"""An outbox with one receiver for every event, in the place of all who know recipients. Nothing is sent."""

from __future__ import annotations

from collections.abc import Sequence

from jobs.documents import UserId
from jobs.events import Event
from jobs.notification.addressed import Addressed, Channel
from jobs.notification.outbox import Outbox
from jobs.notification.planning import Planning
from jobs.storage.store import Document
from jobs.system import System

RECEIVER = "receiver"


class OneReceiver:
    """Implements `jobs.notification.addressed.Recipients`."""

    async def of(self, event: Event, owner: UserId, bulk: Document) -> Sequence[Addressed]:
        return [Addressed(Channel.WEBHOOK, RECEIVER)]


def outbox_of(system: System) -> Outbox:
    planning = Planning(system.deliveries, system.clock, [OneReceiver()])
    return Outbox(system.store, system.notices, system.outbox.wake, planning)
