"""How many jobs may be submitted a day, by a tenant and by all together (spec §5): counted by one write on each scope.

A submission stands in `pending` until it is over, under its creation's id; so it is counted once, and given back once
where nothing came of it, whoever dies in between.
"""

from __future__ import annotations

from collections.abc import Sequence

from bson import ObjectId

from jobs.capacity.limits import SHARED, limits_in, new_tenant, tenant_limits_in
from jobs.capacity.scopes import SYSTEM, TENANT, Scopes, day_of
from jobs.clock import Clock
from jobs.errors import Busy, QuotaReached
from jobs.storage.store import Document, Store

TRIES = 8


class Quotas:
    def __init__(self, store: Store, clock: Clock, scopes: Scopes) -> None:
        self._limits = store.collection("limits")
        self._clock = clock
        self._scopes = scopes

    async def limited(self, tenant: str) -> Sequence[str]:
        """The scopes that limit what this tenant may submit a day."""
        found = await self._scopes.find([*SHARED, TENANT + tenant])
        if len([name for name in SHARED if name in found]) < len(SHARED):
            return []
        per_day = _per_day(found, tenant)
        return [scope_id for scope_id, most in per_day.items() if most is not None]

    async def take(self, scope_ids: Sequence[str], tenant: str, creation_id: ObjectId, count: int) -> None:
        """All of them or none. Raises `QuotaReached`."""
        for scope_id in scope_ids:
            if TENANT + tenant == scope_id:
                await self._scopes.make(scope_id, new_tenant(tenant))
        for scope_id in scope_ids:
            try:
                await self._take(scope_id, tenant, creation_id, count)
            except QuotaReached:
                await self.give_back(scope_ids, creation_id, count)
                raise

    async def keep(self, scope_ids: Sequence[str], creation_id: ObjectId) -> None:
        """They were submitted. Safe to repeat."""
        for scope_id in scope_ids:
            await self._limits.update_one(_pending(scope_id, creation_id), {"$unset": _place(creation_id, "")})

    async def give_back(self, scope_ids: Sequence[str], creation_id: ObjectId, count: int) -> None:
        """Nothing came of it. Safe to repeat."""
        for scope_id in scope_ids:
            update = {"$unset": _place(creation_id, ""), "$inc": {"submitted.jobs": -count}}
            await self._limits.update_one(_pending(scope_id, creation_id), update)

    async def _take(self, scope_id: str, tenant: str, creation_id: ObjectId, count: int) -> None:
        for _ in range(TRIES):
            found = await self._scopes.find([*SHARED, scope_id])
            most = _per_day(found, tenant).get(scope_id)
            today = day_of(self._clock.now())
            before = found[scope_id].get("submitted")
            if before is None or before["day"] != today:
                fresh = {"day": today, "jobs": 0, "pending": {}}
                await self._limits.update_one({"_id": scope_id, "submitted": before}, {"$set": {"submitted": fresh}})
                continue
            if most is not None and before["jobs"] + count > most:
                whose = "All tenants together" if scope_id == SYSTEM else f"The tenant {tenant}"
                raise QuotaReached(whose, most, count)
            room: Document = {"_id": scope_id, "submitted.day": today}
            if most is not None:
                room["submitted.jobs"] = {"$lte": most - count}
            counted = {"$inc": {"submitted.jobs": count}, "$set": _place(creation_id, count)}
            if await self._limits.update_one(room, counted):
                return
        raise Busy("day's quota")


def _per_day(found: dict[str, Document], tenant: str) -> dict[str, int | None]:
    system = limits_in(found)
    scope = found.get(TENANT + tenant)
    own = tenant_limits_in(scope).over(system).jobs_per_day if scope else system.tenant_jobs_per_day
    return {SYSTEM: system.jobs_per_day, TENANT + tenant: own}


def _place(creation_id: ObjectId, value: object) -> Document:
    return {f"submitted.pending.{creation_id}": value}


def _pending(scope_id: str, creation_id: ObjectId) -> Document:
    return {"_id": scope_id, f"submitted.pending.{creation_id}": {"$exists": True}}
