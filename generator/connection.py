"""A caller's connection: its body, within bounds, and its end. What is asked and answered does not matter here."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Coroutine, Iterable
from typing import Any, NoReturn, TypeVar

from starlette.requests import Request

from generator.errors import BodyTooLarge, BodyUnreadable, KeyMalformed

LARGEST_BODY = 1024 * 1024
LONGEST_KEY = 255
DEEPEST_BODY = 50

T = TypeVar("T")


async def read_body(request: Request) -> bytes:
    """Raises `BodyTooLarge` as soon as it is known, and starlette's `ClientDisconnect`."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > LARGEST_BODY:
        raise BodyTooLarge(LARGEST_BODY)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise BodyTooLarge(LARGEST_BODY)
    return bytes(body)


def read_object(body: bytes) -> dict[str, Any]:
    """Raises `BodyUnreadable`."""
    try:
        value = json.loads(body.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise BodyUnreadable(reason) from error
    if not isinstance(value, dict):
        raise BodyUnreadable("it is another kind of value")
    if _deeper_than(DEEPEST_BODY, value):
        raise BodyUnreadable("it is nested too deeply")
    return value


def read_key(request: Request) -> str | None:
    """The Idempotency-Key, if there is one. Raises `KeyMalformed`."""
    key = request.headers.get("idempotency-key")
    if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise KeyMalformed(LONGEST_KEY)
    return key


def canonical_hash(*parts: object) -> str:
    """The same for JSON values that mean the same, however they are spaced and ordered."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


async def unless_hung_up(request: Request, work: Coroutine[Any, Any, T]) -> T | None:
    """What `work` returns or raises; or None, with the work cancelled, as soon as the caller is gone.

    The body must have been read.
    """
    working = asyncio.create_task(work, name=f"work for {request.url.path}")
    watching = asyncio.create_task(_hung_up(request), name=f"watch over {request.url.path}")
    try:
        await asyncio.wait([working, watching], return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        working.cancel()
        watching.cancel()
        await asyncio.gather(working, watching, return_exceptions=True)


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _deeper_than(levels: int, value: object) -> bool:
    layer = [value]
    for _ in range(levels):
        layer = [inner for outer in layer for inner in _inside(outer)]
    return bool(layer)


def _inside(value: object) -> Iterable[object]:
    match value:
        case dict():
            return value.values()
        case list():
            return value
        case _:
            return ()


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
