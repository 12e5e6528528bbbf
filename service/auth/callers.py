"""Who calls, and what they may: the one question every route asks. Its answers come from `keys` and `off`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Protocol

from fastapi import Depends, Request

from jobs.documents import UserId
from jobs.keys import Scope
from service.problems import Forbidden

ORDER = tuple(Scope)


@dataclass(frozen=True)
class Caller:
    """`scope` is the most that this caller may do; `admin` sees what is everybody's.

    `by_cookie`: has signed in on a page. `email`: an address that is known to be the user's own.
    """

    user: UserId
    scope: Scope
    by_cookie: bool = False
    email: str | None = None

    @property
    def is_admin(self) -> bool:
        return self.scope is Scope.ADMIN

    @property
    def may_write(self) -> bool:
        return self.scope is not Scope.READ


class Authentication(Protocol):
    async def caller(self, request: Request) -> Caller:
        """Raises `Unauthorized`."""


def _allowed(needed: Scope) -> Callable[[Request], Awaitable[Caller]]:
    async def dependency(request: Request) -> Caller:
        authentication: Authentication = request.app.state.authentication
        caller = await authentication.caller(request)
        if ORDER.index(caller.scope) < ORDER.index(needed):
            raise Forbidden(f"This needs the scope {needed}; yours is {caller.scope}.")
        return caller

    return dependency


Reader = Annotated[Caller, Depends(_allowed(Scope.READ))]
Writer = Annotated[Caller, Depends(_allowed(Scope.WRITE))]
Admin = Annotated[Caller, Depends(_allowed(Scope.ADMIN))]
