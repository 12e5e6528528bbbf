"""Callers by the session of the application in front: its cookie, or its token in the Authorization header (spec §10).

What makes a session hold may not be judged here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from fastapi import Request

from jobs.callers.app_sessions import AppSession
from jobs.callers.keys import Scope
from jobs.clock import Clock
from service.auth.caller import Caller
from service.auth.callers import bearer
from service.auth.jwe import looks_encrypted
from service.auth.session_cache import VerifiedSessions, digest_of
from service.auth.session_cookies import session_values
from service.auth.session_tokens import SessionTokens


class StoredSessions(Protocol):
    """Sessions that the application keeps in its database: their cookie has a random text that is found there."""

    async def find(self, token: str) -> AppSession | None:
        """Raises `StoreUnavailable`."""


class SessionCredentials:
    """`names` of cookies, in the order they are looked for. `admins` are users whose sessions are an admin's."""

    def __init__(
        self,
        names: Sequence[str],
        tokens: SessionTokens,
        stored: StoredSessions | None,
        clock: Clock,
        admins: Collection[str],
    ) -> None:
        self._names = names
        self._tokens = tokens
        self._stored = stored
        self._clock = clock
        self._admins = admins
        self._verified = VerifiedSessions(self._now)

    async def caller_of(self, request: Request) -> Caller | None:
        """Who sends a token in the Authorization header says with it alone who calls: no cookie is looked at then.

        Raises `StoreUnavailable` where the application's database would know, and is away.
        """
        token = bearer(request)
        if token is not None:
            session = await self._session(None, token)
            return None if session is None else self._caller(session, by_cookie=False)
        for name, value in session_values(request.cookies, self._names):
            if (session := await self._session(name, value)) is not None:
                return self._caller(session, by_cookie=True)
        return None

    async def _session(self, name: str | None, value: str) -> AppSession | None:
        digest = digest_of(name, value)
        session = self._verified.find(digest)
        if session is None and (session := await self._verify(name, value)) is not None:
            self._verified.keep(digest, session)
        return session

    async def _verify(self, name: str | None, value: str) -> AppSession | None:
        if looks_encrypted(value):
            return self._tokens.read(name, value, self._now())
        # a stored session is a browser's: what is sent as a token is one, as the application itself has it
        return await self._stored.find(value) if self._stored is not None and name is not None else None

    def _caller(self, session: AppSession, *, by_cookie: bool) -> Caller:
        scope = Scope.ADMIN if str(session.user) in self._admins else Scope.WRITE
        return Caller(session.user, scope, by_cookie=by_cookie, email=session.email)

    def _now(self) -> float:
        return self._clock.now().timestamp()
