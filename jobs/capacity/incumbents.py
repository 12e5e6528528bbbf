"""Runnings that began before their scope was limited: they get places in it, so that a new limit counts them.

What limits is changed first: whoever claims after that enters under the new rules. Only a claim that is just between
its look and its confirmation is not counted. A place for one that has just ended goes back with the next sweep.
"""

from __future__ import annotations

from jobs.capacity.scopes import SYSTEM, TENANT
from jobs.clock import Clock
from jobs.storage.store import Document, Store


class Incumbents:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._bulks = store.collection("bulk_jobs")
        self._limits = store.collection("limits")
        self._clock = clock

    async def of_system(self) -> None:
        """Everything that runs."""
        for bulk in await self._running({}):
            await self._take_in(SYSTEM, bulk)

    async def of_tenants(self, tenant: str | None = None) -> None:
        """What runs for this tenant, or for each."""
        for bulk in await self._running({} if tenant is None else {"tenant": tenant}):
            await self._take_in(TENANT + bulk["tenant"], bulk)

    async def _running(self, whose: Document) -> list[Document]:
        return await self._bulks.find({"schema": 1, "busy": {"$gt": 0}, **whose}, projection=["tenant", "slots"])

    async def _take_in(self, scope_id: str, bulk: Document) -> None:
        for token, slot in bulk["slots"].items():
            if slot["job_id"] is None:
                continue  # it has not entered yet
            place = {name: slot[name] for name in ("job_id", "worker_id", "cost")}
            has_none = {"_id": scope_id, f"slots.{token}": {"$exists": False}}
            taken = {f"slots.{token}": {**place, "at": self._clock.now(), "turn": 0.0}}
            await self._limits.update_one(has_none, {"$set": taken, "$inc": {"running": 1, "committed": slot["cost"]}})
