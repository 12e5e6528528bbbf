"""Draws bulks as tables: many in a list, one with its jobs. Nothing is asked of the service here."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console

from pressrun.answers import Bulk, BulkAnswer, Job, Progress
from pressrun.plain_text import clean
from pressrun.screen import between, draw_table, left, local_time, say, short_time


def draw_bulks(console: Console, bulks: Iterable[Bulk]) -> None:
    rows = [
        (
            bulk.id,
            bulk.status,
            f"{bulk.completed_items}/{bulk.total_items}",
            bulk.failed_items or "",
            short_time(bulk.created_at),
            bulk.name,
        )
        for bulk in bulks
    ]
    if rows:
        draw_table(console, ("ID", "STATUS", "DONE", "FAILED", "CREATED", "NAME"), rows)
    else:
        say(console, "No bulks.")


def draw_bulk(console: Console, answer: BulkAnswer, *, where: str = "") -> None:
    """`where` is what a command for the same service needs at its end."""
    bulk, progress = answer.bulk_job, answer.progress
    say(console, f"Bulk      {bulk.id}  {clean(bulk.name)}".rstrip())
    say(console, f"Status    {bulk.status}")
    if progress.waiting is not None:
        say(console, f"Waiting   {clean(progress.waiting.text)}")
    if progress.awaiting:
        say(console, f"Choose    {how_to_choose(bulk.id, where)}")
    say(console, f"Articles  {counts(progress)} ({progress.percentage:g} %)")
    if progress.per_hour is not None:
        say(console, f"Speed     {progress.per_hour:.3g} an hour")
    say(console, f"Created   {local_time(bulk.created_at)}")
    if bulk.completed_at is not None:
        say(console, f"Ended     {local_time(bulk.completed_at)}")
    elif progress.estimate is not None:
        say(console, f"Ends      {between(progress.estimate.low, progress.estimate.high)}")
        say(console, f"Going by  {clean(progress.estimate.basis)}")
    if answer.jobs:
        say(console, "")
        draw_table(console, ("#", "STATUS", "STAGE", "%", "TIME", "RETRIES", "ERROR"), map(_row, answer.jobs))
    if answer.jobs_next_cursor is not None:
        _say_what_is_left_out(console, answer)


def counts(progress: Progress) -> str:
    """`12 of 50 completed, 1 failed, 1 running, 36 remaining`, without the zeros."""
    words = ("failed", "cancelled", "running", "awaiting", "remaining")
    others = [f"{number} {word}" for word in words if (number := getattr(progress, word))]
    return ", ".join([f"{progress.completed} of {progress.total} completed", *others])


def how_to_choose(bulk_id: str, where: str) -> str:
    return f"pressrun selections --bulk {bulk_id}{where}, or pressrun approve {bulk_id}{where}"


def _row(job: Job) -> tuple[object, ...]:
    percentage = "" if job.percentage is None else f"{job.percentage:g}"
    time = left(job.remaining.low, job.remaining.high) if job.remaining is not None else ""
    return (job.queue_position, job.status, job.current_stage, percentage, time, job.retry_count or "", job.error)


def _say_what_is_left_out(console: Console, answer: BulkAnswer) -> None:
    say(console, f"... and {answer.progress.total - len(answer.jobs)} more jobs.")
    for line in answer.bulk_job.error_summary:
        say(console, f"Failed    {clean(line)}")
