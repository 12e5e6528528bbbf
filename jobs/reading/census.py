"""The whole system in figures, for whoever watches over it: one cheap read for each, and nothing is written or decided.

A figure is as old as the look that it is from; no look is made but for somebody who asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from jobs import priority
from jobs.capacity.limits import SHARED, limits_in, tenant_limits_in
from jobs.capacity.scopes import GENERATOR, SYSTEM, TENANT, day_of
from jobs.clock import NEVER, Clock
from jobs.notification.addressed import DeliveryState
from jobs.notification.outbox import UNTOLD
from jobs.pipelines import GENERATORS
from jobs.priority import Priority
from jobs.reading.overview import LIVE, rate_of
from jobs.states import BulkStatus, JobStatus
from jobs.storage.store import Document, Store
from jobs.sweep import BUSY
from jobs.versions.workers import Workers

MOST_COUNTED = 100_000
"""Of what waits to be told; more than that is as much as that."""

MOST_TENANTS = 50
"""Of those with a budget; the ones that have used the most of it."""

TENANTS_READ = 1000
READY = {"status": {"$in": [BulkStatus.QUEUED.value, BulkStatus.PROCESSING.value]}, "busy": 0, "intent": None}


class LiveState(StrEnum):
    """Of a job that has not ended. `PAUSED`: it waits, and so does all of its bulk."""

    QUEUED = "queued"
    PAUSED = "paused"
    PROCESSING = "processing"
    AWAITING_SELECTION = "awaiting_selection"


@dataclass(frozen=True)
class GeneratorFigures:
    """`used` and `limit` are in calls a minute; None where the rate is not limited."""

    is_down: bool
    used: float | None
    limit: int | None


@dataclass(frozen=True)
class BudgetFigures:
    """`scope` is `system` or `tenant:<name>`, `what` is `jobs` or `cost`; `ratio` is how much of the day is used."""

    scope: str
    what: str
    ratio: float


@dataclass(frozen=True)
class Figures:
    """`waiting`: for how long the bulk that waits longest could have started a job, while none of its jobs ran."""

    jobs: Mapping[tuple[LiveState, Priority], int] = field(default_factory=dict)
    waiting: Mapping[Priority, timedelta] = field(default_factory=dict)
    tenants_served: int = 0
    generators: Mapping[str, GeneratorFigures] = field(default_factory=dict)
    budgets: Sequence[BudgetFigures] = ()
    notices_pending: int = 0
    untold: int = 0
    workers: int = 0


class Census:
    def __init__(self, store: Store, clock: Clock, workers: Workers) -> None:
        self._bulks = store.collection("bulk_jobs")
        self._jobs = store.collection("generation_jobs")
        self._limits = store.collection("limits")
        self._deliveries = store.collection("deliveries")
        self._clock = clock
        self._workers = workers

    async def take(self) -> Figures:
        """Raises `StoreUnavailable`."""
        now = self._clock.now()
        (jobs, waiting, tenants, alive), (scopes, budgeted, pending, untold) = await asyncio.gather(
            asyncio.gather(
                self._live_jobs(),
                self._longest_wait(now),
                self._bulks.aggregate([{"$match": BUSY}, {"$group": {"_id": "$tenant"}}]),
                self._workers.alive(),
            ),
            asyncio.gather(
                self._limits.find({"_id": {"$in": list(SHARED)}}),
                self._limits.find(_of_tenants_today(now), projection=BUDGET_FIELDS, limit=TENANTS_READ),
                self._deliveries.count(PENDING, limit=MOST_COUNTED),
                self._untold(),
            ),
        )
        shared = {scope["_id"]: scope for scope in scopes}
        return Figures(
            jobs,
            waiting,
            len(tenants),
            {name: _generator(shared[GENERATOR + name], now) for name in GENERATORS if GENERATOR + name in shared},
            _budgets(shared, budgeted, now) if len(shared) == len(SHARED) else (),
            pending,
            untold,
            len(alive),
        )

    async def _live_jobs(self) -> Mapping[tuple[LiveState, Priority], int]:
        """From the bulks' counters, so that a million waiting jobs are not read."""
        of_bulks = {"priority": "$priority", "status": "$status"}
        sums = {"remaining": {"$sum": "$remaining_items"}, "busy": {"$sum": "$busy"}}
        rows, asking = await asyncio.gather(
            self._bulks.aggregate([{"$match": {"schema": 1, "status": LIVE}}, {"$group": {"_id": of_bulks, **sums}}]),
            self._asking(),
        )
        counts = {(state, one): 0 for state in LiveState for one in Priority}
        for row in rows:
            one = priority.named(row["_id"]["priority"])
            counts[_while_waiting(row["_id"]["status"]), one] += row["remaining"] - row["busy"]
            counts[LiveState.PROCESSING, one] += row["busy"]
        for bulk, count in asking:
            one = priority.named(bulk["priority"])
            counts[_while_waiting(bulk["status"]), one] -= count
            counts[LiveState.AWAITING_SELECTION, one] += count
        return {which: max(0, count) for which, count in counts.items()}

    async def _asking(self) -> Sequence[tuple[Document, int]]:
        """Bulks, and how many of their jobs wait for a person's choice."""
        wanted = {"schema": 1, "status": JobStatus.AWAITING_SELECTION.value}
        rows = await self._jobs.aggregate(
            [{"$match": wanted}, {"$group": {"_id": "$bulk_job_id", "count": {"$sum": 1}}}]
        )
        if not rows:
            return ()
        ids = {"_id": {"$in": [row["_id"] for row in rows]}, "status": LIVE}
        bulks = {bulk["_id"]: bulk for bulk in await self._bulks.find(ids, projection=["priority", "status"])}
        return [(bulks[row["_id"]], row["count"]) for row in rows if row["_id"] in bulks]

    async def _longest_wait(self, now: datetime) -> Mapping[Priority, timedelta]:
        since = {"$max": ["$due_at", "$spaced_until"]}
        rows = await self._bulks.aggregate(
            [
                {"$match": {"schema": 1, **READY, "due_at": {"$lte": now}, "spaced_until": {"$lte": now}}},
                {"$group": {"_id": "$priority", "since": {"$min": since}}},
            ]
        )
        waits = dict.fromkeys(Priority, timedelta(0))
        for row in rows:
            one = priority.named(row["_id"])
            waits[one] = max(waits[one], now - row["since"])
        return waits

    async def _untold(self) -> int:
        counts = await asyncio.gather(
            self._bulks.count(UNTOLD, limit=MOST_COUNTED), self._jobs.count(UNTOLD, limit=MOST_COUNTED)
        )
        return sum(counts)


