"""The commands that list, show and control bulks over the HTTP API.

Heavy modules are imported inside the commands, so that `pressrun --help` stays quick.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobs.errors import InvalidInput
from jobs.states import BulkStatus
from pressrun.connection import DEFAULT_URL, PANEL, BulkId, Json, Key, Url, User, connect, url_option

if TYPE_CHECKING:
    from pressrun.remote import Remote

PAGE = 50


def register(app: typer.Typer) -> None:
    app.command("list", rich_help_panel=PANEL)(list_bulks)
    app.command("status", rich_help_panel=PANEL)(status)
    app.command("pause", rich_help_panel=PANEL)(pause)
    app.command("resume", rich_help_panel=PANEL)(resume)
    app.command("cancel", rich_help_panel=PANEL)(cancel)
    app.command("retry", rich_help_panel=PANEL)(retry)
    app.command("remove", rich_help_panel=PANEL)(remove)


def list_bulks(
    *,
    status: Annotated[BulkStatus | None, typer.Option("--status", help="Only bulks that are so.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many.")] = 20,
    as_json: Json = False,
    url: Url = DEFAULT_URL,
    key: Key = None,
    user: User = None,
) -> None:
    """List bulks, the newest first."""
    from pressrun.screen import print_json

    with connect(url, key, user) as remote:
        answer = _pages(remote, status=status, limit=limit)
        if as_json:
            print_json(answer)
        else:
            _draw_list(answer, url=remote.url)


def status(
    bulk_id: BulkId,
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Follow it until it has ended.")] = False,
    interval: Annotated[float, typer.Option("--interval", min=0.05, help="Seconds between two looks.")] = 1.0,
    as_json: Json = False,
    url: Url = DEFAULT_URL,
    key: Key = None,
    user: User = None,
) -> None:
    """Show one bulk: its progress, why it waits, and its jobs. With --watch, exit 1 if not all were done."""
    from pressrun.screen import open_console, print_json

    if watch and as_json:
        raise InvalidInput("--watch and --json do not go together.")
    with connect(url, key, user) as remote:
        if watch:
            from pressrun.progress_view import watch as follow_on_screen

            remote.bulk(bulk_id)  # what is not there now is told at once, not waited for
            counts = follow_on_screen(remote, bulk_id, console=open_console(), interval_seconds=interval)
            raise typer.Exit(counts.exit_code)
        answer = remote.bulk(bulk_id)
        if as_json:
            print_json(answer)
        else:
            from pressrun.answers import BulkAnswer, understood
            from pressrun.bulk_view import draw_bulk

            draw_bulk(open_console(), understood(BulkAnswer, answer, url=remote.url), where=url_option(remote))


def pause(
    bulk_id: BulkId,
    *,
    abort: Annotated[bool, typer.Option("--abort", help="Stop running jobs, too, and put them back.")] = False,
    until: Annotated[str | None, typer.Option("--until", help="Resume by itself then: 2026-11-30T08:00.")] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="Why, for those who look.")] = None,
    url: Url = DEFAULT_URL,
    key: Key = None,
    user: User = None,
) -> None:
    """Let no further job of the bulk start; running ones finish, or are put back with --abort."""
    body: dict[str, Any] = {"mode": "abort" if abort else "finish"}
    if reason is not None:
        body["reason"] = reason
    if until is not None:
        body["until"] = _moment(until)
    with connect(url, key, user) as remote:
        those_running = "being put back" if abort else "allowed to finish"
        _control(remote, bulk_id, "pause", those_running=those_running, body=body)


def resume(bulk_id: BulkId, *, url: Url = DEFAULT_URL, key: Key = None, user: User = None) -> None:
    """Let the jobs of a paused bulk start again."""
    with connect(url, key, user) as remote:
        _control(remote, bulk_id, "resume", those_running="going on")


def cancel(bulk_id: BulkId, *, url: Url = DEFAULT_URL, key: Key = None, user: User = None) -> None:
    """Cancel a bulk: what is finished stays, running jobs are stopped."""
    with connect(url, key, user) as remote:
        _control(remote, bulk_id, "cancel", those_running="being stopped")


def retry(bulk_id: BulkId, *, url: Url = DEFAULT_URL, key: Key = None, user: User = None) -> None:
    """Send all failed jobs of a bulk back to the queue."""
    from pressrun.answers import Retried, understood

    with connect(url, key, user) as remote:
        answer = understood(Retried, remote.control(bulk_id, "retry"), url=remote.url)
    if answer.retried:
        typer.echo(f"Back in the queue: {answer.retried} failed {_jobs(answer.retried)}.")
    else:
        typer.echo("No job of this bulk has failed: nothing to retry.")


def remove(
    bulk_id: BulkId,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    url: Url = DEFAULT_URL,
    key: Key = None,
    user: User = None,
) -> None:
    """Remove a bulk that has ended, with its jobs and results, for good."""
    if not yes:
        typer.confirm("Its jobs and results would be gone for good. Remove it?", abort=True)
    with connect(url, key, user) as remote:
        remote.remove_bulk(bulk_id)
    typer.echo("Bulk job removed.")


def _control(
    remote: Remote, bulk_id: str, verb: str, *, those_running: str, body: dict[str, Any] | None = None
) -> None:
    from pressrun.answers import Controlled, understood
    from pressrun.plain_text import clean

    answer = understood(Controlled, remote.control(bulk_id, verb, body), url=remote.url)
    typer.echo(f"{clean(answer.message).rstrip('.')}.")
    if answer.running:
        typer.echo(f"Running now: {len(answer.running)} {_jobs(len(answer.running))}, {those_running}.")


def _pages(remote: Remote, *, status: str | None, limit: int) -> dict[str, Any]:
    from pressrun.answers import BulkPage, understood

    bulks: list[Any] = []
    cursor: str | None = None
    while True:
        raw = remote.bulks(status=status, limit=min(PAGE, limit - len(bulks)), cursor=cursor)
        cursor = understood(BulkPage, raw, url=remote.url).next_cursor
        bulks += raw["bulk_jobs"]
        if cursor is None or not raw["bulk_jobs"] or len(bulks) >= limit:
            return {"bulk_jobs": bulks, "next_cursor": cursor}


def _draw_list(answer: dict[str, Any], *, url: str) -> None:
    from pressrun.answers import BulkPage, understood
    from pressrun.bulk_view import draw_bulks
    from pressrun.screen import open_console, say

    page = understood(BulkPage, answer, url=url)
    console = open_console()
    draw_bulks(console, page.bulk_jobs)
    if page.next_cursor is not None and console.is_terminal:
        say(console, "There are more: --limit shows them.")


def _moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise InvalidInput(
            f"--until {text!r} is no date and time such as 2026-11-30T08:00 (local, unless it names a zone)."
        ) from error
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _jobs(count: int) -> str:
    return "job" if count == 1 else "jobs"
