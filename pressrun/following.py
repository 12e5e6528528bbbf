"""Looks at a bulk again and again until it has ended, patient while the service is away.

What was seen is handed on; nothing is drawn here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from jobs.states import JobStatus
from pressrun.answers import Bulk, BulkAnswer, Job, Progress, Seconds, understood
from pressrun.plain_text import clean
from pressrun.refusals import RemoteError
from pressrun.remote import Remote

PATIENCE = timedelta(minutes=10)
LONGEST_BACKOFF_SECONDS = 30.0
LONGEST_TITLE = 60


@dataclass(frozen=True)
class RunningJob:
    position: int | None
    title: str
    stage: str
    percentage: float | None
    remaining: Seconds | None


@dataclass(frozen=True)
class Seen:
    """One look at the bulk. `running` may lack jobs that are on another page of a large bulk."""

    bulk: Bulk
    progress: Progress
    running: tuple[RunningJob, ...]

    @property
    def ended(self) -> bool:
        return self.bulk.ended and not self.progress.running


@dataclass(frozen=True)
class Away:
    """The service did not answer, in a sentence; it is asked again."""

    sentence: str


@dataclass
class _Watcher:
    remote: Remote
    bulk_id: str
    cursor: str | None = None
    titles: dict[str, str] = field(default_factory=dict)

    def look(self) -> Seen:
        raw = self.remote.bulk(self.bulk_id, jobs_cursor=self.cursor, tries=1)
        answer = understood(BulkAnswer, raw, url=self.remote.url)
        running = [job for job in answer.jobs if job.status is JobStatus.PROCESSING]
        if answer.progress.running and not running:
            # Jobs start in the order of the pages: turn one page a look, from the last back to the first.
            self.cursor = answer.jobs_next_cursor
        return Seen(answer.bulk_job, answer.progress, tuple(self._running_job(job) for job in running))

    def _running_job(self, job: Job) -> RunningJob:
        if job.id not in self.titles:
            self.titles[job.id] = self._title(job.id)
        return RunningJob(
            job.queue_position, self.titles[job.id], clean(job.current_stage), job.percentage, job.remaining
        )

    def _title(self, job_id: str) -> str:
        try:
            raw = self.remote.job(job_id)
        except RemoteError:
            return ""
        job = raw.get("job")
        return _title_of(job) if isinstance(job, dict) else ""


def follow(
    remote: Remote,
    bulk_id: str,
    *,
    interval_seconds: float,
    sleep: Callable[[float], object] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> Iterator[Seen | Away]:
    """Ends after the look at which the bulk had ended and nothing ran any more.

    Raises the RemoteError that no patience helps against, or that has lasted longer than PATIENCE.
    """
    watcher = _Watcher(remote, bulk_id)
    away_since: float | None = None
    pause = interval_seconds
    while True:
        try:
            seen = watcher.look()
        except RemoteError as error:
            away_since = monotonic() if away_since is None else away_since
            if not error.passing or monotonic() - away_since >= PATIENCE.total_seconds():
                raise
            yield Away(str(error))
            sleep(pause)
            pause = min(2 * pause, LONGEST_BACKOFF_SECONDS)
            continue
        away_since, pause = None, interval_seconds
        yield seen
        if seen.ended:
            return
        sleep(interval_seconds)


def _title_of(job: Mapping[str, Any]) -> str:
    keywords = job.get("keywords")
    candidates = (
        job.get("topic"),
        job.get("trend"),
        ", ".join(map(str, keywords)) if isinstance(keywords, list) else keywords,
        job.get("source_url"),
        job.get("source_text"),
    )
    title = clean(next(filter(None, candidates), ""))
    return title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 3]}..."
