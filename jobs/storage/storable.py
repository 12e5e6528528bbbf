"""Whether MongoDB takes a value: what a generator or a stage gave is looked at before it is written."""

from __future__ import annotations

import bson
from bson.errors import InvalidDocument, InvalidStringData

MAX_VALUE_BYTES = 8 * 2**20
MAX_VALUE_DEPTH = 92
"""Below MongoDB's own 100, for the value stands some levels deep inside a document."""


def why_not_storable(value: object, most_bytes: int = MAX_VALUE_BYTES) -> str | None:
    """Why MongoDB would refuse this value; None where it takes it."""
    if _is_deeper_than(value, MAX_VALUE_DEPTH):
        return f"is nested more than {MAX_VALUE_DEPTH} levels deep"
    try:
        size = size_of(value)
    except (InvalidDocument, InvalidStringData, OverflowError, ValueError, RecursionError, TypeError) as error:
        return f"holds what cannot be stored ({error})"[:200]
    return None if size <= most_bytes else f"has more than {most_bytes / 2**20:g} MB"


def size_of(value: object) -> int:
    """In bytes, as it is stored."""
    return len(bson.encode({"value": value}))


def _is_deeper_than(value: object, levels: int) -> bool:
    if not isinstance(value, dict | list | tuple):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper_than(item, levels - 1) for item in inner)
