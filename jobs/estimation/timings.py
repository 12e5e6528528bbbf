"""What jobs tell of the time they took, and how fast a bulk goes therefore. Nothing is read from a store here."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from bson import ObjectId

from jobs.estimation.estimates import Rest, Retries, retries_of
from jobs.estimation.lognormal import SHORTEST, Lognormal, fitted
from jobs.states import JobStatus
from jobs.storage.store import Document

TOLD = (
    "bulk_job_id", "status", "result_meta.stages", "selection.stage", "components", "attempts.started_at",
    "attempts.ended_at", "attempts.outcome",
)  # fmt: skip
"""The fields of an ended job that `timing_of` reads."""

GONE_WRONG = ("retried", JobStatus.FAILED.value)
ENOUGH = 5
"""So many jobs of its own, and those before say nothing any more of how often a job of the bulk is tried."""


@dataclass(frozen=True)
class Timing:
    """Of one ended job: the seconds of its stages, without the one that a person was asked at (empty where it failed),
    those of each try that failed, and of how many parts it was made."""

    stages: Mapping[str, float]
    failed: Sequence[float] = ()
    parts: int = 1
    asked: bool = False
    bulk_id: ObjectId | None = None

    @property
    def seconds(self) -> float:
        return sum(self.stages.values())


@dataclass(frozen=True)
class Pace:
    """How fast jobs of a bulk go, by its `own` and by those of the same kind `before` it. `running` are the seconds
    that jobs of it have run so far, `pending` how often those that are to be tried again have failed."""

    own: Sequence[Timing]
    before: Sequence[Timing]
    times: Lognormal
    running: Sequence[float] = ()
    pending: int = 0
    _stages: dict[str, Lognormal | None] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def done(self) -> list[float]:
        return _seconds(self.own)

    @cached_property
    def done_before(self) -> list[float]:
        return _seconds(self.before)

    @property
    def asks(self) -> bool:
        """Whether jobs of the kind stop for a person to choose."""
        return any(timing.asked for timing in (*self.own, *self.before))

    @property
    def parts(self) -> float:
        """Of how many parts, with a call each, a job is made, on an average."""
        return statistics.fmean(timing.parts for timing in self.own or self.before)

    @cached_property
    def retries(self) -> Retries:
        known = self.own if len(self.done) >= ENOUGH else (*self.own, *self.before)
        found = retries_of([seconds for timing in known for seconds in timing.failed], _seconds(known))
        more = self.pending
        return Retries(found.failed + more, max(found.tries, len(self.done)) + more, found.share) if more else found

    def share_from(self, stage: str | None, stages: Sequence[Document]) -> float:
        """Which part of a whole job is left for one that stands at this stage."""
        names = [entry["name"] for entry in stages]
        means = {name: self._mean(name) for name in names}
        whole = sum(means.values())
        if stage not in names or whole <= 0:
            return 1.0
        return sum(means[name] for name in names[names.index(stage) :]) / whole

    def rest(self, job: Document, stages: Sequence[Document], now: datetime) -> Rest:
        """Of a running job, from the stage that it is in and how long it has been there."""
        names = [entry["name"] for entry in stages]
        taken_at: datetime = job["lease"]["taken_at"]
        current = job["current_stage"]
        at = names.index(current) if current in names else 0
        before, after = names[:at], names[at + 1 :]
        times = self._stage(names[at])
        if times is None:
            return Rest(self.times, _seconds_since(taken_at, now))
        later = sum(self._mean(name) for name in after)
        return Rest(times, _seconds_since(self._began(job, before, taken_at), now), later)

    def _began(self, job: Document, before: Sequence[str], taken_at: datetime) -> datetime:
        """When the stage began that the job is in. Where it was not kept, as it usually would have."""
        ended: list[datetime] = [
            entry["at"] for name, entry in (job.get("checkpoints") or {}).items() if name in before and "at" in entry
        ]
        if ended and not job.get("sent_back"):
            return max(taken_at, *ended)
        usual = timedelta(seconds=sum(self._mean(name) for name in before))
        return taken_at if job["started_at"] is not None else taken_at + usual

    def _mean(self, stage: str) -> float:
        known = [timing.stages.get(stage, 0.0) for timing in (self.own or self.before) if timing.stages]
        return statistics.fmean(known) if known else 0.0

    def _stage(self, name: str) -> Lognormal | None:
        if name not in self._stages:
            own, before = (
                [took for timing in timings if (took := timing.stages.get(name, 0.0)) > SHORTEST]
                for timings in (self.own, self.before)
            )
            self._stages[name] = fitted(own, before)
        return self._stages[name]


def pace_of(
    own: Sequence[Timing], before: Sequence[Timing], running: Sequence[float] = (), pending: int = 0
) -> Pace | None:
    """None where nothing was measured."""
    times = fitted(_seconds(own), _seconds(before), running)
    return Pace(own, before, times, running, pending) if times is not None else None


def timing_of(job: Document) -> Timing:
    """Of an ended job, from the fields that are `TOLD`."""
    asked_at = (job.get("selection") or {}).get("stage")
    attempts = job.get("attempts") or []
    tries = [(entry["outcome"], (entry["ended_at"] - entry["started_at"]).total_seconds()) for entry in attempts]
    told = (job.get("result_meta") or {}).get("stages") or []
    stages = {entry["name"]: entry["duration_ms"] / 1000 for entry in told if "duration_ms" in entry}
    stages.pop(asked_at, None)
    failed = [seconds for outcome, seconds in tries if outcome in GONE_WRONG]
    if job["status"] != JobStatus.COMPLETED:
        stages = {}
    parts = len(job.get("components") or [""])
    return Timing(stages, failed, parts, asked_at is not None, job["bulk_job_id"])


def _seconds(timings: Sequence[Timing]) -> list[float]:
    return [timing.seconds for timing in timings if timing.seconds > 0]


def _seconds_since(moment: datetime, now: datetime) -> float:
    return max(0.0, (now - moment).total_seconds())
