"""The command that sends one job back to the queue, over the HTTP API."""

from __future__ import annotations

from typing import Annotated

import typer

from pressrun.connection import DEFAULT_URL, PANEL, JobId, Key, Url, User, connect


def register(app: typer.Typer) -> None:
    app.command("retry-job", rich_help_panel=PANEL)(retry_job)


def retry_job(
    job_id: JobId,
    *,
    from_stage: Annotated[str | None, typer.Option("--from-stage", help="Begin again there, and pay again.")] = None,
    url: Url = DEFAULT_URL,
    key: Key = None,
    user: User = None,
) -> None:
    """Send one failed or cancelled job back to the queue: to where it ended, or to an earlier stage."""
    from pressrun.answers import JobControlled, understood
    from pressrun.plain_text import clean

    body = {} if from_stage is None else {"from_stage": from_stage}
    with connect(url, key, user) as remote:
        answer = understood(JobControlled, remote.control_job(job_id, "retry", body), url=remote.url)
    typer.echo(f"{clean(answer.message).rstrip('.')}.")
