"""Reads Shopify's product export as one item a product; other tables are not known here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from service.uploads.intake import cells
from service.uploads.intake.faults import Faults
from service.uploads.intake.html_text import text_of
from service.uploads.intake.table import Row, Table

HANDLE, TITLE, BODY, VENDOR, TYPE, TAGS = "Handle", "Title", "Body (HTML)", "Vendor", "Type", "Tags"
COLUMNS: Final = (HANDLE, TITLE, BODY, VENDOR, TYPE, TAGS)
_LABELS: Final = (TYPE, VENDOR, TAGS)
_SHARED: Final[Mapping[str, tuple[str, ...]]] = {
    "keywords": _LABELS,
    "context": (BODY,),
    "external_id": (HANDLE,),
}
_FIELDS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "topic": {"topic": (TITLE,), **_SHARED},
    "keywords": {**_SHARED, "keywords": (TITLE, *_LABELS)},
    "trends": _SHARED,
    "spin": {"source_text": (BODY,), "keywords": _LABELS, "external_id": (HANDLE,)},
}


def recognises(table: Table) -> bool:
    return all(column in table.columns for column in COLUMNS)


def sources(mode: str) -> Mapping[str, tuple[str, ...]]:
    """For each field of an item the columns it is made from."""
    return _FIELDS[mode]


def products(table: Table, faults: Faults) -> Iterator[Row]:
    """One row a product: the first of its Handle that has a Title; the others are variants and images."""
    titled: dict[str, Row] = {}
    first: dict[str, Row] = {}
    for row in table.rows:
        handle = table.cell(row, HANDLE)
        if not handle:
            faults.add(f"rows.{row.line}", "the row has no Handle, so it belongs to no product")
            continue
        first.setdefault(handle, row)
        if table.cell(row, TITLE):
            titled.setdefault(handle, row)
    for handle, row in first.items():
        if handle in titled:
            yield titled[handle]
        else:
            faults.add(f"rows.{row.line}", f"no row of the product '{handle}' has a Title")


def put(item: dict[str, Any], field: str, texts: Sequence[tuple[str, str]]) -> None:
    """Sets a field from its columns and their cells; empty ones set nothing."""
    if field == "keywords":
        parts = [part for column, text in texts for part in (cells.split(text) if column == TAGS else [text])]
        value: list[str] | str = cells.unique(parts)
    else:
        value = " ".join(text_of(text) if column == BODY else text for column, text in texts)
    if value:
        item[field] = value
