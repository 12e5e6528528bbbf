"""Every answer that a test of the API is given, held against the OpenAPI document: it says truly what is answered."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

import httpx2
import jsonschema_rs

from pressrun import openapi

SLASHES_IN = ("{tenant}",)
"""Parameters that may hold slashes."""


async def conforms(response: httpx2.Response) -> None:
    """For the event hooks of a client. What is no answer of a declared operation is let through."""
    operation = _operation(response.request.method, response.request.url.path)
    if operation is None:
        return
    name, code = operation["operationId"], str(response.status_code)
    said = _resolved(operation["responses"].get(code) or operation["responses"]["default"])
    kind = response.headers["content-type"].partition(";")[0]
    assert kind in said["content"], f"{name} does not declare that {code} is {kind}"
    if kind == "application/json":
        await response.aread()
        wrong = [
            f"{'/'.join(str(part) for part in fault.instance_path)}: {fault.message}"
            for fault in _validator(name, code).iter_errors(response.json())
        ]
        assert not wrong, f"{name} {code} is not as the document says: {wrong[:5]}"


@functools.cache
def _document() -> dict[str, Any]:
    return openapi.document()


@functools.cache
def _operations() -> list[tuple[str, re.Pattern[str], dict[str, Any]]]:
    """Those without parameters first: `/api/jobs/{job_id}` is not `/api/jobs/x`, where that is declared."""
    paths = sorted(_document()["paths"].items(), key=lambda declared: declared[0].count("{"))
    return [
        (method.upper(), _pattern(path), operation) for path, methods in paths for method, operation in methods.items()
    ]


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"(\{[^}]+\})", path)
    return re.compile("".join(_of_part(part) for part in parts))


def _of_part(part: str) -> str:
    if not part.startswith("{"):
        return re.escape(part)
    return ".+" if part in SLASHES_IN else "[^/]+"


def _operation(method: str, path: str) -> Mapping[str, Any] | None:
    found = (operation for taken, pattern, operation in _operations() if taken == method and pattern.fullmatch(path))
    return next(found, None)


def _resolved(part: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in part:
        target: Any = _document()
        for name in part["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        part = target
    return part


@functools.cache
def _validator(name: str, code: str) -> jsonschema_rs.Validator:
    operation = next(operation for _, _, operation in _operations() if operation["operationId"] == name)
    said = _resolved(operation["responses"].get(code) or operation["responses"]["default"])
    schema = said["content"]["application/json"]["schema"]
    whole = {**schema, "components": _document()["components"]}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
