"""The files that pages are dressed with, kept by browsers as long as their address stays; pages are compressed."""

from __future__ import annotations

from os import PathLike, stat_result

from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from service.pages.html import STATIC


class Files(StaticFiles):
    """An address that names the content's hash never changes its content."""

    def __init__(self) -> None:
        super().__init__(directory=STATIC)

    def file_response(
        self, full_path: str | PathLike[str], stat_result: stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        answer = super().file_response(full_path, stat_result, scope, status_code)
        versioned = scope["query_string"].startswith(b"v=")
        answer.headers["Cache-Control"] = "public, max-age=31536000, immutable" if versioned else "no-cache"
        answer.headers["X-Content-Type-Options"] = "nosniff"
        return answer


class CompressedPages(GZipMiddleware):
    """Answers of the API are left alone: results are streamed, and proxies compress better."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        of_api = scope["type"] == "http" and scope["path"].startswith("/api/")
        await (self.app if of_api else super().__call__)(scope, receive, send)
