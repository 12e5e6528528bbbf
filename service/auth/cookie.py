"""The cookie of the sign-in page: its names, how it is set, found and cleared. What stands in it is `signed_in`'s."""

from __future__ import annotations

from datetime import timedelta

from fastapi import Request
from starlette.responses import Response

NAME = "pressrun_session"
SECURE_NAME = "__Host-pressrun_session"
"""Browsers take it over https alone, and from nobody but this very host: no neighbour can plant one."""

FORMER_NAME = "pressrun_key"
"""Held the API key itself, in development versions before 0.1."""


def is_secure(request: Request) -> bool:
    """Whether the browser speaks https. Behind a proxy that is not trusted only the browser says so, with each form."""
    return request.url.scheme == "https" or request.headers.get("origin", "").startswith("https://")


def name_for(request: Request) -> str:
    return SECURE_NAME if is_secure(request) else NAME


def kept_in(request: Request) -> tuple[str, str] | None:
    """The name and the value. Over what is known to be https, the plain one is nobody's."""
    names = (SECURE_NAME,) if request.url.scheme == "https" else (SECURE_NAME, NAME)
    return next(((name, request.cookies[name]) for name in names if request.cookies.get(name)), None)


def keep(answer: Response, request: Request, value: str, lifetime: timedelta) -> None:
    answer.set_cookie(
        name_for(request),
        value,
        max_age=int(lifetime.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=is_secure(request),
    )


def clear(answer: Response, request: Request) -> None:
    """Those that the browser has sent, and no others: another site's page sends none, and so clears none."""
    for name in (NAME, SECURE_NAME, FORMER_NAME):
        if name in request.cookies:
            _delete(answer, name)


def clear_former(answer: Response, request: Request) -> None:
    if FORMER_NAME in request.cookies:
        _delete(answer, FORMER_NAME)


def _delete(answer: Response, name: str) -> None:
    answer.delete_cookie(name, httponly=True, samesite="lax", secure=name == SECURE_NAME)
