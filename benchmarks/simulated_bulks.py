"""Bulks that run in simulated time by the rules of order and limits, and what is known of them at each job's end.

Written without the estimator, and without the queue: delay, stagger, turns, backoff as spec §5 and §6 say them.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

MEDIAN_SECONDS = 150.0
STAGGER_SECONDS = 0.15
BACKOFF_SECONDS = 5.0
MAX_RETRIES = 2
NEVER = math.inf


@dataclass(frozen=True)
class Kind:
    """How a bulk is: `sigma` is the spread of its times' logarithms; `beside`: with whom it shares the only slot."""

    size: int
    sigma: float
    parallelism: int
    delay: float
    fails: float
    beside: str
    history: int


@dataclass
class Bulk:
    tenant: str
    jobs: int
    parallelism: int
    delay: float
    sigma: float
    fails: float
    median: float
    fresh: int = 0
    again: list[tuple[float, int]] = field(default_factory=list)
    running: dict[int, tuple[float, float, bool]] = field(default_factory=dict)
    tried: dict[int, int] = field(default_factory=dict)
    opens: float = 0.0
    good: list[float] = field(default_factory=list)
    bad: list[float] = field(default_factory=list)
    ended: int = 0

    @property
    def left(self) -> int:
        return self.jobs - self.ended

    @property
    def waiting(self) -> int:
        return self.left - len(self.running)

    def next_job(self, now: float) -> int | None:
        """Fresh ones first, then those in backoff whose time has come."""
        if now < self.opens or len(self.running) >= self.parallelism:
            return None
        if self.fresh < self.jobs:
            return self.fresh
        due = [number for at, number in self.again if at <= now]
        return min(due, default=None)

    def start(self, job: int, now: float, chance: random.Random) -> None:
        if job == self.fresh:
            self.fresh += 1
        else:
            self.again = [entry for entry in self.again if entry[1] != job]
        seconds = chance.lognormvariate(math.log(self.median), self.sigma)
        fails = chance.random() < self.fails
        if fails:
            seconds *= chance.uniform(0.2, 1.0)
        self.running[job] = (now, now + seconds, fails)
        self.opens = max(self.opens, now + STAGGER_SECONDS)

    def end(self, job: int, now: float, chance: random.Random) -> bool:
        """Whether the job has ended for good."""
        began, _, fails = self.running.pop(job)
        self.opens = max(self.opens, now + self.delay)
        (self.bad if fails else self.good).append(now - began)
        failures = self.tried[job] = self.tried.get(job, 0) + fails
        if fails and failures <= MAX_RETRIES:
            wait = BACKOFF_SECONDS * 2 ** (failures - 1) * chance.uniform(0.8, 1.2)
            self.again.append((now + wait, job))
            return False
        self.ended += 1
        return True


@dataclass(frozen=True)
class Moment:
    """What is known when a job has ended. `elapsed` are the running ones' seconds; `end` is the true end."""

    now: float
    waiting: int
    elapsed: tuple[float, ...]
    held: float
    last_due: float
    good: tuple[float, ...]
    bad: tuple[float, ...]
    others_left: int
    end: float = NEVER


def moments(kind: Kind, seed: int) -> tuple[list[Moment], list[float]]:
    """Of one bulk each moment after its third job's end, and what jobs of its kind had taken before."""
    chance = random.Random(seed)
    median = MEDIAN_SECONDS * chance.lognormvariate(0, 0.25)
    before = [chance.lognormvariate(math.log(MEDIAN_SECONDS), kind.sigma) for _ in range(kind.history)]
    mine = Bulk("mine", kind.size, kind.parallelism, kind.delay, kind.sigma, kind.fails, median)
    bulks = [mine]
    if kind.beside != "nobody":
        tenant = "mine" if kind.beside == "same tenant" else "theirs"
        jobs = chance.randint(5, 100)
        bulks.insert(0, Bulk(tenant, jobs, 1, kind.delay, kind.sigma, kind.fails, median))
    told = list(_run(bulks, chance, cap=None if kind.beside == "nobody" else 1))
    end = told[-1].now
    kept = [Moment(**{**moment.__dict__, "end": end}) for moment in told if moment.now < end]
    return kept[2:], before


def _run(bulks: list[Bulk], chance: random.Random, cap: int | None) -> Iterator[Moment]:
    """Until the last of the bulks has ended; a moment for each of its jobs that ends."""
    mine, now, opens = bulks[-1], 0.0, 0.0
    turns = dict.fromkeys((bulk.tenant for bulk in bulks), 0)
    while mine.left:
        free = cap is None or (not any(bulk.running for bulk in bulks) and now >= opens)
        able = [bulk for bulk in bulks if bulk.next_job(now) is not None] if free else []
        if able:
            bulk = min(able, key=lambda one: (turns[one.tenant], bulks.index(one)))
            turns[bulk.tenant] += 1
            bulk.start(bulk.next_job(now) or 0, now, chance)
            continue
        ends = [(end, bulk, job) for bulk in bulks for job, (_, end, _) in bulk.running.items()]
        opening = [bulk.opens for bulk in bulks] + [at for bulk in bulks for at, _ in bulk.again] + [opens]
        wakes = min((at for at in opening if at > now), default=NEVER)
        first = min(ends, key=lambda entry: entry[0], default=None)
        if first is None or wakes < first[0]:
            now = wakes
            continue
        now, bulk, job = first
        opens = now + bulk.delay if cap else 0.0
        if bulk.end(job, now, chance) and bulk is mine:
            yield _moment(bulks, now, opens)


def _moment(bulks: list[Bulk], now: float, opens: float) -> Moment:
    mine = bulks[-1]
    return Moment(
        now=now,
        waiting=mine.waiting,
        elapsed=tuple(now - began for began, _, _ in mine.running.values()),
        held=max(0.0, mine.opens - now, opens - now),
        last_due=max((at - now for at, _ in mine.again), default=0.0),
        good=tuple(mine.good),
        bad=tuple(mine.bad),
        others_left=sum(bulk.left for bulk in bulks[:-1]),
    )
