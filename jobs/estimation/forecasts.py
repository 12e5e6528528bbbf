"""When bulks will have ended, and how much longer their running jobs take: here is read what that rests on (spec §8).

Few reads, each of few documents whatever the size of the bulk. Nothing is written, and nothing is guessed where nothing
was measured.
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.bulk_hours import worked_off
from jobs.capacity.sharing import Others
from jobs.clock import Clock
from jobs.documents import BulkId, Lane
from jobs.estimation.basis import basis_of
from jobs.estimation.estimates import estimate
from jobs.estimation.history import History
from jobs.estimation.timings import TOLD, Pace, Timing, pace_of, timing_of
from jobs.estimation.workload import Workload, is_crowded, job_seconds
from jobs.reading.lookup import Counts
from jobs.reading.surroundings import Crowd, Surroundings, SurroundingsReader
from jobs.reading.waiting import HeldUp, WaitingCode
from jobs.states import ACTIVE_BULKS, JobStatus
from jobs.storage.store import Document, Store

OWN_JOBS = 50
LOOKED_AT = 150
"""Positions around the first job that waits: there the last ones to end are found without a sort of all that ended."""

MOST_RUNNING = 200
KIND_KEPT = timedelta(seconds=30)
BULKS_KEPT = 2_000
UNTIL_NOBODY_KNOWS = frozenset(
    {
        WaitingCode.PAUSED, WaitingCode.CONTROL, WaitingCode.CANARY, WaitingCode.BUDGET, WaitingCode.NO_WORKER,
        WaitingCode.GENERATOR_DOWN, WaitingCode.SELECTION,
    }
)  # fmt: skip
"""What a bulk waits for without a known end: nothing is foretold meanwhile, for `waiting` says why."""


@dataclass(frozen=True)
class Foreseen:
    """When a bulk will probably have ended, and on what that rests."""

    low: datetime
    high: datetime
    basis: str


class Forecasts:
    def __init__(self, store: Store, clock: Clock, history: History, surroundings: SurroundingsReader) -> None:
        self._bulks = store.collection("bulk_jobs")
        self._jobs = store.collection("generation_jobs")
        self._clock = clock
        self._history = history
        self._surroundings = surroundings
        self._kinds: dict[tuple[str, str], tuple[datetime, Sequence[Timing]]] = {}
        self._own: OrderedDict[BulkId, tuple[tuple[int, ...], Sequence[Timing]]] = OrderedDict()

    async def pace(self, bulk: Document) -> Pace | None:
        """How fast its jobs go, for `Pace.rest` of those that run; None where nothing was measured yet."""
        return pace_of(*await self._measured(bulk))

    async def pace_of_kind(self, pipeline: str, mode: str) -> Pace | None:
        """The same, going by the last jobs of all bulks of that kind alone."""
        return pace_of((), await self._kind(pipeline, mode))

    async def of_jobs(self, jobs: Sequence[Document]) -> Mapping[BulkId, tuple[Sequence[Document], Pace | None]]:
        """For jobs of any bulks: by bulk its stages, and the pace of its kind."""
        wanted = list({job["bulk_job_id"] for job in jobs})
        fields = ["stages", "pipeline", "mode"]
        found = await self._bulks.find({"_id": {"$in": wanted}}, projection=fields) if wanted else []
        return {
            bulk["_id"]: (bulk["stages"], await self.pace_of_kind(bulk["pipeline"], bulk["mode"])) for bulk in found
        }

    async def of_bulk(self, bulk: Document, counts: Counts, held_up: HeldUp | None) -> Foreseen | None:
        """None while it has ended or is paused, where it waits for something that has no known end, where its hours are
        too few for this year, and where nothing was measured. `held_up` is what `Waiting.of_bulk` told."""
        unknown = held_up is not None and held_up.code in UNTIL_NOBODY_KNOWS
        if unknown or bulk["status"] not in ACTIVE_BULKS or bulk["ceiling"] is not None or not counts.remaining:
            return None
        own, before = await self._measured(bulk)
        known = pace_of(own, before)
        if known is None:
            return None
        around, running, begun = await asyncio.gather(
            self._surroundings.read(),
            self._running(bulk, counts),
            self._begun(bulk, asks=known.asks or counts.awaiting > 0),
        )
        now = self._clock.now()
        elapsed = [max(timedelta(0), now - job["lease"]["taken_at"]).total_seconds() for job in running]
        pace = pace_of(own, before, elapsed, sum(group["failed"] for group in begun))
        if pace is None or (counts.remaining > counts.running and not around.capacity):
            return None
        others = await self._others(bulk, pace, around)
        load = Workload(bulk, counts, pace, around, running, begun, others, now)
        found = estimate(load.work)
        low = worked_off(bulk, now, timedelta(seconds=math.floor(found.low)))
        high = worked_off(bulk, now, timedelta(seconds=math.ceil(found.high)))
        return Foreseen(low, high, basis_of(load.facts)) if low is not None and high is not None else None

    async def _measured(self, bulk: Document) -> tuple[Sequence[Timing], Sequence[Timing]]:
        """Of the bulk's own jobs, and of others of its kind."""
        before = await self._kind(bulk["pipeline"], bulk["mode"])
        return await self._own_timings(bulk), [timing for timing in before if timing.bulk_id != bulk["_id"]]

    async def _own_timings(self, bulk: Document) -> Sequence[Timing]:
        """Of the last of its jobs to end; they are the same until another ends."""
        ended = (bulk["generation"], bulk["completed_items"], bulk["failed_items"])
        kept = self._own.get(bulk["_id"])
        if kept is not None and kept[0] == ended:
            self._own.move_to_end(bulk["_id"])
            return kept[1]
        timings = await self._read_own(bulk) if any(ended[1:]) else []
        self._own[bulk["_id"]] = (ended, timings)
        if len(self._own) > BULKS_KEPT:
            self._own.popitem(last=False)
        return timings

    async def _read_own(self, bulk: Document) -> Sequence[Timing]:
        around = {"$gte": bulk["head"] - LOOKED_AT, "$lte": bulk["head"] + LOOKED_AT}
        jobs = await self._jobs.find(
            {
                "bulk_job_id": bulk["_id"],
                "shard": bulk["shard"],
                "queue_position": around,
                "status": {"$in": [JobStatus.COMPLETED.value, JobStatus.FAILED.value]},
                "result_meta.shared_from": {"$exists": False},
            },
            projection=TOLD,
            sort=[("completed_at", -1)],
            limit=OWN_JOBS,
        )
        return [timing_of(job) for job in jobs]

    async def _kind(self, pipeline: str, mode: str) -> Sequence[Timing]:
        now = self._clock.now()
        kept = self._kinds.get((pipeline, mode))
        if kept is None or not timedelta(0) <= now - kept[0] < KIND_KEPT:
            usual = await self._history.usual(pipeline, mode)
            kept = self._kinds[pipeline, mode] = (now, usual.timings if usual else ())
        return kept[1]

    async def _running(self, bulk: Document, counts: Counts) -> list[Document]:
        if not counts.running:
            return []
        kept = [f"checkpoints.{stage['name']}.at" for stage in bulk["stages"]]
        mine = {"bulk_job_id": bulk["_id"], "shard": bulk["shard"], "status": JobStatus.PROCESSING.value}
        found = await self._jobs.find(
            mine,
            projection=["current_stage", "started_at", "lease.taken_at", "sent_back.to", *kept],
            limit=MOST_RUNNING,
        )
        return [job for job in found if job.get("lease")]

    async def _begun(self, bulk: Document, *, asks: bool) -> list[Document]:
        """Jobs that wait and may have come part of the way, by the stage where they stand: those to be tried again, and
        where persons are asked also all others."""
        mine: Document = {"bulk_job_id": bulk["_id"], "shard": bulk["shard"]}
        if asks:
            mine["status"] = {"$in": [JobStatus.QUEUED.value, JobStatus.AWAITING_SELECTION.value]}
        else:
            mine |= {"status": JobStatus.QUEUED.value, "lane": Lane.AGAIN.value}
        sums = {"count": {"$sum": 1}, "due_at": {"$max": "$due_at"}, "failed": {"$sum": "$retry_count"}}
        return await self._jobs.aggregate([{"$match": mine}, {"$group": {"_id": "$current_stage", **sums}}])

    async def _others(self, bulk: Document, pace: Pace, around: Surroundings) -> Sequence[Others]:
        """Who takes part of what is limited; nobody where there is enough for all."""
        if not is_crowded(bulk, around):
            return []
        elders = await self._surroundings.ahead_of(bulk)
        rivals = [crowd for crowd in around.crowds if crowd.tenant != bulk["tenant"]]
        weights = {crowd.tenant: around.limits_of(crowd.tenant).weight for crowd in rivals}
        return [
            *[await self._waiting_of(crowd, None, pace, around) for crowd in elders],
            *[await self._waiting_of(crowd, weights[crowd.tenant], pace, around) for crowd in rivals],
        ]

    async def _waiting_of(self, crowd: Crowd, weight: float | None, pace: Pace, around: Surroundings) -> Others:
        """Where nothing was measured of their kind, they are taken to be as fast as this bulk."""
        theirs = await self.pace_of_kind(crowd.pipeline, crowd.mode) or pace
        seconds = job_seconds(theirs, crowd.delay, around.capacity)
        most = around.limits_of(crowd.tenant).max_running
        return Others(crowd.jobs, seconds, min(crowd.rows, most or crowd.rows), weight)


def per_hour(bulk: Document, now: datetime) -> float | None:
    """Articles completed an hour, from the bulk's first start to its end or until now; None before the first."""
    if bulk["started_at"] is None or not bulk["completed_items"]:
        return None
    seconds = ((bulk["completed_at"] or now) - bulk["started_at"]).total_seconds()
    return bulk["completed_items"] * 3600 / seconds if seconds > 0 else None
