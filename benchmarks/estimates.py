"""How often the end that is foretold is true, and how wide the range is: over simulated bulks with lognormal times.

Asked at the end of every job after the third. A range that is always true because it is huge is worth nothing, so its
width is told beside it, as a part of the time that is left.
"""

from __future__ import annotations

import random
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.figures import Figure, Figures, at_least, at_most, percentile
from benchmarks.simulated_bulks import Kind, Moment, moments
from jobs.capacity.sharing import Capacity, Others, Phase, phases
from jobs.estimation.estimates import Range, Rest, Retries, Work, estimate, retries_of
from jobs.estimation.lognormal import fitted

BULKS = 600
TRUE_OFTEN = 80.0
WIDEST = 0.5
REMEMBERED = 50
SIZES = (10, 20, 50, 100, 200)
SIGMAS = (0.3, 0.5, 0.8)
PARALLELISM = (1, 3, 10)
DELAYS = (0.0, 5.0)
FAILS = (0.0, 0.1, 0.2)
BESIDE = ("nobody", "nobody", "same tenant", "other tenant")
HISTORY = (0, 50)
COSTS = {50: 1.0, 10_000: 3.0}
"""By the jobs that are left, the milliseconds that an estimate may cost."""

ASKED = 50


async def run(bench: Bench) -> Figures:
    hits: dict[str, list[bool]] = defaultdict(list)
    widths: dict[str, list[float]] = defaultdict(list)
    spent: list[float] = []
    for seed, kind in enumerate(_kinds(bench.scaled(BULKS))):
        told, before = moments(kind, seed)
        for moment in told:
            began = time.process_time()
            foreseen = _asked(kind, moment, before)
            spent.append(time.process_time() - began)
            left = moment.end - moment.now
            for name in _classes(kind):
                hits[name].append(foreseen.low <= left <= foreseen.high)
                widths[name].append((foreseen.high - foreseen.low) / left)
    for name in sorted(hits, key=lambda name: (name != "all", name)):
        true = 100 * statistics.fmean(hits[name])
        note = f"{len(hits[name]):,} moments; median width {statistics.median(widths[name]):.2f} of the time left"
        yield at_least(f"the true end is in the range, {name}", true, "%", TRUE_OFTEN, note)
    yield at_most("median width, of the time left", statistics.median(widths["all"]), "", WIDEST)
    yield Figure("processor time of an estimate, p50", percentile(spent, 50) * 1000, "ms")
    yield Figure("processor time of an estimate, p99", percentile(spent, 99) * 1000, "ms")
    for jobs, most in COSTS.items():
        for rows in PARALLELISM:
            yield at_most(f"    {jobs:,} jobs left, {rows} at once, p50", _cost(jobs, rows), "ms", most)


def _kinds(count: int) -> Iterator[Kind]:
    chance = random.Random(6)
    for _ in range(count):
        beside = chance.choice(BESIDE)
        rows = chance.choice(PARALLELISM) if beside == "nobody" else 1
        yield Kind(
            size=chance.choice(SIZES),
            sigma=chance.choice(SIGMAS),
            parallelism=rows,
            delay=chance.choice(DELAYS),
            fails=chance.choice(FAILS),
            beside=beside,
            history=chance.choice(HISTORY),
        )


def _classes(kind: Kind) -> list[str]:
    return [
        "all",
        f"{kind.size:3} jobs",
        f"sigma {kind.sigma}",
        f"parallelism {kind.parallelism:2}",
        f"delay {kind.delay:g} s",
        f"retries {100 * kind.fails:2.0f} %",
        f"beside {kind.beside}",
        f"history of {kind.history}",
    ]


def _cost(jobs: int, rows: int) -> float:
    """Milliseconds of processor time."""
    times = fitted([100.0, 120.0, 150.0, 180.0, 250.0] * 4)
    assert times is not None
    running = [Rest(times, 20.0 * number) for number in range(rows)]
    work = Work(times, jobs, running, rows, delay=5.0, retries=Retries(2, 22))
    spent = []
    for _ in range(ASKED):
        began = time.process_time()
        estimate(work)
        spent.append(time.process_time() - began)
    return statistics.median(spent) * 1000


def _asked(kind: Kind, moment: Moment, before: list[float]) -> Range:
    times = fitted(moment.good[-REMEMBERED:], before, moment.elapsed)
    assert times is not None
    return estimate(
        Work(
            times,
            waiting=moment.waiting,
            running=[Rest(times, elapsed) for elapsed in moment.elapsed],
            rows=kind.parallelism,
            delay=kind.delay,
            held=moment.held,
            last_due=moment.last_due,
            retries=retries_of(moment.bad, moment.good),
            course=_course(kind, moment, times.mean) if moment.others_left else (),
        )
    )


def _course(kind: Kind, moment: Moment, mean: float) -> list[Phase]:
    """Both have the only slot in turns, or the one before it goes first."""
    weight = None if kind.beside == "same tenant" else 1.0
    others = Others(moment.others_left, mean + kind.delay, rows=1, weight=weight)
    return phases(Capacity(rows=1, in_all=1), mean + kind.delay, [others])
