"""Reads a file of article requests: bytes in, items out. What an item may hold is not checked here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import PurePath
from typing import Any, Literal

from jobs.errors import InvalidInput
from service.uploads.intake import cells, mapping, shopify
from service.uploads.intake.decode import ZIP, check_size, decode
from service.uploads.intake.faults import Faults
from service.uploads.intake.json_items import Placed, read_json, read_jsonl
from service.uploads.intake.table import Table, read_table, table_of
from service.uploads.intake.workbook import read_sheet

Source = Literal["csv", "tsv", "xlsx", "shopify", "json", "jsonl"]

_BY_SUFFIX: Mapping[str, Literal["table", "json", "jsonl"]] = {
    ".csv": "table",
    ".tsv": "table",
    ".tab": "table",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_WORKBOOKS = frozenset({".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".numbers"})


@dataclass(frozen=True)
class ReadResult:
    """The items, and what a preview shows of how they were found.

    `places[n]` is where item n stands in the file (`rows.12` is line 12, or row 12 of a sheet; `items.3` the fourth of
    a list): what is wrong with `items.n.topic` is wrong with `{places[n]}.topic`. `mapping` is the column of each
    field, `ignored` the columns not read; both are empty for JSON. `encoding` is None for a workbook.
    """

    items: list[dict[str, Any]]
    places: list[str]
    source: Source
    encoding: str | None
    mapping: dict[str, str] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Found:
    """All that could be read of a file, and what is wrong with the rest. A row that is wrong has no item where its
    cells fit no columns, else one without what is wrong; `header` is empty for JSON.

    `sheet` is the one read of a workbook, `other_sheets` those that were not.
    """

    result: ReadResult
    faults: Faults
    header: list[str] = field(default_factory=list)
    sheet: str | None = None
    other_sheets: tuple[str, ...] = ()


def read_items(
    data: bytes, *, filename: str, mode: str, columns: Mapping[str, str] | None = None, sheet: str | None = None
) -> ReadResult:
    """The items of a CSV, TSV, XLSX, JSON or JSONL file; `columns`, from field to column, wins over the guess.

    Raises InvalidInput with a sentence and, for wrong rows or columns, up to 50 faults and how many more.
    """
    found = look_through(data, filename=filename, mode=mode, columns=columns, sheet=sheet)
    found.faults.refuse_if_any()
    return found.result


def look_through(
    data: bytes, *, filename: str, mode: str, columns: Mapping[str, str] | None = None, sheet: str | None = None
) -> Found:
    """As `read_items`, but wrong rows and columns are told beside what could be read.

    Raises InvalidInput for a file that nothing can be read of.
    """
    mapping.check_mode(mode)
    check_size(data)
    if data.startswith(ZIP):
        return _from_workbook(data, mode, columns or {}, sheet)
    decoded = decode(data)
    kind = _kind(filename, decoded.text)
    if sheet is not None:
        raise InvalidInput("A sheet can be named for XLSX files alone.")
    faults = Faults()
    if kind == "table":
        table = read_table(decoded.text, faults)
        source: Source = "tsv" if table.delimiter == "\t" else "csv"
        return Found(
            _from_table(table, source, decoded.encoding, mode, columns or {}, faults), faults, [*table.columns]
        )
    if columns:
        raise InvalidInput("Columns can be named for tables; the items of a JSON file carry the names of their fields.")
    placed = (read_json if kind == "json" else read_jsonl)(decoded.text, faults)
    items, places = [item for _, item in placed], [place for place, _ in placed]
    return Found(ReadResult(items, places, kind, decoded.encoding), faults)


def _kind(filename: str, text: str) -> Literal["table", "json", "jsonl"]:
    suffix = PurePath(filename).suffix.lower()
    if suffix in _WORKBOOKS:
        raise InvalidInput(f"The file is named {suffix}, but holds text: give it the ending of what it is, as .csv.")
    if suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix]
    beginning = text.lstrip()
    if beginning.startswith("["):
        return "json"
    if not beginning.startswith("{"):
        return "table"
    try:
        json.loads(beginning.partition("\n")[0])
    except (ValueError, RecursionError):
        return "json"
    return "jsonl" if "\n" in beginning.rstrip() else "json"


def _from_workbook(data: bytes, mode: str, columns: Mapping[str, str], wanted: str | None) -> Found:
    sheet = read_sheet(data, wanted)
    faults = Faults()
    if not sheet.rows:
        others = f" There are others: {', '.join(sheet.others[:20])}." if sheet.others else ""
        raise InvalidInput(f"The sheet '{sheet.name}' is empty.{others}")
    table = table_of(iter(sheet.rows), faults, padded=True)
    result = _from_table(table, "xlsx", None, mode, columns, faults)
    return Found(result, faults, [*table.columns], sheet.name, sheet.others)


def _from_table(
    table: Table, source: Source, encoding: str | None, mode: str, columns: Mapping[str, str], faults: Faults
) -> ReadResult:
    header = list(table.columns)
    chosen = mapping.named(header, columns, faults)
    is_shopify = shopify.recognises(table)
    shop = {name: from_shop for name, from_shop in shopify.sources(mode).items() if is_shopify and name not in chosen}
    of_shop = set(chain.from_iterable(shop.values()))
    others = [column for column in header if column not in of_shop]
    single = mapping.guess(others, mode, chosen | dict.fromkeys(shop, ""))
    named = {name for name, column in columns.items() if column.strip()}
    mapping.require(header, mode, {*shop, *single} | named, faults)
    placed: list[Placed] = []
    for row in shopify.products(table, faults) if is_shopify else table.rows:
        item: dict[str, Any] = {}
        for name, sources in shop.items():
            shopify.put(item, name, [(column, table.cell(row, column)) for column in sources])
        for name, column in single.items():
            fault = cells.put(item, name, table.cell(row, column))
            if fault:
                faults.add(f"rows.{row.line}.{name}", fault)
        placed.append(Placed(f"rows.{row.line}", item))
    read = of_shop | set(single.values())
    return ReadResult(
        items=[item for _, item in placed],
        places=[place for place, _ in placed],
        source="shopify" if is_shopify else source,
        encoding=encoding,
        mapping={name: ", ".join(sources) for name, sources in shop.items()} | single,
        ignored=[column for column in header if column not in read],
    )
