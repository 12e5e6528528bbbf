"""Callers by API key: `Authorization: Bearer pressrun_...` (spec §10), and the note that a key was used."""

from __future__ import annotations

from collections.abc import Collection

import structlog
from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as AsgiScope

from jobs.callers.keys import KeyId, KeyOwner, Keys, Scope
from jobs.errors import PressrunError
from service.auth.caller import Caller
from service.auth.callers import bearer

log = structlog.get_logger()
USED = "used_key"


class KeyCredentials:
    """`admins` are users whose write keys count as admin keys."""

    def __init__(self, keys: Keys, admins: Collection[str]) -> None:
        self._keys = keys
        self._admins = admins

    async def caller_of(self, request: Request) -> Caller | None:
        text = bearer(request)
        owner = await self._keys.find(text) if text is not None else None
        return caller_with(request, owner, self._admins, by_cookie=False) if owner is not None else None


def caller_with(request: Request, owner: KeyOwner, admins: Collection[str], *, by_cookie: bool) -> Caller:
    """Whoever calls by this key, which is thereby used."""
    if owner.use_is_due:
        setattr(request.state, USED, owner.key_id)
    raised = owner.scope is Scope.WRITE and str(owner.user) in admins
    return Caller(owner.user, Scope.ADMIN if raised else owner.scope, by_cookie, owner.email, owner)


class KeyUseNoted:
    """ASGI middleware: notes when a key was used, once the first part of the answer is out: nobody waits for it."""

    def __init__(self, app: ASGIApp, keys: Keys) -> None:
        self._app = app
        self._keys = keys

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})

        async def sent(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.body" and (key_id := state.pop(USED, None)) is not None:
                await self._note(key_id)

        await self._app(scope, receive, sent)

    async def _note(self, key_id: KeyId) -> None:
        try:
            await self._keys.note_use(key_id)
        except PressrunError as error:  # the answer is worth more; the key's next use is noted
            log.warning("key_use_not_noted", reason=str(error))
