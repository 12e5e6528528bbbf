"""Pages and parts of pages from templates, with the headers that keep them to themselves. No page is known here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, RedirectResponse, Response

from service.auth.caller import Caller
from service.pages import wording

HERE = Path(__file__).parent.parent
STATIC = HERE / "static"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Vary": "HX-Request",
}

UNREAD: ContextVar[int | None] = ContextVar("UNREAD", default=None)
"""How many notices of the caller's are unread, for the navigation of the page that this request is answered with."""


def page(template: str, caller: Caller | None, status_code: int = 200, **context: Any) -> HTMLResponse:
    """A whole page. `caller` is None where nobody has signed in."""
    served_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    text = render(template, caller=caller, served_at=served_at, unread=UNREAD.get(), **context)
    return HTMLResponse(text, status_code=status_code, headers=HEADERS)


def fragment(shown: Markup) -> HTMLResponse:
    """What is put into a page that is there already."""
    return HTMLResponse(shown, headers=HEADERS)


def render(template: str, **context: Any) -> str:
    """A template's text. What it names and is not given is an error of ours."""
    return _as_text(ENVIRONMENT.get_template(template).render(context))


def part(template: str, name: str, *given: Any) -> Markup:
    """What the macro `name` of a template makes of these."""
    macro = getattr(ENVIRONMENT.get_template(template).module, name)
    return Markup(_as_text(macro(*given)))  # noqa: S704 - the macro has escaped what it was given


def parts(replaced: Mapping[str, str]) -> str:
    """By the id of the element that each takes the place of: for htmx, in an answer or in a message of a stream."""
    return "".join(
        f'<hx-partial hx-target="#{target}" hx-swap="outerMorph">{html}</hx-partial>'
        for target, html in replaced.items()
    )


def notice(sentence: str, *, wrong: bool = False) -> str:
    """Adds a sentence to those at the foot of the page."""
    shown = part("macros.html", "notice", sentence, wrong)
    return f'<hx-partial hx-target="#notices" hx-swap="beforeend">{shown}</hx-partial>'


def outcome(request: Request, sentence: str, back_to: str, replaced: Mapping[str, str] | None = None) -> Response:
    """The answer to a button: what came of it, and the changed parts of the page; without scripts the page anew."""
    if not is_htmx(request):
        return RedirectResponse(back_to, status_code=303, headers=HEADERS)
    return HTMLResponse(notice(sentence) + parts(replaced or {}), headers=HEADERS)


def elsewhere(request: Request, url: str) -> Response:
    """Leads to another page, with scripts and without."""
    if is_htmx(request):
        return Response(status_code=204, headers={**HEADERS, "HX-Redirect": url})
    return RedirectResponse(url, status_code=303, headers=HEADERS)


def is_htmx(request: Request) -> bool:
    return request.headers.get("hx-request") == "true"


@cache
def static_url(name: str) -> str:
    """With what its content hashes to, so that it may be kept for ever."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]
    return f"/static/{name}?v={digest}"


def _as_text(made: str) -> str:
    """Half of a surrogate pair, which JSON can say, would be no page at all, and the end of a stream."""
    return made if made.isascii() else made.encode("utf-8", "replace").decode()


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"static": static_url}
    environment.filters |= wording.FILTERS
    return environment


ENVIRONMENT = _environment()
