"""What all workers know of each generator: how fast it may be called, until when it is parked, if it is down (spec §6).

Kept in its scope, so that one worker's failure spares the others'. Nobody is called from here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from jobs.capacity.scopes import GENERATOR
from jobs.clock import Clock
from jobs.storage.store import Document, Store

FAILURES_TO_OPEN = 3
PROBE_EVERY = timedelta(seconds=2)
WIDEST_RAMP = 32
ADAPT_EVERY = timedelta(seconds=10)
SLOWER = 0.7
FASTER = 0.1


@dataclass(frozen=True)
class Health:
    """What one call told: `down` where the endpoint cannot work at all, `wait` where it asks to be left alone."""

    succeeded: bool
    down: bool = False
    strained: bool = False
    wait: timedelta | None = None


class Generators:
    """Each by its name, as it was last `seen`. What is reported on old knowledge changes nothing."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._scopes = store.collection("limits")
        self._clock = clock
        self.seen: Mapping[str, Document] = {}

    @property
    def down(self) -> Sequence[str]:
        """Those that were down when they were last seen."""
        return [name for name, seen in self.seen.items() if seen["down"]]

    async def report(self, name: str, health: Health) -> None:
        """Costs nothing where a call succeeded and all is well."""
        seen = self.seen.get(name)
        if seen is None:
            return
        if health.succeeded:
            await self._recover(seen)
            return
        if health.wait is not None:
            until = self._clock.now() + health.wait
            await self._scopes.update_one({"_id": seen["_id"]}, {"$max": {"spaced_until": until}})
        if health.down:
            await self._count_failure(seen["_id"])
        elif health.strained:
            await self._adapt(seen, slower=True)

    async def may_probe(self, name: str) -> bool:
        """Whether this worker is the one to see now if the generator is back: one of all, every other second."""
        now = self._clock.now()
        due = {"_id": GENERATOR + name, "down": True, "probe_at": {"$lte": now}}
        return await self._scopes.update_one(due, {"$set": {"probe_at": now + PROBE_EVERY}}) == 1

    async def is_back(self, name: str) -> None:
        """It answered: one call at first, then twice as many with each success."""
        back = {"down": False, "down_since": None, "failures": 0, "ramp": 1}
        await self._scopes.update_one({"_id": GENERATOR + name, "down": True}, {"$set": back, "$inc": {"rules": 1}})

    async def _count_failure(self, scope_id: str) -> None:
        scope = await self._scopes.find_one_and_update({"_id": scope_id}, {"$inc": {"failures": 1}})
        if scope is None or (scope["failures"] < FAILURES_TO_OPEN and scope["ramp"] is None):
            return
        now = self._clock.now()
        down = {"down": True, "down_since": now, "probe_at": now + PROBE_EVERY, "ramp": None}
        await self._scopes.update_one({"_id": scope_id, "down": False}, {"$set": down, "$inc": {"rules": 1}})

    async def _recover(self, seen: Document) -> None:
        if seen["failures"]:
            await self._scopes.update_one({"_id": seen["_id"], "down": False}, {"$set": {"failures": 0}})
        if seen["ramp"] is not None:
            wider = seen["ramp"] * 2 if seen["ramp"] < WIDEST_RAMP else None
            ramping = {"_id": seen["_id"], "ramp": seen["ramp"]}
            await self._scopes.update_one(ramping, {"$set": {"ramp": wider}, "$inc": {"rules": 1}})
        if seen["pace"] is not None and seen["pace"] < seen["requests_per_minute"]:
            await self._adapt(seen, slower=False)

    async def _adapt(self, seen: Document, *, slower: bool) -> None:
        """Once in a while at most, however many calls succeed or fail at once; never under one a minute."""
        pace, ceiling, now = seen["pace"], seen["requests_per_minute"], self._clock.now()
        if pace is None or (seen["adapted_at"] is not None and seen["adapted_at"] > now - ADAPT_EVERY):
            return
        changed = max(1, int(pace * SLOWER)) if slower else min(ceiling, pace + max(1, round(ceiling * FASTER)))
        as_seen = {"_id": seen["_id"], "pace": pace, "adapted_at": seen["adapted_at"], "rules": seen["rules"]}
        await self._scopes.update_one(as_seen, {"$set": {"pace": changed, "adapted_at": now}, "$inc": {"rules": 1}})
