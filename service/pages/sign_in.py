"""The pages where somebody signs in with an API key, and out again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from service.auth.callers import Authentication
from service.auth.cookie import COOKIE, forget_key, keep_key
from service.pages import html
from service.pages.forms import form_of
from service.problems import Unauthorized

router = APIRouter(include_in_schema=False)
MOST_BYTES = 10_000
"""Of the key, and of where it leads: anybody may send them."""

Next = Annotated[str, Query(alias="next", max_length=2_000)]


@router.get("/sign-in")
async def show_sign_in(request: Request, then: Next = "/") -> Response:
    authentication: Authentication = request.app.state.authentication
    try:
        await authentication.caller(request)
    except Unauthorized:
        return html.page("sign_in.html", None, then=_own(then), wrong=None)
    return RedirectResponse(_own(then), status_code=303)


@router.post("/sign-in")
async def sign_in(request: Request) -> Response:
    """The key is kept in a cookie that no script can read."""
    form = await form_of(request, MOST_BYTES)
    key, then = form.get("key", ""), _own(form.get("next", "/"))
    authentication: Authentication = request.app.state.authentication
    try:
        await authentication.caller(_with_key(request, key))
    except Unauthorized:
        wrong = "This is no key, or it was revoked. Make one with: pressrun keys create --user NAME --scope write"
        return html.page("sign_in.html", None, 401, then=then, wrong=wrong)
    answer = RedirectResponse(then, status_code=303, headers=html.HEADERS)
    keep_key(answer, key, request)
    return answer


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    answer = RedirectResponse("/sign-in", status_code=303, headers=html.HEADERS)
    if COOKIE in request.cookies:
        forget_key(answer)
    return answer


def _with_key(request: Request, key: str) -> Request:
    headers = [*((name, value) for name, value in request.headers.raw if name != b"authorization")]
    bearer = (b"authorization", f"Bearer {key}".encode("latin-1", "replace"))
    return Request({**request.scope, "headers": [*headers, bearer]})


def _own(path: str) -> str:
    """A path of this site; whatever else is asked for is the first page."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else "/"
