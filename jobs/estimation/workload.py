"""What is left of a bulk and what it runs beside, as an estimate is asked. Pure functions over what was read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from jobs import bulk_hours
from jobs.capacity.limits import TenantLimits
from jobs.capacity.scopes import GENERATOR, WINDOW
from jobs.capacity.sharing import Capacity, Others, Phase, phases
from jobs.estimation.basis import Facts
from jobs.estimation.estimates import Rate, Work
from jobs.estimation.timings import Pace
from jobs.pipelines import CONTENT, GENERATORS
from jobs.reading.lookup import Counts
from jobs.reading.surroundings import Surroundings
from jobs.storage.store import Document


@dataclass(frozen=True)
class Workload:
    """`begun` are groups of jobs that wait and may have less to do than a whole one: `_id` is the stage they stand at,
    `count` how many, `due_at` when the last of them may run. `others` share what is limited with the bulk."""

    bulk: Document
    counts: Counts
    pace: Pace
    around: Surroundings
    running: Sequence[Document]
    begun: Sequence[Document]
    others: Sequence[Others]
    now: datetime
    scopes: Sequence[Document] = field(init=False)

    def __post_init__(self) -> None:
        names = [GENERATOR + name for name in GENERATORS]
        object.__setattr__(self, "scopes", [self.around.look.scopes[name] for name in names])

    @property
    def work(self) -> Work:
        bulk = self.bulk
        return Work(
            self.pace.times,
            waiting=self.waiting,
            running=[self.pace.rest(job, bulk["stages"], self.now) for job in self.running],
            rows=self.rows,
            delay=self.delay,
            stagger=bulk["stagger_ms"] / 1000 if self.rows > 1 else 0.0,
            held=self._held,
            last_due=max((self._until(group["due_at"]) for group in self.begun), default=0.0),
            retries=self.pace.retries,
            rates=self.rates,
            course=self.course,
        )

    @property
    def facts(self) -> Facts:
        binding = [rate.per_minute for rate in self.rates if rate.held_back(self.waiting)]
        elders = [other.jobs for other in self.others if other.weight is None]
        return Facts(
            self.pace.done,
            self.pace.done_before,
            self.counts.completed,
            self.rows,
            self.delay,
            self.pace.retries,
            per_minute=min(binding, default=None),
            ahead=round(sum(elders)) if self.course else 0,
            shared=bool(self.course) and len(elders) < len(self.others),
            hours=bulk_hours.in_words(self.bulk),
            awaiting=self.counts.awaiting,
        )

    @cached_property
    def waiting(self) -> float:
        """Jobs that are to begin, in whole ones."""
        stages, left = self.bulk["stages"], float(self.counts.remaining - self.counts.running)
        for group in self.begun:
            left -= group["count"] * (1 - self.pace.share_from(group["_id"], stages))
        return max(0.0, left)

    @cached_property
    def rows(self) -> int:
        return rows_of(self.bulk, self.around)

    @property
    def delay(self) -> float:
        return float(self.bulk["delay_seconds"])

    @cached_property
    def course(self) -> Sequence[Phase]:
        """Empty where nobody takes anything away from it."""
        in_all, limits = self.around.capacity, self._limits
        capacity = Capacity(self.rows, in_all, limits.max_running, limits.weight)
        found = phases(capacity, job_seconds(self.pace, self.bulk["delay_seconds"], in_all), self.others)
        return found if any(phase.places < self.rows for phase in found) else ()

    @cached_property
    def rates(self) -> Sequence[Rate]:
        """Of each generator that its jobs call, and of its tenant, where they are limited."""
        calls = {name: self._calls(name) for name in GENERATORS}
        beside = 1 + sum(self._between(other) for other in self.others) / max(1.0, self.waiting)
        rates = [
            self._rate(scope, scope["pace"], calls[name] * beside)
            for name, scope in zip(GENERATORS, self.scopes, strict=True)
            if scope["pace"] is not None and calls[name]
        ]
        of_tenant, scope = self._limits.requests_per_minute, self.around.tenants.get(self.bulk["tenant"])
        if of_tenant is not None and scope is not None:
            rates.append(self._rate(scope, of_tenant, sum(calls.values())))
        return rates

    @property
    def _limits(self) -> TenantLimits:
        return self.around.limits_of(self.bulk["tenant"])

    @property
    def _held(self) -> float:
        """Until anything of it may start, as far as that is known."""
        look = self.around.look
        opens = [self.bulk["spaced_until"], look.generator(CONTENT)["spaced_until"]]
        if look.limits.max_running == 1:
            opens.append(look.system["spaced_until"])
        return max(self._until(moment) for moment in opens)

    def _calls(self, generator: str) -> float:
        stages = sum(stage["generator"] == generator for stage in self.bulk["stages"])
        return stages * self.pace.parts if generator == CONTENT else float(stages)

    def _between(self, other: Others) -> float:
        """How many of their jobs run before the last of ours begins."""
        return other.jobs if other.weight is None else min(other.jobs, self.waiting)

    def _rate(self, scope: Document, pace: int, calls: float) -> Rate:
        used = [moment for moment in scope["recent"] if moment > self.now - WINDOW]
        age = (self.now - min(used)).total_seconds() if used else 0.0
        return Rate(pace, calls, len(used), age)

    def _until(self, moment: datetime) -> float:
        return max(timedelta(0), moment - self.now).total_seconds()


def rows_of(bulk: Document, around: Surroundings) -> int:
    """How many of its jobs run at once, with nobody beside it."""
    if bulk["bucket"] >= around.look.limits.parallel:
        return 1
    limits = around.limits_of(bulk["tenant"])
    caps = (bulk["parallelism"], around.capacity or None, limits.max_running)
    return min(cap for cap in caps if cap is not None)


def is_crowded(bulk: Document, around: Surroundings) -> bool:
    """Whether all that wait want more places than there are, for all or for its tenant."""
    of_tenant = around.limits_of(bulk["tenant"]).max_running
    mine = sum(crowd.rows for crowd in around.crowds if crowd.tenant == bulk["tenant"])
    too_many = of_tenant is not None and mine > of_tenant
    return too_many or sum(crowd.rows for crowd in around.crowds) > around.capacity


def job_seconds(pace: Pace, delay: float, in_all: int) -> float:
    """How long a job keeps its place from others: where there is but one, nobody has it during the delay either."""
    return pace.times.mean + (delay if in_all == 1 else 0.0)
