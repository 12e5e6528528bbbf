"""Pasted lines as articles, and articles as lines again. What an article may be about is not judged here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from jobs.documents import MODES
from service.pages.request_form import FOR_EVERY_ITEM, list_of

SEPARATOR = "---"
_URL = re.compile(r"https?://\S+")


class Pasted(NamedTuple):
    """`lines[n]` is the line, from 1, on which item n begins."""

    items: list[dict[str, Any]]
    lines: list[int]


def items_in(text: str, mode: str) -> Pasted:
    """An article a line. To rewrite: an address a line, or texts with a line of `---` between two."""
    entries = list(_blocks(text) if mode == "spin" else _lines(text))
    return Pasted([_item(entry, mode) for _, entry in entries], [line for line, _ in entries])


def as_lines(items: Sequence[Mapping[str, Any]], mode: str) -> tuple[str, dict[str, Any]] | None:
    """The text that `items_in` makes these items of, and what holds for all of them; None where they say more."""
    subjects = MODES.get(mode, ())
    common = {name: items[0][name] for name in FOR_EVERY_ITEM if name in items[0]} if items else {}
    told = []
    for item in items:
        named = [name for name in subjects if name in item]
        if len(named) != 1 or item.keys() - {named[0]} != common.keys() or any(item[n] != common[n] for n in common):
            return None
        value = item[named[0]]
        told.append(", ".join(map(str, value)) if isinstance(value, list) else str(value))
    text = f"\n{SEPARATOR}\n".join(told) if any("\n" in entry for entry in told) else "\n".join(told)
    again = items_in(text, mode).items
    return (text, common) if again == [_without(item, common) for item in items] else None


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, line.strip()


def _blocks(text: str) -> Iterator[tuple[int, str]]:
    lines = text.split("\n")
    if SEPARATOR not in map(str.strip, lines):
        every = list(_lines(text))
        if all(_URL.fullmatch(line) for _, line in every):
            yield from every
            return
    block: list[str] = []
    begins = 1
    for number, line in enumerate([*lines, SEPARATOR], 1):
        if line.strip() != SEPARATOR:
            if not any(map(str.strip, block)):
                begins = number
            block.append(line)
        else:
            if any(map(str.strip, block)):
                yield begins, "\n".join(block).strip()
            block = []


def _item(entry: str, mode: str) -> dict[str, Any]:
    match mode:
        case "keywords":
            return {"keywords": list_of(entry)}
        case "trends":
            return {"trend": entry}
        case "spin":
            return {"source_url" if _URL.fullmatch(entry) else "source_text": entry}
        case _:
            return {"topic": entry}


def _without(item: Mapping[str, Any], common: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in common}
