"""The command that brings the finished articles of a bulk home: whole to a file, or not at all.

The formats are the service's; nothing is converted here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, get_args

import typer

from jobs.errors import InvalidInput
from pressrun.connection import DEFAULT_URL, PANEL, BulkId, Key, Url, User, connect

Form = Literal["json", "jsonl", "csv", "zip"]


def register(app: typer.Typer) -> None:
    app.command("results", rich_help_panel=PANEL)(results)


def results(
    bulk_id: BulkId,
    *,
    form: Annotated[Form | None, typer.Option("--format", help="Without it, what FILE ends in, else json.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write here, not to the terminal.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE.")] = False,
    url: Url = DEFAULT_URL,
    key: Key = None,
    user: User = None,
) -> None:
    """Fetch what is finished so far. zip holds one Markdown file an article, and a manifest."""
    chosen = form or _form_of(output)
    if output is None or output == Path("-"):
        if chosen == "zip" and sys.stdout.isatty():
            raise InvalidInput("A zip is not for the terminal: name a file with -o FILE.")
        with connect(url, key, user) as remote, remote.results(bulk_id, chosen) as chunks:
            _to_stdout(chunks)
        return
    _check_target(output, force=force)
    with connect(url, key, user) as remote, remote.results(bulk_id, chosen) as chunks:
        written = _to_file(chunks, output)
    typer.echo(f"Wrote {written:,} bytes to {output}.")


def _form_of(output: Path | None) -> str:
    ending = output.suffix.lower().removeprefix(".") if output else ""
    return ending if ending in get_args(Form) else "json"


def _check_target(target: Path, *, force: bool) -> None:
    try:
        _check_place(target, force=force)
    except OSError as error:
        raise InvalidInput(f"{target} cannot be written: {error.strerror or error}.") from error


def _check_place(target: Path, *, force: bool) -> None:
    if target.is_dir():
        raise InvalidInput(f"{target} is a directory: name a file in it.")
    if target.exists() and not target.is_file():
        raise InvalidInput(f"{target} is not a regular file: use a pipe instead of -o.")
    if target.exists() and not force:
        raise InvalidInput(f"{target} is already there: --force overwrites it.")
    if not target.parent.is_dir():
        raise InvalidInput(f"There is no directory {target.parent}.")


def _to_stdout(chunks: Iterable[bytes]) -> None:
    for chunk in chunks:
        sys.stdout.buffer.write(chunk)
    sys.stdout.buffer.flush()


def _to_file(chunks: Iterable[bytes], target: Path) -> int:
    """The bytes written. The file appears whole, under its name, or not at all."""
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with unfinished.open("xb") as file:
            written = sum(file.write(chunk) for chunk in chunks)
        unfinished.replace(target)
    except OSError as error:
        raise InvalidInput(f"{target} could not be written: {error.strerror or error}.") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return written
