"""The command that archives old bulks at once, or puts an archived one back. Which and how: `jobs.retention.expiry`,
`jobs.retention.restoring`."""

from __future__ import annotations

import math
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.errors import InvalidInput
from jobs.states import BulkStatus

if TYPE_CHECKING:
    from jobs.configuration.settings import Settings

MOST_DAYS = 36_500
"""As of the ages in the settings."""


class Ended(StrEnum):
    COMPLETED = "completed"
    CANCELLED = "cancelled"


def register(app: typer.Typer) -> None:
    app.command()(archive)


def archive(
    older_than: Annotated[
        float | None,
        typer.Option(
            metavar="DAYS",
            min=0,
            max=MOST_DAYS,
            help="Bulks that ended so long ago: write them to files, and remove them.",
        ),
    ] = None,
    status: Annotated[Ended, typer.Option(help="Those that ended like this.")] = Ended.COMPLETED,
    folder: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where to; else PRESSRUN_RETENTION__ARCHIVE.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it. Without this they are only counted.")] = False,
    restore: Annotated[Path | None, typer.Option(metavar="FILE", help="Put the bulk of this file back.")] = None,
) -> None:
    """Write old bulks to files and remove them, without waiting for a worker; or put one back from its file."""
    from jobs.configuration.settings import load_settings
    from pressrun.running import run

    if (older_than is None) == (restore is None) or (older_than is not None and math.isnan(older_than)):
        raise typer.BadParameter("say either --older-than DAYS or --restore FILE")
    settings = load_settings()
    if restore is not None:
        run(_restore(settings, restore), level="ERROR")
    elif older_than is not None:
        age = timedelta(days=older_than)
        run(_archive(settings, BulkStatus(status.value), age, folder, yes=yes), level="ERROR")


async def _archive(settings: Settings, status: BulkStatus, age: timedelta, folder: Path | None, *, yes: bool) -> None:
    from pressrun import compose

    to = folder or settings.retention.archive
    if to is None:
        raise InvalidInput("Where to? Say --folder FOLDER, or set PRESSRUN_RETENTION__ARCHIVE.")
    async with compose.archiving_mongodb(settings, to) as system:
        if not yes:
            old = await system.retention.count(status, age)
            typer.echo(f"{status.capitalize()} bulks that ended that long ago: {old:,}.")
            typer.echo("Nothing was done: say --yes to archive and remove them.")
            return
        await system.removal.finish_half_done()
        removed = 0
        while some := await system.retention.remove(status, age):
            removed += some
        typer.echo(f"{status.capitalize()} bulks that are in {to} now, and removed: {removed:,}.")


async def _restore(settings: Settings, file: Path) -> None:
    from pressrun import compose

    async with compose.reading_mongodb(settings, "restore") as system:
        restored = await system.restoring.restore(file)
        typer.echo(
            f"Bulk {restored.bulk['_id']} of {restored.bulk['userId']} is back, with"
            f" {restored.counts['generation_jobs']:,} jobs and {restored.counts['assets']:,} assets."
        )
        typer.echo("Where retention is on, it goes again at its next look: raise the days first.")
