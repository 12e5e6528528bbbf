"""How much several jobs of a bulk at once save, and how near the throughput comes to parallelism / job time.

Idle workers poll each second, as they do by default. Time is from the first call to the end of the last, so that it
does not tell when the first poll fell: `pickup` does. The starts of a parallel bulk are 150 ms apart as they are by
default, but where jobs are so short that this alone would be the limit.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta

from benchmarks.bench import Bench
from benchmarks.calls import Call, span
from benchmarks.figures import Figure, Figures, at_least, at_most
from benchmarks.scene import Scene, scene

STAGGER = timedelta(milliseconds=150)
AT_ONCE = timedelta(0)
JOB_SECONDS = 6.0
TOGETHER = (3, 10)
LEAST_SAVED = {3: 60.0}
POLL_SECONDS, SHORT_POLL_SECONDS = 1.0, 0.1
WORKERS = 2
ITEMS = 1000
THROUGHPUTS = ((5, 1.0, AT_ONCE), (10, 1.0, AT_ONCE), (50, 4.0, AT_ONCE), (50, 12.0, STAGGER))
"""Parallelism, seconds a job, and how far starts are apart."""

OF_IDEAL = 0.95
PATIENCE_SECONDS = 600


async def run(bench: Bench) -> Figures:
    job_seconds = 2.0 if bench.quick else JOB_SECONDS
    for figures in (_together, _apart):
        for figure in await figures(bench, job_seconds):
            yield figure
    for parallelism, seconds, stagger in THROUGHPUTS:
        yield await _throughput(bench, parallelism, seconds, stagger)


async def _together(bench: Bench, job_seconds: float) -> list[Figure]:
    figures = []
    for jobs in TOGETHER:
        alone = await _seconds_of_bulk(bench, job_seconds, jobs, parallelism=1)
        beside = await _seconds_of_bulk(bench, job_seconds, jobs, parallelism=jobs)
        saved, ideal = 100 * (1 - beside / alone), 100 * (1 - 1 / jobs)
        what = f"{jobs} jobs of {job_seconds:g} s, all at once"
        note = f"ideal {ideal:.1f}, staggered {100 * (1 - _ideal(jobs, job_seconds) / (jobs * job_seconds)):.1f}"
        figures += [
            Figure(f"{jobs} jobs of {job_seconds:g} s, one by one", alone, "s", note=f"ideal {jobs * job_seconds:g}"),
            Figure(what, beside, "s", note=f"ideal {job_seconds:g}, staggered {_ideal(jobs, job_seconds):g}"),
            at_least(f"{what}: time saved", saved, "%", LEAST_SAVED[jobs], note)
            if jobs in LEAST_SAVED
            else Figure(f"{what}: time saved", saved, "%", note=note),
        ]
    jobs = TOGETHER[-1]
    what = f"{jobs} jobs at once, in jobs' times"
    return [*figures, at_most(what, beside / job_seconds, "", 1.3 if job_seconds >= JOB_SECONDS else 1.8)]


def _ideal(jobs: int, job_seconds: float) -> float:
    return job_seconds + (jobs - 1) * STAGGER.total_seconds()


async def _seconds_of_bulk(bench: Bench, job_seconds: float, jobs: int, parallelism: int) -> float:
    async with scene(bench, job_seconds) as playing:
        await _add_workers(playing, max(TOGETHER))
        await playing.seeding.waiting_bulks(1, jobs, parallelism, stagger=STAGGER)
        return span(await playing.generator.until(answered=jobs, within=PATIENCE_SECONDS))


async def _apart(bench: Bench, job_seconds: float) -> list[Figure]:
    """The second comes while the first runs; each from when it is there to the end of its call, so polled for often."""
    async with scene(bench, job_seconds) as playing:
        await _add_workers(playing, max(TOGETHER), SHORT_POLL_SECONDS)
        came = {}
        for owner in ("first", "second"):
            came[owner] = time.monotonic()
            await playing.seeding.waiting_bulks(1, 1, owners=[owner])
            await asyncio.sleep(job_seconds / 2)
        calls = await playing.generator.until(answered=2, within=PATIENCE_SECONDS)
    return [
        at_most(f"bulk of one that came {call.owner}, in jobs' times", seconds / job_seconds, "", 1.1, "ideal 1")
        for call, seconds in _taken(calls, came)
    ]


def _taken(calls: Sequence[Call], came: dict[str, float]) -> list[tuple[Call, float]]:
    return [(call, call.left - came[call.owner]) for call in calls if call.left is not None]


async def _throughput(bench: Bench, parallelism: int, job_seconds: float, stagger: timedelta) -> Figure:
    # so many that getting going, and running out, is as small a part of a quick run as it can be
    items = max(bench.scaled(ITEMS), 4 * parallelism)
    async with scene(bench, job_seconds) as playing:
        await _add_workers(playing, parallelism)
        await playing.seeding.waiting_bulks(1, items, parallelism, stagger=stagger)
        calls = await playing.generator.until(answered=items, within=PATIENCE_SECONDS)
    seconds = items * job_seconds / parallelism + (parallelism - 1) * stagger.total_seconds()
    apart = f", starts {stagger // timedelta(milliseconds=1)} ms apart" if stagger else ""
    what = f"{items:,} jobs of {job_seconds:g} s, {parallelism} at once{apart}: of the ideal"
    return at_least(what, seconds / span(calls), "", OF_IDEAL, f"ideal 1: {items / seconds:.1f} jobs/s")


async def _add_workers(playing: Scene, at_once: int, poll_seconds: float = POLL_SECONDS) -> None:
    """With slots for so many, and no more."""
    slots = [at_once // WORKERS + (number < at_once % WORKERS) for number in range(WORKERS)]
    for count in slots:
        await playing.add_workers(1, slots=count, poll_seconds=poll_seconds)
