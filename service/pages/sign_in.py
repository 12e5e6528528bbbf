"""The pages where somebody signs in with an API key, and out again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from service.auth import cookie
from service.auth.callers import Authentication
from service.auth.failed_tries import FailedTries
from service.auth.origin import OwnPages
from service.auth.signed_in import SignedIn
from service.deps import Parts
from service.pages import html
from service.pages.forms import form_of
from service.pages.wording import plural
from service.refusals import Unauthorized

router = APIRouter(include_in_schema=False)
MOST_BYTES = 10_000
"""Of the key, and of where it leads: anybody may send them."""

MAKE_ONE = "Make one with: pressrun keys create --user NAME --scope write"
NO_KEY = f"This is no key, or it was revoked or has expired. {MAKE_ONE}"
NOT_POSSIBLE = "Nobody can sign in here yet: the operator has to set PRESSRUN_AUTH__SECRETS first."

Next = Annotated[str, Query(alias="next", max_length=2_000)]


@router.get("/sign-in")
async def show_sign_in(request: Request, then: Next = "/") -> Response:
    authentication: Authentication = request.app.state.authentication
    try:
        await authentication.caller(request)
    except Unauthorized:
        return _page(request, _own(then))
    return RedirectResponse(_own(then), status_code=303, headers=html.HEADERS)


@router.post("/sign-in")
async def sign_in(request: Request, parts: Parts) -> Response:
    """What is kept in the cookie is no key. Another site's page may sign nobody in: whoever looks would be somebody
    else without knowing."""
    own_pages: OwnPages = request.app.state.own_pages
    sessions: SignedIn = request.app.state.signed_in
    failed: FailedTries = request.app.state.failed_tries
    own_pages.check(request)
    form = await form_of(request, MOST_BYTES)
    then = _own(form.get("next", "/"))
    if not sessions.is_possible:
        return _page(request, then, 409)
    address = request.client.host if request.client else ""
    if wait := failed.seconds_to_wait(address):
        wrong = f"Too many keys were wrong: try again in {plural(wait, 'second')}."
        answer = _page(request, then, 429, wrong)
        answer.headers["Retry-After"] = str(wait)
        return answer
    owner = await parts.keys.find(form.get("key", ""))
    if owner is None:
        failed.note(address)
        return _page(request, then, 401, NO_KEY)
    answer = RedirectResponse(then, status_code=303, headers=html.HEADERS)
    sessions.begin(answer, request, owner)
    cookie.clear_former(answer, request)
    return answer


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    own_pages: OwnPages = request.app.state.own_pages
    own_pages.check(request)
    answer = RedirectResponse("/sign-in", status_code=303, headers=html.HEADERS)
    cookie.clear(answer, request)
    return answer


def _page(request: Request, then: str, code: int = 200, wrong: str | None = None) -> Response:
    sessions: SignedIn = request.app.state.signed_in
    missing = None if sessions.is_possible else NOT_POSSIBLE
    shown = html.page("sign_in.html", None, code, then=then, wrong=wrong, missing=missing)
    cookie.clear_former(shown, request)
    return shown


def _own(path: str) -> str:
    """A path of this site; whatever else is asked for is the first page."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else "/"
