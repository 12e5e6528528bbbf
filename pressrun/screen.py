"""How the command line writes to a terminal or a pipe: aligned, no markup, no control characters passed on.

Nothing here knows bulks or jobs.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
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


def between(low: datetime, high: datetime) -> str:
    """`between 14:05 and 14:20`, in local time: rounded outwards, the more coarsely the farther the two are apart, so
    that it does not change with every look. With the day where that is not today."""
    step = _step(high - low)
    first, last = _rounded(low, step, up=False), _rounded(high, step, up=True)
    with_seconds = step < timedelta(minutes=1)
    today = datetime.now().astimezone().date()
    told = [_clock(first, today, with_seconds), _clock(last, first.date(), with_seconds)]
    return f"between {told[0]} and {told[1]}"


def left(low: float, high: float) -> str:
    """`2 to 4 min left`, from seconds."""
    if high < 90:
        first, last, unit = math.floor(low / 5) * 5, max(5, math.ceil(high / 5) * 5), "s"
    else:
        first, last, unit = math.floor(low / 60), math.ceil(high / 60), "min"
    return f"{first} to {last} {unit} left" if first else f"up to {last} {unit} left"


def _step(span: timedelta) -> timedelta:
    steps = [(2, timedelta(seconds=5)), (60, timedelta(minutes=1)), (360, timedelta(minutes=5))]
    return next((step for minutes, step in steps if span < timedelta(minutes=minutes)), timedelta(minutes=15))


def _rounded(moment: datetime, step: timedelta, *, up: bool) -> datetime:
    local = moment.astimezone()
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    whole = midnight + (local - midnight) // step * step
    return whole + step if up and whole < local else whole


def _clock(moment: datetime, day: date, with_seconds: bool) -> str:
    told = f"{moment:%H:%M:%S}" if with_seconds else f"{moment:%H:%M}"
    return told if moment.date() == day else f"{moment:%b %d} {told}"
