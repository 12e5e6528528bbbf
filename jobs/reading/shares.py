"""Who shares the system just now, and by what it is limited: for whoever runs it. Nothing is written here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from jobs.capacity.scopes import GENERATOR, TENANT
from jobs.clock import Clock
from jobs.pipelines import GENERATORS
from jobs.reading.overview import LIVE, Rate, rate_of
from jobs.storage.store import Document, Store

MOST_TENANTS = 10


class GeneratorState(StrEnum):
    """`recovering`: it has come back, and is called more and more."""

    READY = "ready"
    PARKED = "parked"
    DOWN = "down"
    RECOVERING = "recovering"


@dataclass(frozen=True)
class GeneratorView:
    """`until`: when it is called again, where it is parked; when it is probed next, where it is down. `pace` is the
    rate for now, in requests a minute, which errors have lowered; both it and `rate` are None without a limit."""

    name: str
    state: GeneratorState
    until: datetime | None
    requests_per_minute: int | None
    pace: int | None
    rate: Rate | None


@dataclass(frozen=True)
class TenantShare:
    """Its jobs that run, and those that have not ended and do not run."""

    tenant: str
    running: int
    waiting: int
    weight: float


class Shares:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._bulks = store.collection("bulk_jobs")
        self._limits = store.collection("limits")
        self._clock = clock

    async def generators(self) -> list[GeneratorView]:
        scopes = await self._limits.find({"_id": {"$in": [GENERATOR + name for name in GENERATORS]}})
        found = {scope["_id"]: scope for scope in scopes}
        now = self._clock.now()
        return [_generator(name, found[GENERATOR + name], now) for name in GENERATORS]

    async def tenants(self) -> Sequence[TenantShare]:
        """Those with the most jobs that run or wait, the most first."""
        sums = {"running": {"$sum": "$busy"}, "remaining": {"$sum": "$remaining_items"}}
        rows = await self._bulks.aggregate(
            [{"$match": {"schema": 1, "status": LIVE}}, {"$group": {"_id": "$tenant", **sums}}]
        )
        rows.sort(key=lambda row: (-row["running"], -row["remaining"], row["_id"]))
        most = rows[:MOST_TENANTS]
        scopes = await self._limits.find({"_id": {"$in": [TENANT + row["_id"] for row in most]}}, projection=["weight"])
        weights = {scope["_id"]: scope["weight"] for scope in scopes}
        return [_share(row, weights.get(TENANT + row["_id"], 1.0)) for row in most]


def _generator(name: str, scope: Document, now: datetime) -> GeneratorView:
    state, until = GeneratorState.READY, None
    if scope["down"]:
        state, until = GeneratorState.DOWN, scope["probe_at"]
    elif scope["spaced_until"] > now:
        state, until = GeneratorState.PARKED, scope["spaced_until"]
    elif scope["ramp"] is not None:
        state = GeneratorState.RECOVERING
    return GeneratorView(name, state, until, scope["requests_per_minute"], scope["pace"], rate_of(scope, now))


def _share(row: Document, weight: float) -> TenantShare:
    return TenantShare(row["_id"], row["running"], max(0, row["remaining"] - row["running"]), weight)
