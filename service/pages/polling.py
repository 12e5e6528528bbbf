"""Parts of a page that the browser asks for again every few seconds: answered only where they have changed.

For what no stream tells of: nothing is kept here for those who look, and who does not look is not asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from service.pages import html


def mark(shown: Mapping[str, str]) -> Markup:
    """What tells later whether the browser still shows the same; a page with parts like these has it once."""
    return html.part("polling.html", "mark", _digest(shown))


def with_mark(shown: Mapping[str, str]) -> dict[str, str]:
    return {**shown, "seen": mark(shown)}


def answer(seen: str, shown: Mapping[str, str], announcement: str | None = None) -> Response:
    """To a browser that has `seen` something; the announcement is read out where something has changed."""
    if seen == _digest(shown):
        return Response(status_code=204, headers=html.HEADERS)
    said = {"announcement": html.part("polling.html", "announcement", announcement)} if announcement else {}
    return HTMLResponse(html.parts({**with_mark(shown), **said}), headers=html.HEADERS)


def _digest(shown: Mapping[str, str]) -> str:
    return hashlib.sha256("".join(shown.values()).encode()).hexdigest()[:16]
