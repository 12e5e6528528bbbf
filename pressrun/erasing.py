"""The commands about a user's data: written to a file; counted, and deleted when told.

Which data: `jobs.retention.erasure`.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from jobs.documents import UserId
    from jobs.retention.erasure import Erasure

PASS_EVERY_SECONDS = 1.0


def register(app: typer.Typer) -> None:
    app.command()(erase)
    app.command()(export)


def erase(
    user: Annotated[str, typer.Option(help="Whose data it is: the user's id.")],
    yes: Annotated[bool, typer.Option("--yes", help="Delete it. Without this it is only counted.")] = False,
    wait: Annotated[
        int, typer.Option(metavar="SECONDS", min=0, help="How long to wait for running jobs to be let go of.")
    ] = 60,
) -> None:
    """Delete all that is stored of a user, for good. Exit 1 where something had to be left: run it again then."""
    from jobs.configuration.settings import load_settings
    from jobs.documents import user_id
    from pressrun import compose
    from pressrun.running import run

    is_left: list[bool] = []

    async def main() -> None:
        async with compose.reading_mongodb(load_settings(), "erase") as system:
            owner = user_id(user)
            there = await _show(system.erasure, owner)
            if yes:
                open_bulks = await _erase(system.erasure, owner, wait)
                if open_bulks:
                    typer.echo(f"Bulks that still run or are being changed: {open_bulks}. Left, run this again:")
                is_left.append(await _show(system.erasure, owner) or open_bulks > 0)
            elif there:
                typer.echo("Nothing was deleted: say --yes to delete it, for good.")

    run(main(), level="ERROR")
    if any(is_left):
        raise typer.Exit(1)


def export(
    user: Annotated[str, typer.Option(help="Whose data it is: the user's id.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where to; must not be there yet.")],
) -> None:
    """Write all that is stored of a user to a file of JSON lines, without secrets."""
    from jobs.configuration.settings import load_settings
    from jobs.documents import user_id
    from jobs.errors import InvalidInput
    from jobs.retention.archive import write_lines
    from pressrun import compose
    from pressrun.running import run

    async def main() -> None:
        async with compose.reading_mongodb(load_settings(), "export") as system:
            try:
                with output.open("xb") as file:
                    written = await write_lines(file, system.takeout.parts(user_id(user)))
            except OSError as error:
                raise InvalidInput(f"{output} cannot be written: {error.strerror or error}.") from error
            typer.echo(f"{output}: {written:,} documents of {user}.")

    run(main(), level="ERROR")


async def _erase(erasure: Erasure, owner: UserId, wait: int) -> int:
    """How many bulks were still open at the end."""
    loop = asyncio.get_running_loop()
    until = loop.time() + wait
    while True:
        erased = await erasure.erase(owner)
        if not erased.open_bulks or loop.time() >= until:
            return erased.open_bulks
        await asyncio.sleep(PASS_EVERY_SECONDS)


async def _show(erasure: Erasure, owner: UserId) -> bool:
    """Whether anything is stored."""
    counts = await erasure.counts(owner)
    for name, count in counts.items():
        typer.echo(f"{count:>9,} {name}")
    if not counts:
        typer.echo(f"Nothing is stored of {owner}.")
    return bool(counts)
