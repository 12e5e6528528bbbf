"""What a scripted generator may answer: each a `Reply`, which can also be held back, cut off or never come."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

PAGE = b"<!doctype html><title>Welcome</title><p>This is not the page you are looking for.</p>"


@dataclass(frozen=True)
class Reply:
    """`cut`: how many bytes of the message are sent before the connection is closed, or before it `stalls`."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: int | None = None
    stalls: bool = False
    gate: asyncio.Event | None = None

    def held(self) -> Reply:
        """The same, but not before `release`."""
        return replace(self, gate=asyncio.Event())

    def release(self) -> None:
        assert self.gate is not None, "only a held reply can be released"
        self.gate.set()

    def message(self) -> bytes:
        headers = {"Content-Length": str(len(self.body)), **self.headers}
        lines = [f"HTTP/1.1 {self.status} Scripted", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


def answering(value: object, status: int = 200, **headers: str) -> Reply:
    """Any JSON value; header names are written with underscores."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    body = json.dumps(value, separators=(",", ":")).encode()
    return Reply(status, {"Content-Type": "application/json", **named}, body)


def success(content: object = "An article.", usage: object = None) -> Reply:
    more = {} if usage is None else {"usage": usage}
    return answering({"success": True, "content": content, **more})


def failure(error: object = "The model is overloaded.", retryable: bool | None = None) -> Reply:
    """`success: false`; without `retryable` where that is None."""
    told: dict[str, Any] = {"success": False, "error": error}
    return answering(told if retryable is None else {**told, "retryable": retryable})


def status(code: int, *, retry_after: str | None = None, error: str | None = None) -> Reply:
    """A refusal without a body, or with the contract's body where an `error` is given."""
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    if error is None:
        return Reply(code, headers)
    refusal = answering({"success": False, "error": error}, code)
    return replace(refusal, headers={**refusal.headers, **headers})


def raw(body: bytes, *, content_type: str = "application/json") -> Reply:
    return Reply(headers={"Content-Type": content_type}, body=body)


def html(code: int = 200) -> Reply:
    return Reply(code, {"Content-Type": "text/html"}, PAGE)


def empty(code: int = 200) -> Reply:
    return Reply(code)


def garbage() -> Reply:
    return raw(b'{"success": true, "content": "An arti')


def huge(size: int = 20 * 2**20) -> Reply:
    return raw(b'{"success":true,"content":"' + b"x" * size + b'"}')


def redirect(to: str) -> Reply:
    return Reply(302, {"Location": to})


def never() -> Reply:
    """The connection stays open, and nothing comes."""
    return success().held()


def stalled() -> Reply:
    """The answer begins, and does not go on."""
    return replace(success("An article. " * 100), cut=200, stalls=True)


def broken_off() -> Reply:
    """The connection is closed in the middle of the answer."""
    return replace(success("An article. " * 100), cut=200)


def closed() -> Reply:
    """The connection is closed before any answer."""
    return replace(success(), cut=0)
