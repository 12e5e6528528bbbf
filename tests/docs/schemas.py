"""Says in words what a JSON schema of the OpenAPI document asks for. Nothing is read here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.docs.markdown import code, table

Schema = Mapping[str, Any]
Link = Callable[[str], str]
"""From the name of a schema to a link to what is said of it."""

PREFIX = "#/components/schemas/"
HEADING = ("field", "type", "means")


def words(schema: Schema, link: Link) -> str:
    """A type in one line; what a schema of another name says is linked to."""
    if "$ref" in schema:
        return link(schema["$ref"].removeprefix(PREFIX))
    if "const" in schema:
        return code(json.dumps(schema["const"]))
    if "enum" in schema:
        return " or ".join(code(json.dumps(value)) for value in schema["enum"])
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " or ".join(dict.fromkeys(words(one, link) for one in schema[several]))
    match schema.get("type"):
        case "array":
            return f"list of {words(schema['items'], link)}" + _range(schema, "Items", " of them")
        case "object" if isinstance(schema.get("additionalProperties"), Mapping):
            return f"object of {words(schema['additionalProperties'], link)}"
        case "string" if schema.get("format") in ("date-time", "binary"):
            return {"date-time": "date", "binary": "file"}[schema["format"]]
        case "string":
            return "text" + _range(schema, "Length", " characters")
        case "integer" | "number" as kind:
            return {"integer": "whole number", "number": "number"}[kind] + _bounds(schema)
        case None:
            return "anything"
        case kind:
            return str(kind)


def fields(schema: Schema, link: Link) -> str:
    """A table of its fields, of each of its alternatives one; else its type in a line."""
    if "properties" in schema:
        return _table(schema, link)
    alternatives = [one for one in schema.get("anyOf", schema.get("oneOf", ())) if "properties" in one]
    if alternatives:
        return "\n\nor\n\n".join(_table(one, link) for one in alternatives)
    return words(schema, link)


def _table(schema: Schema, link: Link) -> str:
    """Without the last column where nothing is told."""
    rows = list(_rows(schema, link))
    shown = 3 if any(told for *_, told in rows) else 2
    return table(HEADING[:shown], (row[:shown] for row in rows))


def _rows(schema: Schema, link: Link) -> Iterator[tuple[str, str, str]]:
    required = schema.get("required", ())
    for name, field in schema["properties"].items():
        told = [field.get("description", "")]
        if name not in required and field.get("default") is not None:
            told.append(f"Without it {code(json.dumps(field['default']))}.")
        yield code(name) + ("" if name in required else "?"), words(field, link), " ".join(filter(None, told))


def _bounds(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    ends = (("more than", above), ("at least", low), ("at most", high), ("less than", below))
    parts = [f"{word} {_number(end)}" for word, end in ends if end is not None]
    if low is not None and high is not None:
        parts = [f"{_number(low)} to {_number(high)}"]
    return f" ({', '.join(parts)})" if parts else ""


def _number(value: float) -> str:
    return f"{int(value) if value == int(value) else value:,}"


def _range(schema: Schema, what: str, unit: str) -> str:
    low, high = schema.get(f"min{what}"), schema.get(f"max{what}")
    if high is not None:
        return f" ({low:,} to {high:,}{unit})" if low else f" (at most {high:,}{unit})"
    return f" (at least {low:,}{unit})" if low else ""
