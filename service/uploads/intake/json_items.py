"""Reads JSON and JSONL files strictly (no repeated keys, no NaN); an item's fields are not known here."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from jobs.errors import InvalidInput
from service.uploads.intake.faults import Faults
from service.wire.json_size import MAX_VALUES, holds_too_many_values

MAX_ITEMS = 100_000
HALF = "must not hold half of a surrogate pair"


class Placed(NamedTuple):
    """An item and the path that tells a person where it stands: `items.0`, `rows.12`."""

    place: str
    item: dict[str, Any]


class _Repeating(dict[str, Any]):
    """An object in which a key stands more than once; `key` is the first such."""

    key: str


def read_json(text: str, faults: Faults) -> list[Placed]:
    """The items of `[...]` or `{"items": [...]}`. Raises InvalidInput for anything else."""
    try:
        document = _loads(text)
    except ValueError as fault:
        raise InvalidInput(f"The file is not valid JSON: {_reason(fault)}.") from None
    found = _items(document)
    if not found:
        raise InvalidInput("The file holds no items.")
    if len(found) > MAX_ITEMS:
        raise InvalidInput(f"The file has more than {MAX_ITEMS:,} items.")
    return [
        Placed(f"items.{index}", item) for index, item in enumerate(found) if _is_sound(item, f"items.{index}", faults)
    ]


def read_jsonl(text: str, faults: Faults) -> list[Placed]:
    """An item a line. Raises InvalidInput beyond 100,000 lines."""
    placed: list[Placed] = []
    # Not splitlines: U+2028 may stand in a JSON string.
    lines = ((number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip())
    for count, (number, line) in enumerate(lines, 1):
        if count > MAX_ITEMS:
            raise InvalidInput(f"The file has more than {MAX_ITEMS:,} lines.")
        place = f"rows.{number}"
        try:
            item = _loads(line)
        except ValueError as fault:
            faults.add(place, f"the line is not valid JSON: {_reason(fault, in_one_line=True)}")
            continue
        if _is_sound(item, place, faults):
            placed.append(Placed(place, item))
    return placed


def _loads(text: str) -> Any:
    if holds_too_many_values(text):
        raise ValueError(f"it holds more than {MAX_VALUES:,} values")
    try:
        return json.loads(text, object_pairs_hook=_object)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) == len(pairs):
        return result
    repeating = _Repeating(result)
    seen: set[str] = set()
    repeating.key = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
    return repeating


def _items(document: Any) -> list[Any]:
    if isinstance(document, list):
        return document
    if not isinstance(document, dict) or not isinstance(document.get("items"), list):
        raise InvalidInput('A JSON file holds a list, [...] or {"items": [...]}; with an item a line, name it .jsonl.')
    if isinstance(document, _Repeating):
        raise InvalidInput(f"The key '{document.key}' stands more than once beside the items.")
    others = ", ".join(f"'{key}'" for key in document if key != "items")
    if others:
        raise InvalidInput(f"Beside 'items' the file holds {others}, which cannot be given in a file.")
    items: list[Any] = document["items"]
    return items


def _is_sound(item: Any, place: str, faults: Faults) -> bool:
    if not isinstance(item, dict):
        faults.add(place, "an item is a JSON object, {...}")
        return False
    flaws = list(_flaws(item, place))
    for path, message in flaws:
        faults.add(path, message)
    return not flaws


def _flaws(item: dict[str, Any], place: str) -> Iterator[tuple[str, str]]:
    waiting: list[tuple[str, Any]] = [(place, item)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, float) and not math.isfinite(value):
            yield path, "NaN, Infinity and numbers beyond their range are not JSON"
        elif isinstance(value, str) and not _is_text(value):
            yield path, HALF
        elif isinstance(value, list):
            waiting += reversed([(f"{path}.{index}", child) for index, child in enumerate(value)])
        elif isinstance(value, dict):
            if isinstance(value, _Repeating):
                yield path, f"the key '{value.key}' stands more than once"
            if not all(map(_is_text, value)):
                yield path, f"a key {HALF}"
            waiting += reversed([(f"{path}.{key}", child) for key, child in value.items()])


def _is_text(value: str) -> bool:
    """JSON can write what no text is."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _reason(fault: ValueError, *, in_one_line: bool = False) -> str:
    if not isinstance(fault, json.JSONDecodeError):
        return "a number has too many digits" if "digits" in str(fault) else str(fault)
    if in_one_line:
        return f"{fault.msg} in column {fault.colno}"
    if fault.msg == "Extra data":
        return f"something follows the end in line {fault.lineno} (with an item a line, name the file .jsonl)"
    return f"{fault.msg} in line {fault.lineno}, column {fault.colno}"
