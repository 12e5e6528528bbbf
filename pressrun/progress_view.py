"""Draws the progress of one bulk until it has ended: a live bar on a terminal, a line a change elsewhere.

For `submit --wait`, `status --watch` and `dev --demo`. Nothing is decided or changed here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.text import Text

from jobs.states import BulkStatus
from pressrun.answers import Bulk
from pressrun.bulk_view import counts, how_to_choose
from pressrun.connection import url_option
from pressrun.following import Away, RunningJob, Seen, follow
from pressrun.plain_text import clean
from pressrun.remote import Remote
from pressrun.screen import between, duration, left, say

MOST_RUNNING_SHOWN = 5
WAITS_FOR_A_PERSON = "selection"
"""The code of `waiting`."""


@dataclass(frozen=True)
class FinalCounts:
    """How a bulk ended."""

    status: BulkStatus
    total: int
    completed: int
    failed: int
    cancelled: int

    @property
    def exit_code(self) -> int:
        """0: every article is there; 1: some failed or were cancelled."""
        return 0 if self.status is BulkStatus.COMPLETED and self.completed == self.total else 1


def watch(
    remote: Remote,
    bulk_id: str,
    *,
    console: Console,
    interval_seconds: float = 1.0,
    sleep: Callable[[float], object] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> FinalCounts:
    """Draws until the bulk has ended, then says how. Blocks: call it in a thread beside an event loop.

    `sleep` may raise to end the watching early; that error, KeyboardInterrupt, and a RemoteError that
    lasts longer than `following.PATIENCE` come out of here, the screen left in order.
    """
    where = url_option(remote)
    view = _LiveView(console, where) if console.is_interactive else _LineView(console, where)
    last: Seen | None = None
    with view.open():
        for seen in follow(remote, bulk_id, interval_seconds=interval_seconds, sleep=sleep, monotonic=monotonic):
            view.show(seen)
            last = seen if isinstance(seen, Seen) else last
    assert last is not None, "following ends with a look at the ended bulk"
    final = FinalCounts(
        last.bulk.status,
        last.progress.total,
        last.progress.completed,
        last.progress.failed,
        last.progress.cancelled,
    )
    _say_the_end(console, last, final, where=where)
    return final


class _LiveView:
    def __init__(self, console: Console, where: str) -> None:
        self._where = where
        self._bars = Bars(
            SpinnerColumn("line"),
            BarColumn(),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            console=console,
        )
        self._task = self._bars.add_task("", total=None)
        self._below = Text()
        self._live = Live(console=console, get_renderable=self._frame, refresh_per_second=4)

    def open(self) -> AbstractContextManager[object]:
        return self._live

    def show(self, seen: Seen | Away) -> None:
        if isinstance(seen, Away):
            self._below = Text(f"  {_away(seen)}")
            return
        progress = seen.progress
        self._bars.tasks[0].start_time = self._bars.get_time() - _elapsed(seen.bulk).total_seconds()
        self._bars.update(
            self._task,
            total=progress.total,
            completed=progress.completed + progress.failed + progress.cancelled,
            description=counts(progress),
        )
        lines = [*_details(seen, self._where), *_end(seen, with_basis=True)]
        self._below = Text("\n".join(f"  {line}" for line in lines))
        self._live.refresh()

    def _frame(self) -> Group:
        return Group(self._bars, self._below) if self._below else Group(self._bars)


class _LineView:
    def __init__(self, console: Console, where: str) -> None:
        self._console = console
        self._where = where
        self._shown: tuple[object, ...] = ()

    def open(self) -> AbstractContextManager[object]:
        return nullcontext()

    def show(self, seen: Seen | Away) -> None:
        change = _what_counts_as_change(seen)
        if change == self._shown:
            return
        self._shown = change
        if isinstance(seen, Away):
            say(self._console, _away(seen))
            return
        parts = [seen.bulk.status, counts(seen.progress), *_details(seen, self._where), *_end(seen, with_basis=False)]
        say(self._console, f"{duration(_elapsed(seen.bulk))}  {'; '.join(parts)}")


def _what_counts_as_change(seen: Seen | Away) -> tuple[object, ...]:
    """Stages and countdowns pass too quickly to deserve a line each."""
    if isinstance(seen, Away):
        return (Away,)
    progress = seen.progress
    ended = (progress.completed, progress.failed, progress.cancelled)
    waiting = progress.waiting.code if progress.waiting else None
    return (seen.bulk.status, ended, waiting, *((job.position, job.title) for job in seen.running))


def _details(seen: Seen, where: str) -> list[str]:
    lines = [_line(job) for job in seen.running[:MOST_RUNNING_SHOWN]]
    if len(seen.running) > MOST_RUNNING_SHOWN:
        lines.append(f"and {len(seen.running) - MOST_RUNNING_SHOWN} more")
    if seen.progress.waiting is not None:
        lines.append(f"waiting: {clean(seen.progress.waiting.text)}")
        if seen.progress.waiting.code == WAITS_FOR_A_PERSON:
            lines.append(how_to_choose(seen.bulk.id, where))
    return lines


def _end(seen: Seen, *, with_basis: bool) -> list[str]:
    """When it will have ended, where that is foretold."""
    estimate = seen.progress.estimate
    if estimate is None or seen.bulk.ended:
        return []
    told = f"ends {between(estimate.low, estimate.high)}"
    return [f"{told} ({clean(estimate.basis)})" if with_basis else told]


def _line(job: RunningJob) -> str:
    percentage = None if job.percentage is None else f"{job.percentage:g} %"
    time = None if job.remaining is None else left(job.remaining.low, job.remaining.high)
    state = ", ".join(filter(None, (job.stage, percentage, time)))
    return " ".join(filter(None, (f"#{job.position}", job.title, f"({state})" if state else "")))


def _away(away: Away) -> str:
    return f"{away.sentence.rstrip('.')}. Trying again."


def _elapsed(bulk: Bulk) -> timedelta:
    if bulk.started_at is None:
        return timedelta()
    until = bulk.completed_at if bulk.ended and bulk.completed_at else datetime.now(UTC)
    return max(until - bulk.started_at, timedelta())


def _say_the_end(console: Console, last: Seen, final: FinalCounts, *, where: str) -> None:
    took = duration(_elapsed(last.bulk))
    say(console, f"Bulk {last.bulk.id} is {final.status} after {took}: {counts(last.progress)}.")
    if final.completed:
        say(console, f"Fetch the articles with: pressrun results {last.bulk.id} --format zip -o articles.zip{where}")
    if final.failed:
        say(console, f"See why some failed with: pressrun status {last.bulk.id}{where}")
        say(console, f"Try those again with:     pressrun retry {last.bulk.id}{where}")
