"""The commands about what waits for a person: list it, choose, approve what is recommended, over the HTTP API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobs.errors import InvalidInput
from pressrun.connection import DEFAULT_URL, PANEL, BulkId, JobId, Json, Key, Url, User, bulk_id_of, connect
from pressrun.refusals import Refused

if TYPE_CHECKING:
    from pressrun.answers import OpenSelection
    from pressrun.remote import Remote

PAGE = 50


def register(app: typer.Typer) -> None:
    app.command("selections", rich_help_panel=PANEL)(selections)
    app.command("select", rich_help_panel=PANEL)(select)
    app.command("approve", rich_help_panel=PANEL)(approve)


def selections(
    *,
    bulk: Annotated[str | None, typer.Option("--bulk", metavar="ID", help="Only those of this bulk.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many.")] = 20,
    as_json: Json = False,
    url: Url = DEFAULT_URL,
    key: Key = None,
    user: User = None,
) -> None:
    """List the jobs that wait for a person to choose, the longest waiting first."""
    from pressrun.answers import SelectionPage, understood
    from pressrun.screen import open_console, print_json, say

    bulk_id = bulk_id_of(bulk) if bulk is not None else None
    with connect(url, key, user) as remote:
        answer = _pages(remote, bulk_id=bulk_id, limit=limit)
        page = understood(SelectionPage, answer, url=remote.url)
    if as_json:
        print_json(answer)
        return
    console = open_console()
    if not page.selections:
        say(console, "No job waits for a person to choose.")
    for waiting in page.selections:
        _draw(console, waiting)
    if page.next_cursor is not None and console.is_terminal:
        say(console, "There are more: --limit shows them.")


def select(
    job_id: JobId,
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="The option, as `pressrun selections` counts them.")],
    *,
    url: Url = DEFAULT_URL,
    key: Key = None,
    user: User = None,
) -> None:
    """Choose an option for a job that waits: it goes on with that."""
    from pressrun.answers import JobControlled, understood

    if number < 1:
        raise InvalidInput(f"There is no option {number}: they are counted from 1.")
    with connect(url, key, user) as remote:
        try:
            answer = remote.control_job(job_id, "select", {"choice": number - 1})
        except Refused as refused:
            if any(fault.path == "choice" for fault in refused.faults):
                raise InvalidInput(f"There is no option {number}: `pressrun selections` shows them.") from None
            raise
        understood(JobControlled, answer, url=remote.url)
    typer.echo(f"Option {number} is chosen.")


def approve(bulk_id: BulkId, *, url: Url = DEFAULT_URL, key: Key = None, user: User = None) -> None:
    """Choose what is recommended, for all jobs of a bulk that wait."""
    from pressrun.answers import Approved, understood

    with connect(url, key, user) as remote:
        answer = understood(Approved, remote.approve(bulk_id), url=remote.url)
    if answer.approved:
        typer.echo(f"Chosen as recommended, for {answer.approved} {'job' if answer.approved == 1 else 'jobs'}.")
    else:
        typer.echo("No job of this bulk waits for a person to choose.")


def _pages(remote: Remote, *, bulk_id: str | None, limit: int) -> dict[str, Any]:
    from pressrun.answers import SelectionPage, understood

    found: list[Any] = []
    cursor: str | None = None
    while True:
        raw = remote.selections(bulk_id=bulk_id, limit=min(PAGE, limit - len(found)), cursor=cursor)
        cursor = understood(SelectionPage, raw, url=remote.url).next_cursor
        found += raw["selections"]
        if cursor is None or not raw["selections"] or len(found) >= limit:
            return {"selections": found, "next_cursor": cursor}


def _draw(console: Any, waiting: OpenSelection) -> None:
    """Options are counted from 1, as people count; the API counts from 0."""
    from pressrun.plain_text import clean
    from pressrun.screen import local_time, say

    until = f", else the recommended one at {local_time(waiting.until)}" if waiting.until else ""
    about = clean(waiting.topic or waiting.trend or waiting.external_id)
    say(console, f"Job {waiting.job_id}  {about}".rstrip() + f"  (#{waiting.queue_position}{until})")
    for place, option in enumerate(waiting.options):
        mark = "*" if place == waiting.recommended else " "
        say(console, f"  {mark} {place + 1}  {clean(option.get('title') or option)}")
