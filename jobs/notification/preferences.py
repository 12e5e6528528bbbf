"""What each user wants mailed: to which address, and which events at once, once a day, or not at all.

Whether an address may be named is judged by the service. Nothing is sent here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from jobs.clock import Clock
from jobs.documents import UserId
from jobs.errors import DuplicateKey
from jobs.events import EventType
from jobs.storage.store import Store


class Way(StrEnum):
    AT_ONCE = "at_once"
    DAILY = "daily"
    OFF = "off"


AT_FIRST: Mapping[EventType, Way] = {
    EventType.BULK_COMPLETED: Way.AT_ONCE,
    EventType.BULK_PAUSED: Way.AT_ONCE,
    EventType.BULK_CANCELLED: Way.AT_ONCE,
    EventType.BULK_PROGRESS: Way.OFF,
    EventType.JOB_FAILED: Way.OFF,
    EventType.JOB_AWAITING: Way.OFF,
}
"""Spec §9 has a bulk's end and its own pauses mailed; what can come a thousand times is for who asks for it."""


@dataclass(frozen=True)
class Preference:
    """`email` is None where no mail is wanted but for bulks that name an address. `events` has every type."""

    email: str | None = None
    events: Mapping[EventType, Way] = field(default_factory=lambda: AT_FIRST)


class Preferences:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._preferences = store.collection("preferences")
        self._clock = clock

    async def read(self, owner: UserId) -> Preference:
        found = await self._preferences.find_one({"_id": owner})
        if found is None:
            return Preference()
        said = {entry["type"]: Way(entry["way"]) for entry in found["events"]}
        return Preference(found["email"], {kind: said.get(kind.value, way) for kind, way in AT_FIRST.items()})

    async def write(self, owner: UserId, wanted: Preference) -> None:
        """In the place of what was there."""
        events = [{"type": kind.value, "way": way.value} for kind, way in wanted.events.items()]
        changes = {"userId": owner, "email": wanted.email, "events": events, "changed_at": self._clock.now()}
        while True:
            try:
                await self._preferences.update_one({"_id": owner}, {"$set": changes}, upsert=True)
            except DuplicateKey:
                continue  # another request has made it between the look and the insert of the same upsert
            return
