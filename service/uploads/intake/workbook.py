"""Reads a sheet of an XLSX workbook as rows of text; which row names the columns is not known here.

openpyxl reads row by row, so that two cells far apart cost nothing; it is given a workbook of that sheet alone.
"""

from __future__ import annotations

import io
import re
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jobs.errors import InvalidInput
from service.uploads.intake.archive import Archive
from service.uploads.intake.cell_text import text_of_cell
from service.uploads.intake.package import DAMAGED, MAX_CELLS, SheetParts, sheet_parts
from service.uploads.intake.rebuilding import rebuilt
from service.uploads.intake.table import MAX_COLUMNS, MAX_ROWS, Row

LONGEST_SECONDS = 20.0
LAST_ROW = 1_048_576
"""Of any sheet of Excel's."""

MAX_MERGED = MAX_CELLS
"""Rows that merged cells span, all together."""

OTHER_WORKBOOKS: Mapping[str, str] = {
    "xl/vbaproject.bin": "an XLSM workbook with macros",
    "xl/workbook.bin": "an XLSB workbook",
    "content.xml": "an OpenDocument file (ODS)",
    "index/document.iwa": "a Numbers document",
}
_MERGED = re.compile(
    rb'<(?:\w{1,20}:)?mergeCell\s[^>]{0,200}?\bref="\$?([A-Z]{1,3})\$?([0-9]{1,7}):\$?[A-Z]{1,3}\$?([0-9]{1,7})"'
)


@dataclass(frozen=True)
class Sheet:
    """`rows` without blank ones, each with its number in the sheet and its cells up to the last that is filled.
    `others` are the sheets that were not read."""

    name: str
    others: tuple[str, ...]
    rows: list[Row]


def read_sheet(data: bytes, wanted: str | None) -> Sheet:
    """The sheet of that name, else the first that is not hidden, with the values that its formulas had last.

    Raises InvalidInput for what is no such workbook, too large, or not read within 20 seconds.
    """
    deadline = time.monotonic() + LONGEST_SECONDS
    archive = Archive(data)
    for part, what in OTHER_WORKBOOKS.items():
        if part in archive:
            raise InvalidInput(f"The file is {what}: save it as XLSX or CSV.")
    if "[Content_Types].xml" not in archive or "xl/workbook.xml" not in archive:
        raise InvalidInput("The file is a ZIP archive or an Office document, and no XLSX workbook.")
    parts = sheet_parts(archive, wanted)
    rows: list[Row] = []
    for row in _rows(parts, deadline):
        if len(rows) > MAX_ROWS:  # the first one names the columns
            raise InvalidInput(f"The file has more than {MAX_ROWS:,} rows.")
        rows.append(row)
    return Sheet(parts.name, parts.others, _filled_down(rows, parts.sheet))


def _rows(parts: SheetParts, deadline: float) -> Iterator[Row]:
    from openpyxl import load_workbook  # noqa: PLC0415 - takes a third of a second, and few files are workbooks

    warnings.filterwarnings("ignore", category=UserWarning, module="openpyxl")
    try:
        workbook = load_workbook(io.BytesIO(rebuilt(parts)), read_only=True, data_only=True)
        sheet = workbook.worksheets[0]
        sheet.reset_dimensions()  # what a sheet says of its own size is often wrong
        for number, values in enumerate(sheet.iter_rows(values_only=True), 1):
            _check(number, deadline)
            cells = _texts(number, values)
            if cells:
                yield Row(number, cells)
    except InvalidInput:
        raise
    except Exception:  # openpyxl has no error of its own: whatever breaks in it, the file is to blame
        raise InvalidInput(DAMAGED) from None


def _check(number: int, deadline: float) -> None:
    if number > LAST_ROW:
        raise InvalidInput(DAMAGED)
    if time.monotonic() > deadline:
        raise InvalidInput("The workbook takes too long to read: send it in parts, or as CSV.")


def _texts(number: int, values: tuple[Any, ...]) -> list[str]:
    last = len(values)
    while last and values[last - 1] is None:
        last -= 1
    if last > MAX_COLUMNS:
        raise InvalidInput(f"Row {number} has a value in column {last:,}: up to {MAX_COLUMNS} columns are taken.")
    cells = [text_of_cell(value) for value in values[:last]]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _filled_down(rows: list[Row], sheet: bytes) -> list[Row]:
    """A merged cell stands for each row that it spans, if that has cells of its own."""
    by_number = {row.line: row for row in rows}
    spanned = 0
    for found in _MERGED.finditer(sheet):
        column, first, last = _column(found[1]), int(found[2]), int(found[3])
        top = by_number.get(first)
        if top is None or column >= len(top.cells):
            continue
        below = range(first + 1, min(last, rows[-1].line) + 1)
        spanned += len(below)
        if spanned > MAX_MERGED:
            raise InvalidInput("The sheet has too many merged cells: unmerge them, or save it as CSV.")
        for number in below:
            _fill(by_number.get(number), column, top.cells[column])
    return rows


def _fill(row: Row | None, column: int, text: str) -> None:
    if row is None:
        return
    row.cells.extend([""] * (column + 1 - len(row.cells)))
    row.cells[column] = row.cells[column] or text


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1
