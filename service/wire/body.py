"""What a request body may be at all, before a route sees it: its size, its type, and whose it is where it is large.

What JSON may be is judged in `service/wire/json_body.py`, what a route wants of it in `service/schemas/requests.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jobs.errors import PressrunError
from service.refusals import BodyTooLarge, NotAForm, NotJson
from service.wire.json_body import check_storable, json_of
from service.wire.problems import Shown, as_json, problem

MAX_BODY_BYTES = 8 * 2**20
MAX_FORM_BYTES = MAX_BODY_BYTES + 2**20
"""A file of as many bytes as a body may have, and what is said of it."""

FORM_PATHS = frozenset({"/api/bulk-generate/upload"})
"""The only addresses that take a form, and nothing else."""

UNREADABLE = "The form cannot be read."
NOT_UTF8 = "send its text as UTF-8"
"""A form names its own encoding, and not every one that Python knows tells in the same way what it cannot read."""

MAX_DRAINED_BYTES = 4 * MAX_BODY_BYTES
LARGE_BYTES = 64 * 2**10
"""Nobody has to be known for so much to be kept and looked through; and it takes no longer than a request may."""

BODY_METHODS = {"POST", "PUT", "PATCH", "DELETE"}


class BodyGuard:
    """ASGI middleware: a body that is no acceptable JSON is answered here, and never reaches a route.

    Of a form only its size and its type are judged: what is in it is for `service/uploads/upload_form.py`. `admit`
    raises `Unauthorized` for who is not known, and is asked before more than `LARGE_BYTES` of theirs is kept.
    """

    def __init__(self, app: ASGIApp, *, admit: Callable[[Request], Awaitable[object]], shown: Shown = as_json) -> None:
        self._app = app
        self._admit = admit
        self._shown = shown

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in BODY_METHODS:
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            body = await self._read(request, receive)
            await _check(request, body)
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

    async def _read(self, request: Request, receive: Receive) -> bytes:
        """The whole body. One that is refused is read off first: some proxies turn an early answer into a 500."""
        most = MAX_FORM_BYTES if request.scope["path"] in FORM_PATHS else MAX_BODY_BYTES
        body = bytearray()
        size = 0
        refusal: PressrunError | None = None
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            chunk = message.get("body", b"")
            if refusal is None and size <= LARGE_BYTES < size + len(chunk):
                refusal = await self._refusal(request)
            size += len(chunk)
            if refusal is None and size > most:
                refusal = BodyTooLarge(MAX_BODY_BYTES // 2**20)
            if refusal is None:
                body += chunk
            else:
                body.clear()
            if not message.get("more_body") or size > MAX_DRAINED_BYTES:
                break
        if refusal is not None:
            raise refusal
        return bytes(body)

    async def _refusal(self, request: Request) -> PressrunError | None:
        try:
            await self._admit(request)
        except PressrunError as error:
            return error
        return None


async def _check(request: Request, body: bytes) -> None:
    """Forms of pages are read in `service/pages/forms.py`."""
    content_type = request.headers.get("content-type", "")
    if not body:
        return
    if request.scope["path"] in FORM_PATHS:
        check_form(content_type)
    elif request.scope["path"].startswith("/api/"):
        if len(body) > LARGE_BYTES:
            await asyncio.to_thread(check_body, content_type, body)
        else:
            check_body(content_type, body)


def check_form(content_type: str) -> None:
    """Raises `NotAForm`."""
    if content_type.partition(";")[0].strip().lower() != "multipart/form-data":
        raise NotAForm


def check_body(content_type: str, body: bytes) -> None:
    """Raises `NotJson` for another type, `InvalidInput` for broken JSON or text that cannot be stored."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise NotJson
    check_storable(json_of(body))
