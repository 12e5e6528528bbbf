"""Callers who have signed in on the page with an API key: a signed session in a cookie, which holds no secret.

It names the key, which is looked up with each request: one that is revoked or has expired signs out at once.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from fastapi import Request
from starlette.responses import Response

from jobs.callers.keys import KeyId, KeyOwner, Keys
from jobs.clock import Clock
from jobs.documents import parse_id
from jobs.errors import NotFound
from service.auth import cookie
from service.auth.caller import Caller
from service.auth.callers import bearer
from service.auth.derivation import derived
from service.auth.keys import caller_with

PURPOSE = "Pressrun sign-in session"
LONGEST = timedelta(days=30)
LONGEST_VALUE = 200


class SignedIn:
    """Sessions that the first of `secrets` signs, and each of them verifies. Without secrets nobody can sign in."""

    def __init__(self, keys: Keys, clock: Clock, secrets: Sequence[str], admins: Collection[str]) -> None:
        self._keys = keys
        self._clock = clock
        self._signing = [derived(secret, PURPOSE) for secret in secrets]
        self._admins = admins

    @property
    def is_possible(self) -> bool:
        return bool(self._signing)

    def begin(self, answer: Response, request: Request, owner: KeyOwner) -> None:
        """For at most 30 days, and no longer than the key is valid."""
        now = self._clock.now()
        ends = min(now + LONGEST, owner.expires_at or now + LONGEST)
        told = f"{owner.key_id}.{int(now.timestamp())}.{int(ends.timestamp())}"
        value = f"{told}.{_signature(self._signing[0], cookie.name_for(request), told)}"
        cookie.keep(answer, request, value, ends - now)

    async def caller_of(self, request: Request) -> Caller | None:
        """Who sends a key or a token says with it alone who calls, also where it is worth nothing."""
        kept = cookie.kept_in(request) if bearer(request) is None else None
        key_id = self._key_in(*kept) if kept is not None else None
        owner = await self._keys.by_id(key_id) if key_id is not None else None
        return caller_with(request, owner, self._admins, by_cookie=True) if owner is not None else None

    def _key_in(self, name: str, value: str) -> KeyId | None:
        """None for what was not signed here, or is over. A session under the other name is none: a neighbour on plain
        http could have had it."""
        told, _, signature = value.rpartition(".")
        if len(value) > LONGEST_VALUE or not value.isascii():
            return None
        if not any(hmac.compare_digest(_signature(key, name, told), signature) for key in self._signing):
            return None
        key_id, _, ends = told.split(".")
        if datetime.fromtimestamp(int(ends), self._clock.now().tzinfo) <= self._clock.now():
            return None
        try:
            return KeyId(parse_id(key_id, "API key"))
        except NotFound:
            return None


def _signature(key: bytes, name: str, told: str) -> str:
    signed = hmac.digest(key, f"{name}={told}".encode(), "sha256")
    return urlsafe_b64encode(signed).decode().rstrip("=")
