"""How the command line writes to a terminal or a pipe: aligned, no markup, no control characters passed on.

Nothing here knows bulks or jobs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from pressrun.plain_text import clean

WIDTH_OF_A_PIPE = 4_000
NARROWEST_LAST_COLUMN = 13
GAP = 2


def open_console() -> Console:
    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = WIDTH_OF_A_PIPE
    return console


def say(console: Console, text: str, *, style: str = "") -> None:
    console.print(text, soft_wrap=True, style=style)


def draw_table(console: Console, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Columns as wide as they need to be; where space is short the last one runs over several lines.

    Nothing is cut off: what the terminal cannot hold at all, it breaks itself.
    """
    cells = [list(headings), *([clean(cell) for cell in row] for row in rows)]
    *widths, last = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    before_last = sum(widths) + GAP * len(widths)
    width_of_last = min(last, max(console.width - before_last, NARROWEST_LAST_COLUMN))
    for number, (*row, text) in enumerate(cells):
        begun = "".join(cell + " " * (width - cell_len(cell) + GAP) for cell, width in zip(row, widths, strict=True))
        for line in Text(text).wrap(console, width_of_last) or [Text()]:
            say(console, f"{begun}{line.plain}".rstrip(), style="" if number else "dim")
            begun = " " * before_last


def print_json(answer: Mapping[str, Any]) -> None:
    typer.echo(json.dumps(answer, indent=2, ensure_ascii=False))


def local_time(moment: datetime | None) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}" if moment else ""


def short_time(moment: datetime | None) -> str:
    """As `ls` tells it: `Nov 03 14:02`, in another year `Nov 03  2025`."""
    if moment is None:
        return ""
    local = moment.astimezone()
    this_year = local.year == datetime.now().astimezone().year
    return f"{local:%b %d %H:%M}" if this_year else f"{local:%b %d  %Y}"


def duration(span: timedelta) -> str:
    """`2:31:04`, never negative: the clocks of two machines may differ."""
    return str(timedelta(seconds=max(0, round(span.total_seconds()))))
