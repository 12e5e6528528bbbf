"""Reads CSV and TSV text as a header and rows of trimmed cells, and rows of other files as such a table.

What a column means is not known here.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from jobs.errors import InvalidInput
from service.uploads.intake.faults import Faults

# The one least likely to stand in a sentence first: it wins where two fit alike.
DELIMITERS = ("\t", "|", ";", ",")
# A control character no text file holds: with it, csv reads one column whatever stands in it.
ONE_COLUMN = "\x1f"
MAX_COLUMNS = 200
MAX_ROWS = 100_000
MAX_CELL = 100_000
_SNIFFED_CHARACTERS = 65_536
_SNIFFED_ROWS = 50


class Row(NamedTuple):
    """`line` is the line of the file on which the row begins, or its number in a sheet; both from 1."""

    line: int
    cells: list[str]


@dataclass(frozen=True)
class Table:
    """`columns` gives the place of each named column, in the file's order."""

    columns: Mapping[str, int]
    rows: list[Row]
    delimiter: str | None

    def cell(self, row: Row, column: str) -> str:
        return row.cells[self.columns[column]]


def read_table(text: str, faults: Faults) -> Table:
    """The header and the rows that fit it; those that do not are added to the faults as `rows.LINE`.

    Raises InvalidInput where there is no header or no row, and beyond 200 columns or 100,000 rows.
    """
    preset = re.match(r"sep=([,;\t|])\r?\n", text)
    delimiter = preset[1] if preset else sniff(text)
    rows = _rows(text, delimiter, 2 if preset else 1)
    return table_of(rows, faults, delimiter=None if delimiter == ONE_COLUMN else delimiter)


def table_of(rows: Iterator[Row], faults: Faults, *, delimiter: str | None = None, padded: bool = False) -> Table:
    """Of rows that are not blank; `padded`: one that is shorter than the header ends in empty cells.

    Otherwise as `read_table`.
    """
    header = next(rows, None)
    if header is None:
        raise InvalidInput("The file is empty.")
    names = [" ".join(name.split()) for name in header.cells]
    width = max(place for place, name in enumerate(names, 1) if name)
    _check_names(names[:width])
    columns = {name: place for place, name in enumerate(names[:width]) if name}
    nameless = [place for place, name in enumerate(names[:width]) if not name]
    kept: list[Row] = []
    for number, row in enumerate(rows, 1):
        if number > MAX_ROWS:
            raise InvalidInput(f"The file has more than {MAX_ROWS:,} rows.")
        if padded:
            row.cells.extend([""] * (width - len(row.cells)))
        fault = _row_fault(row.cells, width, [*nameless, *range(width, len(row.cells))] if padded else nameless)
        if fault:
            faults.add(f"rows.{row.line}", fault)
        else:
            kept.append(row)
    if not kept and not faults.told:
        raise InvalidInput("The file has a header and no rows: its first line must name the columns.")
    return Table(columns, kept, delimiter)


def sniff(text: str) -> str:
    """The delimiter that splits the header, and the rows most often into as many cells as the header."""
    best, best_score = ONE_COLUMN, (0.0, 0)
    for delimiter in DELIMITERS:
        sample = io.StringIO(text[:_SNIFFED_CHARACTERS], newline="")
        try:
            reader = csv.reader(sample, delimiter=delimiter, skipinitialspace=True)
            rows = [row for row in islice(reader, _SNIFFED_ROWS) if any(map(str.strip, row))]
        except csv.Error:
            continue
        if len(text) > _SNIFFED_CHARACTERS and len(rows) > 1:
            rows.pop()
        widths = [len(row) for row in rows]
        if not widths or widths[0] < 2:
            continue
        fitting = widths[1:].count(widths[0]) / max(1, len(widths) - 1)
        if (fitting, widths[0]) > best_score:
            best, best_score = delimiter, (fitting, widths[0])
    return best


def _rows(text: str, delimiter: str, first_line: int) -> Iterator[Row]:
    """All rows that are not blank. Lines end where csv says so, not at U+2028 or a form feed."""
    lines = io.StringIO(text, newline="")
    for _ in range(first_line - 1):
        next(lines, None)
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    while True:
        line = reader.line_num + first_line
        try:
            cells = next(reader, None)
        except csv.Error as fault:
            raise InvalidInput(f"The row that begins in line {line} cannot be read: {_reason(fault)}.") from None
        if cells is None:
            return
        trimmed = [cell.strip().replace("\r\n", "\n") for cell in cells]
        if any(trimmed):
            yield Row(line, trimmed)


def _reason(fault: csv.Error) -> str:
    message = str(fault)
    if "unexpected end" in message:
        return "a quote is opened and never closed"
    if "field limit" in message:
        return f"a cell is longer than {MAX_CELL:,} characters, or a quote is not closed"
    return 'a quote is not closed, or a quote inside a quoted cell is not doubled ("")'


def _check_names(names: list[str]) -> None:
    if len(names) > MAX_COLUMNS:
        raise InvalidInput(f"The file has {len(names)} columns: up to {MAX_COLUMNS} are taken.")
    count = Counter(name.casefold() for name in names if name)
    repeated = dict.fromkeys(name for name in names if count[name.casefold()] > 1)
    if repeated:
        listed = ", ".join(f"'{name}'" for name in repeated)
        raise InvalidInput(f"Several columns have the same name ({listed}): rename or remove all but one.")


def _row_fault(cells: list[str], width: int, nameless: list[int]) -> str | None:
    if len(cells) < width:
        count = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
        return f"the row has {count}, the header has {width}"
    if any(cells[place] for place in nameless):
        place = next(place for place in nameless if cells[place])
        return f"cell {place + 1} is filled, but its column has no name"
    if any(cells[width:]):
        return f"the row has {len(cells)} cells, the header has {width}: a cell with a delimiter needs quotes"
    if any(len(cell) > MAX_CELL for cell in cells):
        return f"a cell is longer than {MAX_CELL:,} characters"
    return None
