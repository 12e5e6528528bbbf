"""Callers by API key: `Authorization: Bearer pressrun_...`, or the cookie of the sign-in page (spec §10)."""

from __future__ import annotations

from collections.abc import Collection

from fastapi import Request

from jobs.keys import Keys, Scope
from service.auth.callers import Caller
from service.auth.cookie import key_in_cookie
from service.problems import Unauthorized


class KeyAuthentication:
    """`admins` are users whose write keys count as admin keys."""

    def __init__(self, keys: Keys, admins: Collection[str]) -> None:
        self._keys = keys
        self._admins = admins

    async def caller(self, request: Request) -> Caller:
        owner = await self._keys.find(_key_of(request))
        if owner is None:
            raise Unauthorized
        raised = owner.scope is Scope.WRITE and str(owner.user) in self._admins
        scope = Scope.ADMIN if raised else owner.scope
        return Caller(owner.user, scope, by_cookie="authorization" not in request.headers, email=owner.email)


def _key_of(request: Request) -> str:
    """Raises `Unauthorized` where there is none."""
    if "authorization" in request.headers:
        scheme, _, text = request.headers["authorization"].partition(" ")
        if scheme.lower() == "bearer":
            return text.strip()
    elif (kept := key_in_cookie(request)) is not None:
        return kept
    raise Unauthorized
