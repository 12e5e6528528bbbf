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

from jobs.capacity.limits import Limits
from jobs.clock import Clock
from jobs.documents import BulkRequest, bucket_of
from jobs.estimation.estimates import Rate, Work, estimate
from jobs.estimation.timings import TOLD, Timing, pace_of, timing_of
from jobs.pipelines import CONTENT
from jobs.states import JobStatus
from jobs.storage.store import Document, Filter, Store

MOST_JOBS = 50
MOST_LOOKED_AT = 1000
WINDOWS = (timedelta(hours=1), timedelta(hours=6), timedelta(days=1), timedelta(days=7))
"""The shortest first, so that a server that sorts what it reads reads little."""


@dataclass(frozen=True)
class Usual:
    """What the last jobs of a kind took, each, and the median cost where it is known."""

    timings: Sequence[Timing]
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
            ended = {"completed_at": {"$gt": self._clock.now() - window}}
            found = await self._completed(pipeline, mode, ended)
            # Of a longer window no other jobs would be looked at.
            if len(found) == MOST_JOBS or await self._jobs.count(ended, limit=MOST_LOOKED_AT) == MOST_LOOKED_AT:
                break
        timings = [timing for timing in map(timing_of, found) if timing.seconds > 0]
        if not timings:
            return None
        told = [job["cost"] for job in found if _tells_cost(job)]
        return Usual(timings, statistics.median(told) if told else None)

    async def _completed(self, pipeline: str, mode: str, ended: Filter) -> list[Document]:
        """By the index of what has ended last; of that a bounded part is looked at, whatever the jobs are."""
        wanted = {
            "schema": 1,
            "status": JobStatus.COMPLETED.value,
            "mode": mode,
            "result_meta.pipeline": pipeline,
            "result_meta.shared_from": {"$exists": False},
        }
        told = (*TOLD, "result_meta.usage", "cost")
        return await self._jobs.aggregate(
            [
                {"$match": ended},
                {"$sort": {"completed_at": -1}},
                {"$limit": MOST_LOOKED_AT},
                {"$match": wanted},
                {"$limit": MOST_JOBS},
                {"$project": dict.fromkeys(told, 1)},
            ]
        )


def forecast(request: BulkRequest, tenant: str, usual: Usual, limits: Limits, slots: int) -> Forecast:
    """As a bulk that runs is foreseen, but alone: waiting for persons, and for others' jobs, is not in it. `slots` are
    those of all live workers; with none it is as if there were enough."""
    pace = pace_of((), usual.timings)
    if pace is None:
        raise ValueError("a usual time was measured")
    count, rows = len(request.items), _at_once(request, tenant, limits, slots)
    found = estimate(
        Work(
            pace.times,
            waiting=count,
            rows=rows,
            delay=request.delay.total_seconds(),
            stagger=request.stagger.total_seconds() if rows > 1 else 0.0,
            retries=pace.retries,
            rates=_rates(request, limits),
        )
    )
    cost = round(count * usual.cost, 6) if usual.cost is not None else None
    return Forecast(math.floor(found.low), math.ceil(found.high), cost)


def _at_once(request: BulkRequest, tenant: str, limits: Limits, slots: int) -> int:
    if bucket_of(tenant) >= limits.parallel:
        return 1
    caps = (request.parallelism, limits.max_running, limits.tenant_max_running, slots or None, len(request.items))
    return min(cap for cap in caps if cap is not None)


def _rates(request: BulkRequest, limits: Limits) -> Sequence[Rate]:
    if limits.requests_per_minute is None:
        return ()
    stages = len([stage for stage in request.pipeline.stages if stage.generator == CONTENT])
    calls = sum(stages * len(item.get("components") or [""]) for item in request.items)
    return (Rate(limits.requests_per_minute, calls / len(request.items)),)


def _tells_cost(job: Document) -> bool:
    usage = job["result_meta"].get("usage")
    return bool(usage) and usage.get("cost") is not None
