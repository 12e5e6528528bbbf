"""Turns the text of a cell into the value of an item's field; whether it is allowed is decided elsewhere."""

from __future__ import annotations

import re
from typing import Any

LISTS = frozenset({"keywords"})
NUMBERS = frozenset({"word_count", "metadata.sku_count", "metadata.monthly_searches"})
CHOICES = frozenset({"page_type", "metadata.content_status"})

FORMULA_ERRORS = frozenset(
    {"#N/A", "#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#FIELD!"}
)
_NUMBER = re.compile(r"-?(?:[0-9]{1,15}|[0-9]{1,3}(?:([,' \u00a0\u202f\u2019])[0-9]{3})(?:\1[0-9]{3}){0,3})(?:\.0)?")


def put(item: dict[str, Any], field: str, text: str) -> str | None:
    """Sets the field, nested for `metadata.x`; an empty cell sets nothing.

    The answer is what is wrong with the cell, or None.
    """
    value: Any = text
    if text in FORMULA_ERRORS:
        return f"'{text}' is what a formula shows that has failed: mend it in the spreadsheet"
    if field in LISTS:
        value = split(text)
    elif field in CHOICES:
        value = text.lower()
    elif field in NUMBERS and text:
        if not _NUMBER.fullmatch(text):
            shown = text if len(text) <= 40 else text[:40] + "…"
            return f"'{shown}' is not a whole number"
        value = int(re.sub(r"\.0\Z|[^0-9-]", "", text))
    if value not in ("", []):
        group, _, name = field.rpartition(".")
        target = item.setdefault(group, {}) if group else item
        target[name] = value
    return None


def split(text: str) -> list[str]:
    """The parts between commas, semicolons, bars and line ends: no empty ones, none twice, order kept."""
    return unique(re.split(r"[,;|\n]", text))


def unique(texts: list[str]) -> list[str]:
    """Trimmed, without empty ones and without what differs from an earlier one by case alone."""
    kept: dict[str, str] = {}
    for text in texts:
        trimmed = text.strip()
        if trimmed:
            kept.setdefault(trimmed.casefold(), trimmed)
    return list(kept.values())
