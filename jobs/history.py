"""What jobs of a kind have taken so far, in time and cost, and what a request may take therefore. Nothing is promised,
and nothing is written here.

It is told of everybody's jobs together: times and costs alone, so that it says nothing about anybody.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from jobs.clock import Clock
from jobs.documents import BulkRequest, bucket_of
from jobs.limits import Limits
from jobs.pipelines import CONTENT
from jobs.states import JobStatus
from jobs.store import Document, Store

MOST_JOBS = 50
MOST_LOOKED_AT = 1000
WINDOWS = (timedelta(hours=1), timedelta(days=7))
"""First the last hour, so that a server that sorts what it reads reads little."""


@dataclass(frozen=True)
class Usual:
    """Of one job: the seconds that one in ten and nine in ten stay under, and the median cost where it is known."""

    seconds_low: float
    seconds_high: float
    cost: float | None


@dataclass(frozen=True)
class Forecast:
    """Of a whole request, once its first job has started."""

    seconds_low: int
    seconds_high: int
    cost: float | None


class History:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._jobs = store.collection("generation_jobs")
        self._clock = clock

    async def usual(self, pipeline: str, mode: str) -> Usual | None:
        """From the last jobs that this pipeline has completed in this mode; None where there are none of late."""
        found: list[Document] = []
        for window in WINDOWS:
            if len(found) < MOST_JOBS:
                found = await self._completed(pipeline, mode, window)
        times = [seconds for job in found if (seconds := _running_seconds(job)) is not None]
        if not times:
            return None
        low, high = _range(times)
        told = [job["cost"] for job in found if _tells_cost(job)]
        return Usual(low, high, statistics.median(told) if told else None)

    async def _completed(self, pipeline: str, mode: str, window: timedelta) -> list[Document]:
        """By the index of what has ended last; of that a bounded part is looked at, whatever the jobs are."""
        wanted = {
            "schema": 1,
            "status": JobStatus.COMPLETED.value,
            "mode": mode,
            "result_meta.pipeline": pipeline,
            "result_meta.shared_from": {"$exists": False},
        }
        told = ("result_meta.stages", "result_meta.usage", "selection.stage", "cost")
        return await self._jobs.aggregate(
            [
                {"$match": {"completed_at": {"$gt": self._clock.now() - window}}},
                {"$sort": {"completed_at": -1}},
                {"$limit": MOST_LOOKED_AT},
                {"$match": wanted},
                {"$limit": MOST_JOBS},
                {"$project": dict.fromkeys(told, 1)},
            ]
        )


def forecast(request: BulkRequest, tenant: str, usual: Usual, limits: Limits) -> Forecast:
    """Its jobs in as many rows as may run at once, with the delay between two, no faster than the generator's rate lets
    them. Waiting for a person, and for others' jobs, is not in it."""
    count, rows = len(request.items), _at_once(request, tenant, limits)
    turns = math.ceil(count / rows)
    between = (turns - 1) * request.delay.total_seconds() + (rows - 1) * request.stagger.total_seconds()
    held_back = _held_back_seconds(request, limits)

    def whole(seconds: float) -> int:
        return math.ceil(max(turns * seconds + between, held_back + seconds))

    cost = round(count * usual.cost, 6) if usual.cost is not None else None
    return Forecast(whole(usual.seconds_low), whole(usual.seconds_high), cost)


def _at_once(request: BulkRequest, tenant: str, limits: Limits) -> int:
    if bucket_of(tenant) >= limits.parallel:
        return 1
    caps = (request.parallelism, limits.max_running, limits.tenant_max_running, len(request.items))
    return min(cap for cap in caps if cap is not None)


def _held_back_seconds(request: BulkRequest, limits: Limits) -> float:
    """Until the last job may begin to call: each minute lets in as many calls as the rate."""
    rate = limits.requests_per_minute
    if rate is None:
        return 0.0
    stages = len([stage for stage in request.pipeline.stages if stage.generator == CONTENT])
    calls = sum(stages * len(item.get("components") or [""]) for item in request.items)
    return max(0, math.ceil(calls / rate) - 1) * 60.0


def _running_seconds(job: Document) -> float | None:
    """Of its stages together, but for the one that a person was asked at."""
    asked_at = (job.get("selection") or {}).get("stage")
    stages = job["result_meta"].get("stages") or []
    times = [stage["duration_ms"] for stage in stages if stage["name"] != asked_at and "duration_ms" in stage]
    return sum(times) / 1000 if times else None


def _tells_cost(job: Document) -> bool:
    usage = job["result_meta"].get("usage")
    return bool(usage) and usage.get("cost") is not None


def _range(values: Sequence[float]) -> tuple[float, float]:
    if len(values) == 1:
        return values[0], values[0]
    tenths = statistics.quantiles(values, n=10, method="inclusive")
    return tenths[0], tenths[-1]
