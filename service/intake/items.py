"""Reads a file of article requests: bytes in, items out. What an item may hold is not checked here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import PurePath
from typing import Any, Literal

from jobs.errors import InvalidInput
from service.intake import cells, mapping, shopify
from service.intake.decode import XLSX_REFUSED, decode
from service.intake.faults import Faults
from service.intake.json_items import Placed, read_json, read_jsonl
from service.intake.table import read_table

Source = Literal["csv", "tsv", "shopify", "json", "jsonl"]

_BY_SUFFIX: Mapping[str, Literal["table", "json", "jsonl"]] = {
    ".csv": "table",
    ".tsv": "table",
    ".tab": "table",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}


@dataclass(frozen=True)
class ReadResult:
    """The items, and what a preview shows of how they were found.

    `places[n]` is where item n stands in the file (`rows.12` is line 12, `items.3` the fourth of a list):
    what is wrong with `items.n.topic` is wrong with `{places[n]}.topic`. `mapping` is the column of each field,
    `ignored` the columns not read; both are empty for JSON.
    """

    items: list[dict[str, Any]]
    places: list[str]
    source: Source
    encoding: str
    mapping: dict[str, str] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)


def read_items(data: bytes, *, filename: str, mode: str, columns: Mapping[str, str] | None = None) -> ReadResult:
    """The items of a CSV, TSV, JSON or JSONL file; `columns`, from field to column, wins over the guess.

    Raises InvalidInput with a sentence and, for wrong rows or columns, up to 50 faults and how many more.
    """
    mapping.check_mode(mode)
    decoded = decode(data)
    kind = _kind(filename, decoded.text)
    if kind == "table":
        return _from_table(decoded.text, decoded.encoding, mode, columns or {})
    if columns:
        raise InvalidInput(
            "Columns can be named for CSV files; the items of a JSON file carry the names of their fields."
        )
    faults = Faults()
    placed = (read_json if kind == "json" else read_jsonl)(decoded.text, faults)
    faults.refuse_if_any()
    return ReadResult([item for _, item in placed], [place for place, _ in placed], kind, decoded.encoding)


def _kind(filename: str, text: str) -> Literal["table", "json", "jsonl"]:
    suffix = PurePath(filename).suffix.lower()
    if suffix in {".xlsx", ".xlsm", ".xls", ".ods", ".numbers"}:
        raise InvalidInput(XLSX_REFUSED.replace("XLSX", suffix.removeprefix(".").upper()))
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


def _from_table(text: str, encoding: str, mode: str, columns: Mapping[str, str]) -> ReadResult:
    faults = Faults()
    table = read_table(text, faults)
    header = list(table.columns)
    chosen = mapping.named(header, columns, faults)
    is_shopify = shopify.recognises(table)
    shop = {name: source for name, source in shopify.sources(mode).items() if is_shopify and name not in chosen}
    of_shop = set(chain.from_iterable(shop.values()))
    others = [column for column in header if column not in of_shop]
    single = mapping.guess(others, mode, chosen | dict.fromkeys(shop, ""))
    named = {name for name, column in columns.items() if column.strip()}
    mapping.require(header, mode, {*shop, *single} | named, faults)
    faults.refuse_if_any()
    placed: list[Placed] = []
    for row in shopify.products(table, faults) if is_shopify else table.rows:
        item: dict[str, Any] = {}
        for name, source in shop.items():
            shopify.put(item, name, [(column, table.cell(row, column)) for column in source])
        for name, column in single.items():
            fault = cells.put(item, name, table.cell(row, column))
            if fault:
                faults.add(f"rows.{row.line}.{name}", fault)
        placed.append(Placed(f"rows.{row.line}", item))
    faults.refuse_if_any()
    read = of_shop | set(single.values())
    return ReadResult(
        items=[item for _, item in placed],
        places=[place for place, _ in placed],
        source="shopify" if is_shopify else "tsv" if table.delimiter == "\t" else "csv",
        encoding=encoding,
        mapping={name: ", ".join(source) for name, source in shop.items()} | single,
        ignored=[column for column in header if column not in read],
    )
