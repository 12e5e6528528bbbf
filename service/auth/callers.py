"""Who calls, and what they may: the one question every route asks. Its answers come from the modules beside."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Protocol

from fastapi import Depends, Request

from jobs.callers.keys import Scope
from service.auth.caller import Caller
from service.auth.origin import SAFE, OwnPages
from service.refusals import Forbidden, Unauthorized

ORDER = tuple(Scope)


class Authentication(Protocol):
    async def caller(self, request: Request) -> Caller:
        """Raises `Unauthorized`."""


class Credentials(Protocol):
    """One way to say who calls."""

    async def caller_of(self, request: Request) -> Caller | None:
        """None where the request has none of this kind, and where those that it has are worth nothing.

        Raises `Forbidden` for those that may not be used in this way.
        """


class AnyCredentials:
    """The first that names somebody."""

    def __init__(self, ways: Sequence[Credentials]) -> None:
        self._ways = ways

    async def caller(self, request: Request) -> Caller:
        for way in self._ways:
            if (caller := await way.caller_of(request)) is not None:
                return caller
        raise Unauthorized


def bearer(request: Request) -> str | None:
    """What stands in the Authorization header; None where there is none of this kind."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else None


def _allowed(needed: Scope) -> Callable[[Request], Awaitable[Caller]]:
    async def dependency(request: Request) -> Caller:
        authentication: Authentication = request.app.state.authentication
        caller = await authentication.caller(request)
        if caller.by_cookie and request.method not in SAFE:
            own_pages: OwnPages = request.app.state.own_pages
            own_pages.check(request)
        if ORDER.index(caller.scope) < ORDER.index(needed):
            raise Forbidden(f"This needs the scope {needed}; yours is {caller.scope}.")
        return caller

    return dependency


Reader = Annotated[Caller, Depends(_allowed(Scope.READ))]
Writer = Annotated[Caller, Depends(_allowed(Scope.WRITE))]
Admin = Annotated[Caller, Depends(_allowed(Scope.ADMIN))]
