"""Callers by API key: `Authorization: Bearer pressrun_...` (spec §10)."""

from __future__ import annotations

from collections.abc import Collection

from fastapi import Request

from jobs.keys import Keys, Scope
from service.auth.callers import Caller
from service.problems import Unauthorized


class KeyAuthentication:
    """`admins` are users whose write keys count as admin keys."""

    def __init__(self, keys: Keys, admins: Collection[str]) -> None:
        self._keys = keys
        self._admins = admins

    async def caller(self, request: Request) -> Caller:
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthorized
        owner = await self._keys.find(text.strip())
        if owner is None:
            raise Unauthorized
        raised = owner.scope is Scope.WRITE and str(owner.user) in self._admins
        return Caller(owner.user, Scope.ADMIN if raised else owner.scope)
