"""An API key that a browser keeps in a cookie, and from which pages a write under it may come (spec §10)."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import Request
from starlette.responses import Response

from service.problems import Forbidden

COOKIE = "pressrun_key"
SAFE = ("GET", "HEAD", "OPTIONS")
KEPT_SECONDS = 30 * 86_400


def keep_key(answer: Response, key: str, request: Request) -> None:
    """Raises `Forbidden` where another site's page has sent the key: it would see what is done under it."""
    if not _from_own_page(request):
        raise Forbidden("A page of another site may sign nobody in here.")
    # Behind a proxy only the browser knows that it speaks https: it says so with every form.
    secure = "https" in (request.url.scheme, urlsplit(request.headers.get("origin", "")).scheme)
    answer.set_cookie(COOKIE, key, max_age=KEPT_SECONDS, httponly=True, samesite="lax", secure=secure)


def forget_key(answer: Response) -> None:
    answer.delete_cookie(COOKIE, httponly=True, samesite="lax")


def key_in_cookie(request: Request) -> str | None:
    """Raises `Forbidden` for a write that another site's page has sent: the browser adds the cookie to that as well."""
    key = request.cookies.get(COOKIE)
    if key is not None and request.method not in SAFE and not _from_own_page(request):
        raise Forbidden("A page of another site may not change anything here.")
    return key


def _from_own_page(request: Request) -> bool:
    """By what the browser says of the page: as Go's CrossOriginProtection judges it."""
    fetch_site = request.headers.get("sec-fetch-site")
    if fetch_site is not None:
        return fetch_site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")
