"""What a bulk runs beside: the limits in force, the workers' slots, the work of others. All who look share it for a
moment. Nothing is written here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from jobs.capacity.admission import Admission, Look
from jobs.capacity.limits import TenantLimits, tenant_limits_in
from jobs.capacity.scopes import TENANT, Scopes
from jobs.clock import NEVER, Clock
from jobs.states import ACTIVE_BULKS
from jobs.storage.store import Document, Store
from jobs.versions.workers import Workers

KEPT = timedelta(seconds=2)
MOST_BULKS = 2_000
"""So many are looked at; what comes after them is too far away for any estimate."""


@dataclass(frozen=True)
class Crowd:
    """What waits of one tenant and kind: `jobs` of bulks that run up to `rows` at once."""

    tenant: str
    pipeline: str
    mode: str
    jobs: int
    rows: int
    delay: float


@dataclass(frozen=True)
class Surroundings:
    """`slots` are those of all live workers together; `tenants` are the scopes of those that have work."""

    look: Look = field(repr=False)
    slots: int
    crowds: Sequence[Crowd]
    tenants: dict[str, Document] = field(repr=False)

    @property
    def capacity(self) -> int:
        """How many jobs may run at once in all."""
        most = self.look.limits.max_running
        return self.slots if most is None else min(self.slots, most)

    def limits_of(self, tenant: str) -> TenantLimits:
        scope = self.tenants.get(tenant)
        own = tenant_limits_in(scope) if scope is not None else TenantLimits()
        return own.over(self.look.limits)


class SurroundingsReader:
    def __init__(self, store: Store, clock: Clock, scopes: Scopes, admission: Admission, workers: Workers) -> None:
        self._bulks = store.collection("bulk_jobs")
        self._clock = clock
        self._scopes = scopes
        self._admission = admission
        self._workers = workers
        self._kept: tuple[datetime, Surroundings] | None = None

    async def read(self) -> Surroundings:
        """As they were up to `KEPT` ago."""
        now = self._clock.now()
        if self._kept is None or not timedelta(0) <= now - self._kept[0] < KEPT:
            self._kept = (now, await self._read())
        return self._kept[1]

    async def ahead_of(self, bulk: Document) -> list[Crowd]:
        """What waits of its own tenant in bulks that go first."""
        earlier = [{"rank": {"$lt": bulk["rank"]}}, {"rank": bulk["rank"], "_id": {"$lt": bulk["_id"]}}]
        return await self._crowds({"tenant": bulk["tenant"], "$or": earlier})

    async def _read(self) -> Surroundings:
        look, workers, crowds = await asyncio.gather(self._admission.look(), self._workers.alive(), self._crowds({}))
        names = sorted({crowd.tenant for crowd in crowds})
        found = await self._scopes.find([TENANT + name for name in names]) if names else {}
        tenants = {scope["tenant"]: scope for scope in found.values()}
        return Surroundings(look, sum(worker["slots"] for worker in workers), crowds, tenants)

    async def _crowds(self, whose: Document) -> list[Crowd]:
        waits = {"status": {"$in": list(ACTIVE_BULKS)}, "due_at": {"$lt": NEVER}, **whose}
        kind = {"tenant": "$tenant", "pipeline": "$pipeline", "mode": "$mode"}
        sums = {
            "jobs": {"$sum": "$remaining_items"},
            "rows": {"$sum": "$parallelism"},
            "delay": {"$avg": "$delay_seconds"},
        }
        rows = await self._bulks.aggregate(
            [{"$match": waits}, {"$limit": MOST_BULKS}, {"$group": {"_id": kind, **sums}}]
        )
        return [
            Crowd(**{name: row["_id"][name] for name in kind}, jobs=row["jobs"], rows=row["rows"], delay=row["delay"])
            for row in rows
        ]
