"""Which kinds of upkeep bulks need now: one read for all of them, so that an idle system costs next to nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from jobs import adoption, bulk_hours, controls, intents, sweep
from jobs.clock import Clock
from jobs.notification import outbox
from jobs.states import LIVE_BULKS
from jobs.storage.store import Document, Store

LOOKED_AT = 200
HALF_DONE_AFTER = timedelta(seconds=5)


class Chore(StrEnum):
    SLOTS = "slots"
    INTENTS = "intents"
    PAUSES = "pauses"
    HOURS = "hours"
    ADOPTION = "adoption"
    NOTICES = "notices"
    """Bulks have something to tell: `Outbox.relay`."""


class Chores:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._bulks = store.collection("bulk_jobs")
        self._clock = clock

    async def due(self) -> set[Chore]:
        """At least those that are due. All of them where more bulks than can be looked at need some."""
        now = self._clock.now()
        wanting: list[Document] = [
            *sweep.WHERE_JOBS_MAY_RUN,
            intents.half_done(now - HALF_DONE_AFTER),
            controls.to_be_resumed(now),
            bulk_hours.to_be_closed(now),
            adoption.WAITING_BULKS,
            outbox.UNTOLD,
        ]
        shown = ["schema", "status", "busy", "intent", "pause", "hours", "events.id"]
        found = await self._bulks.find({"$or": wanting}, projection=shown, limit=LOOKED_AT)
        if len(found) == LOOKED_AT:
            return set(Chore)
        return {chore for bulk in found for chore in _chores(bulk, now)}


def _chores(bulk: Document, now: datetime) -> set[Chore]:
    if "schema" not in bulk:
        return {Chore.ADOPTION}
    hours = bulk_hours.hours_in(bulk)
    signs = {
        Chore.SLOTS: bulk["busy"] > 0 or bulk["status"] in LIVE_BULKS,
        Chore.INTENTS: bulk["intent"] is not None,
        Chore.PAUSES: bulk["pause"] is not None,
        Chore.HOURS: hours is not None and hours["closes_at"] <= now,
        Chore.NOTICES: bool(bulk.get("events")),
    }
    return {chore for chore, is_there in signs.items() if is_there}
