"""The reference of the HTTP API: its routes, and the bodies that they take and answer, made of the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pressrun.openapi import document
from tests.docs.markdown import code, page, table
from tests.docs.schemas import Schema, fields, words

READING = "`?` behind a field: it may be left out. What fields mean, and how it all behaves: [the API](../api.md)."
ERRORS = """Errors are always JSON: [`ErrorBody`](bodies.md#errorbody), that is
`{"error": "sentence", "details": [{"path", "message"}]}`. Each route may answer 400 (invalid input), 401, 403, 404, 429
and 503 (with `Retry-After` where a repeat may succeed), and 500; one that writes also 409, 413 and 415 (not JSON)."""
EVERYWHERE = {"400", "401", "403", "404", "409", "413", "415", "429", "500", "503", "default"}


@cache
def the_document() -> Mapping[str, Any]:
    return document()


def http_page() -> str:
    told = the_document()
    groups = {tag["name"]: tag["description"] for tag in told["tags"]}
    parts = [part for name, text in groups.items() for part in (f"## {name.capitalize()}", text, *_group(name))]
    return page("# HTTP API: routes", READING, ERRORS, *parts)


def bodies_page() -> str:
    schemas: Mapping[str, Schema] = the_document()["components"]["schemas"]
    parts = [
        part
        for name, schema in sorted(schemas.items())
        for part in (f"## {name}", schema.get("description", ""), fields(schema, _beside))
    ]
    return page("# HTTP API: bodies", READING, *parts)


def _group(tag: str) -> Iterator[str]:
    for path, operations in the_document()["paths"].items():
        for method, operation in operations.items():
            if tag in operation["tags"]:
                yield from _operation(f"{method.upper()} {path}", operation)


def _operation(name: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"### {code(name)}"
    yield operation.get("description", "")
    yield table(("parameter", "in", "type"), map(_parameter, operation.get("parameters", ())))
    if "requestBody" in operation:
        content = operation["requestBody"]["content"]
        yield f"Takes {_content(content)}."
        yield from (fields(body["schema"], _linked) for body in content.values() if "properties" in body["schema"])
    for status, answer in operation["responses"].items():
        if status not in EVERYWHERE:
            yield f"Answers {status} with {_content(answer['content'])}."


def _parameter(parameter: Mapping[str, Any]) -> tuple[str, str, str]:
    optional = "" if parameter.get("required") else "?"
    return code(parameter["name"]) + optional, parameter["in"], words(parameter["schema"], _linked)


def _content(content: Mapping[str, Mapping[str, Any]]) -> str:
    return ", or ".join(f"{words(body['schema'], _linked)} ({code(kind)})" for kind, body in content.items())


def _beside(name: str) -> str:
    return f"[`{name}`](#{name.lower()})"


def _linked(name: str) -> str:
    return f"[`{name}`](bodies.md#{name.lower()})"
