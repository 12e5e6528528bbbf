"""The limits that hold for the whole system, kept in MongoDB so that they change while it runs (spec §5).

The cap on running jobs is a set of permits in one document: `slots.<token>`, counted by `running`. A permit names its
job from the start, so one whose job no longer holds the token is left over and can be taken back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from jobs import leases
from jobs.clock import Clock
from jobs.documents import JobId, Token
from jobs.errors import Fault, InvalidInput
from jobs.store import Document, Store

SYSTEM = "system"
MAX_CAP = 10_000


@dataclass(frozen=True)
class Limits:
    """`max_running`: the most jobs that run at once in the whole system, None for no cap."""

    max_running: int | None


class Room(Enum):
    """Whether another job may start: no; yes, with a permit; yes, for there is no cap."""

    NONE = "none"
    SOME = "some"
    UNLIMITED = "unlimited"


class SystemLimits:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._limits = store.collection("limits")
        self._jobs = store.collection("generation_jobs")
        self._clock = clock
        self.had_no_cap = False
        """What the last look told."""
        self.was_full = False
        """Whether no permit could be had since the leftovers were last taken back."""

    async def seed(self, limits: Limits) -> None:
        """Store the settings' limits where none are stored yet."""
        fresh: Document = {
            "max_running": limits.max_running,
            "running": 0,
            "slots": {},
            "spaced_until": self._clock.now(),
        }
        await self._limits.update_one({"_id": SYSTEM}, {"$setOnInsert": fresh}, upsert=True)

    async def read(self) -> Limits:
        return Limits(max_running=(await self._document())["max_running"])

    async def change(self, changes: Mapping[str, Any]) -> Limits:
        """Raises `InvalidInput` with a fault for each unknown name or wrong value."""
        faults = [fault for name, value in changes.items() if (fault := _fault(name, value))]
        if faults or not changes:
            raise InvalidInput("The limits were not changed.", tuple(faults or [Fault("", "name a limit to change")]))
        await self._limits.update_one({"_id": SYSTEM}, {"$set": dict(changes)})
        return await self.read()

    async def room(self) -> Room:
        """A cheap look before a claim, so that idle workers do not take jobs only to put them back."""
        document = await self._document()
        cap = document["max_running"]
        self.had_no_cap = cap is None
        if cap is None:
            return Room.UNLIMITED
        spaced = cap == 1 and document["spaced_until"] > self._clock.now()
        if not spaced and document["running"] < cap:
            return Room.SOME
        self.was_full = True
        return Room.NONE

    async def take_permit(self, job_id: JobId, token: Token, worker_id: str) -> bool:
        """One atomic write: false where the cap is reached or the pause between two jobs is not over."""
        now = self._clock.now()
        free = {
            "_id": SYSTEM,
            "$or": [
                {"max_running": None},
                {"$expr": {"$lt": ["$running", "$max_running"]}},
            ],
        }
        spaced = {"$or": [{"max_running": {"$ne": 1}}, {"spaced_until": {"$lte": now}}]}
        permit = {"job_id": job_id, "worker_id": worker_id, "at": now}
        taken = await self._limits.find_one_and_update(
            {"$and": [free, spaced, {f"slots.{token}": {"$exists": False}}]},
            {"$set": {f"slots.{token}": permit}, "$inc": {"running": 1}},
        )
        self.was_full |= taken is None
        return taken is not None

    async def return_permit(self, token: str, spacing: timedelta = timedelta(0)) -> None:
        """Safe to repeat. `spacing` is waited before the next job of the system while its cap is 1."""
        await self._limits.update_one(
            {"_id": SYSTEM, f"slots.{token}": {"$exists": True}},
            {
                "$unset": {f"slots.{token}": ""},
                "$inc": {"running": -1},
                "$max": {"spaced_until": self._clock.now() + spacing},
            },
        )

    async def take_back_leftovers(self) -> int:
        """Return the permits whose job no longer holds their token."""
        self.was_full = False
        leftovers = await self.leftovers()
        for token in leftovers:
            await self.return_permit(token)
        return len(leftovers)

    async def leftovers(self, older_than: timedelta = timedelta(0)) -> list[str]:
        """The tokens of permits whose job no longer holds them."""
        before = self._clock.now() - older_than
        document = await self._limits.find_one({"_id": SYSTEM}) or {"slots": {}}
        slots: dict[str, Document] = {token: slot for token, slot in document["slots"].items() if slot["at"] <= before}
        if not slots:
            return []
        found = await self._jobs.find(
            {"_id": {"$in": [slot["job_id"] for slot in slots.values()]}}, projection=["status", "lease"]
        )
        jobs = {job["_id"]: job for job in found}
        return [token for token, slot in slots.items() if not leases.holds(jobs.get(slot["job_id"]), token)]

    async def miscount(self) -> str | None:
        """In words, where the permits are not as many as are counted."""
        document = await self._limits.find_one({"_id": SYSTEM})
        if document is None or document["running"] == len(document["slots"]):
            return None
        return f"{len(document['slots'])} permits of the system's cap are out, but running is {document['running']}"

    async def recount(self) -> None:
        """Count the permits that are out, unless one is taken or returned meanwhile."""
        document = await self._document()
        seen = {"_id": SYSTEM, "running": document["running"], "slots": document["slots"]}
        await self._limits.update_one(seen, {"$set": {"running": len(document["slots"])}})

    async def spaced_until(self) -> datetime | None:
        """When the next job of the system may start, where that is later than now."""
        document = await self._document()
        waits = document["max_running"] == 1 and document["spaced_until"] > self._clock.now()
        return document["spaced_until"] if waits else None

    async def _document(self) -> Document:
        document = await self._limits.find_one({"_id": SYSTEM})
        if document is None:
            raise RuntimeError("the limits were read before they were seeded")
        return document


def _fault(name: str, value: object) -> Fault | None:
    if name != "max_running":
        return Fault(name, "there is no such limit; there is: max_running")
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_CAP):
        return None
    return Fault(name, f"must be a whole number from 1 to {MAX_CAP}, or null for no cap")
