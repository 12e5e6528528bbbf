"""Parts of a page that the browser asks for again every few seconds: answered only where something has changed.

For what no stream tells of: nothing is kept here for those who look, and a hidden page does not ask.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from service.pages import html


def mark(state: str) -> Markup:
    """What the browser sends back to say which state it shows; a page that asks again has one."""
    return html.part("polling.html", "mark", _digest(state))


def with_mark(state: str, shown: Mapping[str, str]) -> dict[str, str]:
    return {**shown, "seen": mark(state)}


def answer(seen: str, state: str, render: Callable[[], Mapping[str, str]]) -> Response:
    """To a browser that has `seen` something: what is rendered, unless it shows this state already."""
    if seen == _digest(state):
        return Response(status_code=204, headers=html.HEADERS)
    return HTMLResponse(html.parts(with_mark(state, render())), headers=html.HEADERS)


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()[:16]
