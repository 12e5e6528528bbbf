"""Which trace a request belongs to, for all that is done for it: what it submits remembers that. It makes no span."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from jobs.tracing import Tracer, following, read


class Traced:
    """ASGI middleware. The trace of the server's span where one is made, else the one that the request has brought."""

    def __init__(self, app: ASGIApp, tracer: Tracer) -> None:
        self._app = app
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with following(self._tracer.traceparent or read(Headers(scope=scope).get("traceparent"))):
            await self._app(scope, receive, send)
