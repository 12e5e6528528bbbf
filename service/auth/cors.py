"""CORS: pages of the listed origins may call the API and read its answers, with the browser's cookies. No others may.

Starlette's middleware does it. It must stand outside of whatever may refuse a request: a preflight has no credentials
and no body, and a page can only tell why it was refused where the refusal says as well that it may be read.
"""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from service.wire.json_response import JsonResponse

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
TAKEN = ("Content-Type", "Idempotency-Key", "Authorization", "Last-Event-ID")
SHOWN = ("Retry-After", "Location", "Content-Disposition")
KEPT_SECONDS = 600


class Cors(CORSMiddleware):
    """For the API alone: no page of ours is for another to read."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=METHODS,
            allow_headers=TAKEN,
            expose_headers=SHOWN,
            allow_credentials=True,
            max_age=KEPT_SECONDS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        of_api = scope["type"] == "http" and scope["path"].startswith("/api/")
        await (super().__call__ if of_api else self.app)(scope, receive, send)

    def preflight_response(self, request_headers: Headers) -> Response:
        answer = super().preflight_response(request_headers)
        if answer.status_code < 400:
            return answer
        sentence = "Pages of this origin may not call the API: it is not in PRESSRUN_AUTH__ORIGINS."
        if self.is_allowed_origin(request_headers["origin"]):
            sentence = "The API takes no such method or header from a page."
        return JsonResponse({"error": sentence}, status_code=403, headers={"Vary": "Origin"})
