"""The command that migrates the database's documents to this version's format. No start does it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command()(migrate)


def migrate(
    data: Annotated[
        Path | None,
        typer.Option(help="The folder of `pressrun dev`, instead of MongoDB.", file_okay=False, exists=True),
    ] = None,
) -> None:
    """Bring every document to this version's format, forward only. Safe to kill, to call again, and to call twice."""
    from importlib.metadata import version

    from jobs.configuration.settings import load_settings
    from jobs.system import System
    from pressrun import compose
    from pressrun.running import run

    async def carried_out(system: System) -> None:
        async for progress in system.migrating.run(version("pressrun")):
            if progress.ended:
                documents = f"{progress.step.collection}: {progress.changed:,} changed"
                typer.echo(f"Format {progress.step.to}: {progress.step.what} ({documents}).")
        standing = await system.database_format.standing()
        typer.echo(f"The database has format {standing.format}; nothing is left to migrate.")

    async def main() -> None:
        opened = compose.reading_mongodb(load_settings(), "migrate") if data is None else compose.in_folder(data)
        async with opened as system:
            await carried_out(system)

    run(main(), level="ERROR")