PENDING: Document = {"state": DeliveryState.PENDING.value, "due_at": {"$lt": NEVER}}
BUDGET_FIELDS = (
    "day", "committed", "submitted", "weight", "max_running", "requests_per_minute", "jobs_per_day", "cost_per_day",
)  # fmt: skip


def _while_waiting(bulk_status: str) -> LiveState:
    return LiveState.PAUSED if bulk_status == BulkStatus.PAUSED.value else LiveState.QUEUED


def _of_tenants_today(now: datetime) -> Document:
    today = day_of(now)
    # A tenant is everything between these two: the colon comes last but one before the semicolon.
    return {
        "_id": {"$gte": TENANT, "$lt": TENANT.replace(":", ";")},
        "$or": [{"day": today, "committed": {"$gt": 0}}, {"submitted.day": today}],
    }


def _generator(scope: Document, now: datetime) -> GeneratorFigures:
    rate = rate_of(scope, now)
    used = rate.utilization * scope["pace"] if rate is not None else None
    return GeneratorFigures(scope["down"], used, scope["pace"])


def _budgets(shared: Mapping[str, Document], tenants: Sequence[Document], now: datetime) -> Sequence[BudgetFigures]:
    limits = limits_in(shared)
    found = _used(shared[SYSTEM], SYSTEM, limits.jobs_per_day, limits.cost_per_day, now)
    of_tenants = []
    for scope in tenants:
        own = tenant_limits_in(scope).over(limits)
        of_tenants += _used(scope, scope["_id"], own.jobs_per_day, own.cost_per_day, now)
    of_tenants.sort(key=lambda one: -one.ratio)
    return [*found, *of_tenants[:MOST_TENANTS]]


def _used(
    scope: Document, name: str, jobs_per_day: int | None, cost_per_day: float | None, now: datetime
) -> list[BudgetFigures]:
    today = day_of(now)
    used = []
    if jobs_per_day:
        submitted = scope.get("submitted") or {"day": "", "jobs": 0}
        used.append(BudgetFigures(name, "jobs", submitted["jobs"] / jobs_per_day if submitted["day"] == today else 0.0))
    if cost_per_day:
        used.append(BudgetFigures(name, "cost", scope["committed"] / cost_per_day if scope["day"] == today else 0.0))
    return used
