"""What a person sees where something went wrong: a page, or a sentence on the page they are on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote, urlsplit

from fastapi import Request
from starlette.responses import HTMLResponse, Response

from jobs.errors import Fault
from service.pages import html

TITLES = {
    400: "That cannot be taken",
    403: "Not allowed",
    404: "Nothing here",
    409: "Not possible now",
    413: "Too large",
    429: "Too many at once",
    503: "Just a moment",
}
NOT_PAGES = ("/api/", "/static/", "/openapi.json", "/healthz", "/readyz")


def wants_page(request: Request) -> bool:
    """Whether a browser asks, for something that people look at."""
    looked_at = html.is_htmx(request) or "text/html" in request.headers.get("accept", "")
    return looked_at and not request.url.path.startswith(NOT_PAGES)


def _page_of(request: Request) -> str:
    """Where the person is: a page may have asked for a part of itself, by an address that shows no page."""
    asking = urlsplit(request.headers.get("hx-current-url", "")).path if html.is_htmx(request) else ""
    return asking or (request.url.path if request.method == "GET" else "/")


def error_page(
    request: Request, code: int, sentence: str, faults: Sequence[Fault], headers: Mapping[str, str]
) -> Response:
    """Without a caller: who it is may be what went wrong."""
    if code == 401:
        return html.elsewhere(request, f"/sign-in?next={quote(_page_of(request))}")
    if html.is_htmx(request):
        said = " ".join(
            [sentence, *(f"{fault.path}: {fault.message}" if fault.path else fault.message for fault in faults)]
        )
        return HTMLResponse(html.notice(said, wrong=True), status_code=code, headers={**html.HEADERS, **headers})
    title = TITLES.get(code, "Something went wrong")
    shown = html.page("error.html", None, code, title=title, sentence=sentence, faults=faults)
    shown.headers.update(headers)
    return shown
