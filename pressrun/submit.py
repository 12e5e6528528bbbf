"""The command that makes a bulk from a file, and waits for it if asked to.

What a file may look like is for `service/uploads/intake/items.py`, what an item may hold for the service to judge.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from jobs.errors import Fault, InvalidInput
from pressrun.connection import DEFAULT_URL, PANEL, Key, Url, User, connect, url_option
from pressrun.plain_text import clean
from pressrun.refusals import AnswerLost, Refused, RemoteError

if TYPE_CHECKING:
    from pressrun.remote import Remote
    from service.uploads.intake.items import ReadResult

Mode = Literal["topic", "keywords", "trends", "spin"]
LARGEST_FILE_MB = 8
INTERRUPTED = 130


def register(app: typer.Typer) -> None:
    app.command("submit", rich_help_panel=PANEL)(submit)


def submit(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, XLSX, JSON or JSONL: one item a row.")],
    *,
    mode: Annotated[Mode, typer.Option("--mode", help="What the articles are made from.")],
    name: Annotated[str | None, typer.Option("--name", help="Without it, the name of FILE.")] = None,
    column: Annotated[
        list[str] | None,
        typer.Option("--column", metavar="FIELD=HEADING", help="Which column holds a field; may be repeated."),
    ] = None,
    sheet: Annotated[str | None, typer.Option("--sheet", help="Of a workbook; without it, the first.")] = None,
    pipeline: Annotated[str | None, typer.Option("--pipeline", help="How they are made; without it, article.")] = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="KEY=VALUE", help="What the pipeline is told; may be repeated."),
    ] = None,
    max_retries: Annotated[int | None, typer.Option("--max-retries", help="Tries after the first.")] = None,
    delay_seconds: Annotated[float | None, typer.Option("--delay-seconds", help="Rest between jobs.")] = None,
    parallelism: Annotated[int | None, typer.Option("--parallelism", help="Jobs at once.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Show progress; exit 0 all done, 1 some failed.")] = False,
    interval: Annotated[float, typer.Option("--interval", min=0.05, help="Seconds between two looks.")] = 1.0,
    url: Url = DEFAULT_URL,
    key: Key = None,
    user: User = None,
) -> None:
    """Submit a file as a bulk. Exit 2 if it is refused."""
    settings = {
        "pipeline": pipeline,
        "options": _options(option or []) or None,
        "max_retries": max_retries,
        "delay_seconds": delay_seconds,
        "parallelism": parallelism,
    }
    read = _items(file, mode=mode, columns=_columns(column or []), sheet=sheet)
    body: dict[str, Any] = {
        "mode": mode,
        "name": name or file.stem,
        "items": read.items,
        **{setting: value for setting, value in settings.items() if value is not None},
    }
    with connect(url, key, user) as remote:
        bulk_id = _send(remote, body, places=read.places)
        where = url_option(remote)
        hints = (
            f"Follow it with: pressrun status {bulk_id} --watch{where}\n"
            f"Cancel it with: pressrun cancel {bulk_id}{where}"
        )
        if not wait:
            typer.echo(hints)
            return
        raise typer.Exit(_wait(remote, bulk_id, hints=hints, interval_seconds=interval))


def _columns(pairs: list[str]) -> dict[str, str]:
    columns: dict[str, str] = {}
    for pair in pairs:
        field, separator, heading = (part.strip() for part in pair.partition("="))
        if not (field and separator and heading):
            raise InvalidInput(f"--column {pair!r} does not say FIELD=HEADING, as in --column topic=Title.")
        if field in columns:
            raise InvalidInput(f"--column names a heading for {field!r} twice.")
        columns[field] = heading
    return columns


def _options(pairs: list[str]) -> dict[str, Any]:
    """Values are JSON where they can be: numbers, true, false and null; else text."""
    options: dict[str, Any] = {}
    for pair in pairs:
        name, separator, value = (part.strip() for part in pair.partition("="))
        if not (name and separator and value):
            raise InvalidInput(f"--option {pair!r} does not say KEY=VALUE, as in --option ideas=3.")
        if name in options:
            raise InvalidInput(f"--option gives a value for {name!r} twice.")
        try:
            options[name] = json.loads(value, parse_constant=str)
        except ValueError:
            options[name] = value
    return options


def _items(file: Path, *, mode: Mode, columns: dict[str, str], sheet: str | None) -> ReadResult:
    from service.uploads.intake.items import read_items

    try:
        read = read_items(_read(file), filename=file.name, mode=mode, columns=columns, sheet=sheet)
    except InvalidInput as error:
        if any(fault.path.startswith("columns.") for fault in error.faults):
            typer.echo("Which column is which can be said with --column, as in --column 'topic=Page title'.", err=True)
        raise
    if read.mapping:
        found = ", ".join(f"{field} from {heading}" for field, heading in read.mapping.items())
        typer.echo(clean(f"Columns of {file.name}: {found}."))
    return read


def _read(file: Path) -> bytes:
    largest = LARGEST_FILE_MB * 1024 * 1024
    try:
        with file.open("rb") as opened:
            data = opened.read(largest + 1)
    except FileNotFoundError as error:
        raise InvalidInput(f"There is no file {file}.") from error
    except IsADirectoryError as error:
        raise InvalidInput(f"{file} is a directory: name a file.") from error
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror or error}.") from error
    if len(data) > largest:
        raise InvalidInput(f"{file} holds more than {LARGEST_FILE_MB} MB: submit it in parts.")
    return data


def _send(remote: Remote, body: dict[str, Any], *, places: list[str]) -> str:
    from pressrun.answers import Submitted, understood

    try:
        answer = understood(Submitted, remote.submit(body), url=remote.url)
    except Refused as refused:
        refused.faults = tuple(_in_the_file(fault, places) for fault in refused.faults)
        raise
    except AnswerLost:
        typer.echo("Look whether it is there before submitting again: pressrun list", err=True)
        raise
    articles = "article" if answer.total_items == 1 else "articles"
    typer.echo(f"Bulk {answer.bulk_job_id} is queued: {answer.total_items} {articles}.")
    return answer.bulk_job_id


def _in_the_file(fault: Fault, places: list[str]) -> Fault:
    """`items.3.topic` of the request is `rows.5.topic` of the file."""
    match fault.path.split(".", 2):
        case ["items", number, *rest] if number.isdecimal() and int(number) < len(places):
            return Fault(".".join([places[int(number)], *rest]), fault.message)
        case _:
            return fault


def _wait(remote: Remote, bulk_id: str, *, hints: str, interval_seconds: float) -> int:
    from pressrun.progress_view import watch
    from pressrun.screen import open_console

    try:
        return watch(remote, bulk_id, console=open_console(), interval_seconds=interval_seconds).exit_code
    except KeyboardInterrupt:
        typer.echo(f"\nThe bulk goes on without this terminal.\n{hints}")
        return INTERRUPTED
    except RemoteError:
        typer.echo(f"The bulk goes on if its workers do.\n{hints}", err=True)
        raise
