"""Whether the formats of a source get on without each other: sources in 2, 3 and 5 formats, some of which fail.

Which template of which source fails for good, and which only at its first call, is laid down by their numbers, as is
how. All that is told here is what clients see: of each bulk the status of each of its jobs.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import httpx2

from benchmarks.bench import Bench
from benchmarks.deployment import deployed, http_client
from benchmarks.figures import Figure, Figures, at_least, at_most
from tests.support import replies
from tests.support.replies import Reply
from tests.support.scripted_generator import Call, ScriptedGenerator

TEMPLATES = ("article", "newsletter", "thread", "summary", "script")
FORMATS = (2, 3, 5)
SOURCES, FEWEST = 20, 5
SUCCESS_PERCENT = 95
SLOTS = 8
ROOT = "/api/bulk-generate"
SOURCE = "Good boots keep the water out and let the foot breathe. What they are made of decides how long they do."
LOOK_EVERY_SECONDS = 0.2
PATIENCE_SECONDS = 180


class Fate(StrEnum):
    WELL = "well"
    AT_FIRST = "fails at the first try"
    FOR_GOOD = "fails for good"


FATES = (Fate.FOR_GOOD, Fate.WELL, Fate.AT_FIRST, Fate.WELL, Fate.WELL)
FIRST_FAILURES = (replies.status(500), replies.failure(), replies.garbage(), replies.closed())
LAST_FAILURES = (replies.status(422, error="This source has nothing for it."), replies.failure("No.", retryable=False))


def fate_of(source: int, template: int) -> Fate:
    return FATES[(source + template) % len(FATES)]


@dataclass(frozen=True)
class Ended:
    """One job as a client sees it at the end, and what was in store for it."""

    template: str
    fate: Fate
    status: str
    error: str | None
    retries: int


class Failing:
    """Answers as it is laid down, from the title and the template that each call names."""

    def __init__(self) -> None:
        self._tries: Counter[tuple[int, int]] = Counter()

    def reply(self, call: Call) -> Reply:
        source, template = int(call.body["title"].rpartition(" ")[2]), TEMPLATES.index(call.body["template"])
        self._tries[source, template] += 1
        fate = fate_of(source, template)
        if fate is Fate.FOR_GOOD:
            return LAST_FAILURES[source % len(LAST_FAILURES)]
        if fate is Fate.AT_FIRST and self._tries[source, template] == 1:
            return FIRST_FAILURES[source % len(FIRST_FAILURES)]
        return replies.success(f"# {call.body['template'].title()}\n\n{SOURCE}", {"cost": 0.01})


async def run(bench: Bench) -> Figures:
    sources = max(FEWEST, bench.scaled(SOURCES))
    settings = {"PRESSRUN_WORKER__SLOTS": str(SLOTS)}
    for formats in FORMATS:
        async with (
            bench.database() as database,
            ScriptedGenerator(Failing().reply) as generator,
            deployed(bench, database, generator.url, settings=settings) as deployment,
            http_client(deployment.url) as http,
        ):
            bulks = [await _submitted(http, source, formats) for source in range(sources)]
            jobs = [job for source, bulk in enumerate(bulks) for job in await _ended(http, source, bulk)]
        assert len(jobs) == sources * formats, f"{len(jobs)} jobs of {sources} sources in {formats} formats"
        for figure in _figures(f"{sources} sources in {formats} formats", jobs):
            yield figure


def _figures(what: str, jobs: Sequence[Ended]) -> list[Figure]:
    doomed = [job for job in jobs if job.fate is Fate.FOR_GOOD]
    rest = [job for job in jobs if job.fate is not Fate.FOR_GOOD]
    again = [job for job in rest if job.fate is Fate.AT_FIRST]
    percent = 100 * sum(job.status == "completed" for job in rest) / len(rest)
    told = sum(job.status == "failed" and bool(job.error) for job in doomed)
    note = f"of {len(rest)}; {len(again)} of them failed at the first try, {len(doomed)} others for good"
    return [
        at_least(f"{what}: the rest completed", percent, "%", SUCCESS_PERCENT, note),
        at_least("    failed for good, and say why", told, "", len(doomed)),
        at_most("    tries that the rest lost", sum(job.retries for job in rest), "", len(again)),
        *[_row(template, jobs) for template in TEMPLATES if any(job.template == template for job in jobs)],
    ]


def _row(template: str, jobs: Sequence[Ended]) -> Figure:
    mine = [job for job in jobs if job.template == template]
    statuses = ", ".join(f"{count} {status}" for status, count in sorted(Counter(job.status for job in mine).items()))
    fates = ", ".join(f"{count} {fate}" for fate, count in sorted(Counter(job.fate for job in mine).items()))
    share = 100 * sum(job.status == "completed" for job in mine) / len(mine)
    return Figure(f"    {template}: completed", share, "%", note=f"{statuses}; in store: {fates}")


async def _submitted(http: httpx2.AsyncClient, source: int, formats: int) -> str:
    body = {
        "pipeline": "formats",
        "source": {"text": SOURCE, "title": f"Source {source}"},
        "templates": TEMPLATES[:formats],
        "parallelism": formats,
        "stagger_ms": 0,
    }
    response = await http.post(ROOT, json=body)
    response.raise_for_status()
    return str(response.json()["bulk_job_id"])


async def _ended(http: httpx2.AsyncClient, source: int, bulk: str) -> list[Ended]:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (told := await _told(http, bulk))["bulk_job"]["status"] != "completed":
            await asyncio.sleep(LOOK_EVERY_SECONDS)
    return [
        Ended(TEMPLATES[place], fate_of(source, place), job["status"], job["error"], job["retry_count"])
        for place, job in ((job["queue_position"] - 1, job) for job in told["jobs"])
    ]


async def _told(http: httpx2.AsyncClient, bulk: str) -> dict[str, Any]:
    response = await http.get(f"{ROOT}/{bulk}")
    response.raise_for_status()
    told: dict[str, Any] = response.json()
    return told
