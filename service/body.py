"""What a request body may be at all, before anything is read from it: its size, its type, its JSON, its text.

What a route wants of it is in `service/requests.py`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jobs.errors import Fault, InvalidInput, PressrunError
from service.problems import BodyTooLarge, NotAForm, NotJson, Shown, as_json, problem

MAX_BODY_BYTES = 8 * 2**20
MAX_FORM_BYTES = MAX_BODY_BYTES + 2**20
"""A file of as many bytes as a body may have, and what is said of it."""

FORM_PATHS = frozenset({"/api/bulk-generate/upload"})
"""The only addresses that take a form, and nothing else."""

MAX_DRAINED_BYTES = 4 * MAX_BODY_BYTES
MAX_DEPTH = 20
MAX_KEYS = 1_000
MAX_FAULTS = 50
BODY_METHODS = {"POST", "PUT", "PATCH", "DELETE"}


class BodyGuard:
    """ASGI middleware: a body that is no acceptable JSON is answered here, and never reaches a route.

    Of a form only its size and its type are judged: what is in it is for `service/upload_form.py`.
    """

    def __init__(self, app: ASGIApp, shown: Shown = as_json) -> None:
        self._app = app
        self._shown = shown

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in BODY_METHODS:
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        content_type = request.headers.get("content-type", "")
        takes_form = scope["path"] in FORM_PATHS
        try:
            body = await _read(receive, MAX_FORM_BYTES if takes_form else MAX_BODY_BYTES)
            if body and takes_form:
                check_form(content_type)
            elif body and scope["path"].startswith("/api/"):  # forms of pages are read in service/pages/forms.py
                check_body(content_type, body)
        except ClientDisconnect:
            return  # what came of the body says less than its sender meant
        except PressrunError as error:
            await problem(request, error, self._shown)(scope, receive, send)
            return
        replayed = False

        async def replay() -> Message:
            nonlocal replayed
            if replayed:
                return await receive()
            replayed = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, replay, send)


async def _read(receive: Receive, most: int) -> bytes:
    """The whole body. One that is too large is read off first: some proxies turn an early answer into a 500."""
    body = bytearray()
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= most:
            body += chunk
        if not message.get("more_body") or size > MAX_DRAINED_BYTES:
            break
    if size > most:
        raise BodyTooLarge(MAX_BODY_BYTES // 2**20)
    return bytes(body)


def check_form(content_type: str) -> None:
    """Raises `NotAForm`."""
    if content_type.partition(";")[0].strip().lower() != "multipart/form-data":
        raise NotAForm


def check_body(content_type: str, body: bytes) -> None:
    """Raises `NotJson` for another type, `InvalidInput` for broken JSON or text that cannot be stored."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise NotJson
    check_storable(json_of(body))


def json_of(body: bytes) -> Any:
    """Raises `InvalidInput` for what is no strict JSON: no key twice, no NaN, UTF-8."""
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=_without_repeats)
    except UnicodeDecodeError:
        raise InvalidInput("The body is not UTF-8 text.", (Fault("", "send JSON as UTF-8"),)) from None
    except RecursionError:
        raise InvalidInput("The body is nested too deeply.", (_too_deep(""),)) from None
    except json.JSONDecodeError as error:
        raise _no_json(str(error)) from None
    except ValueError:
        raise _no_json("a number has too many digits") from None


def check_storable(value: object) -> None:
    """Raises `InvalidInput` for text, keys, numbers or a depth that cannot be stored."""
    faults = []
    for fault in _text_faults(value, "", 0):
        faults.append(fault)
        if len(faults) == MAX_FAULTS:
            break
    if faults:
        raise InvalidInput("The body holds text or keys that cannot be stored.", tuple(faults))


def _no_json(why: str) -> InvalidInput:
    return InvalidInput("The body is not valid JSON.", (Fault("", why),))


def _refuse_constant(name: str) -> None:
    raise _no_json(f"{name} is not a JSON number")


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise _no_json(f"the key {repeated[:80]!r} stands twice in one object")
    return found


def _text_faults(value: Any, path: str, depth: int) -> Iterator[Fault]:
    if depth > MAX_DEPTH:
        yield _too_deep(path)
        return
    match value:
        case str():
            if (why := why_no_text(value)) is not None:
                yield Fault(path, why)
        case int():
            if not -(2**63) <= value < 2**63:
                yield Fault(path, "must be a number of at most 64 bits")
        case float() if not math.isfinite(value):  # 1e999 is JSON, and read as infinite
            yield Fault(path, "must be a number that a double can hold")
        case list():
            for position, item in enumerate(value):
                yield from _text_faults(item, _joined(path, str(position)), depth + 1)
        case dict():
            yield from _object_faults(value, path, depth)


def _object_faults(value: dict[str, Any], path: str, depth: int) -> Iterator[Fault]:
    if len(value) > MAX_KEYS:
        yield Fault(path, f"must not have more than {MAX_KEYS} keys")
        return
    for key, item in value.items():
        if (why := _why_no_key(key)) is not None:
            yield Fault(_joined(path, key.encode("utf-8", "replace").decode()[:80]), why)
        else:
            yield from _text_faults(item, _joined(path, key), depth + 1)


def why_no_text(text: str) -> str | None:
    """What in it cannot be stored."""
    if "\0" in text:
        return "must not hold a NUL character"
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "must not hold half of a surrogate pair"
    return None


def _why_no_key(key: str) -> str | None:
    if not key or key.startswith("$") or "." in key:
        return "a key must not be empty, begin with $ or hold a dot"
    return why_no_text(key)


def _joined(path: str, part: str) -> str:
    return f"{path}.{part}" if path else part


def _too_deep(path: str) -> Fault:
    return Fault(path[:200], f"must not be nested more than {MAX_DEPTH} deep")
