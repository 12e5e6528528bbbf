"""Sessions that the application keeps in the cookie itself: an encrypted token with its claims. Nothing is stored."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, TypeGuard

import structlog
from joserfc.jwk import OctKey

from jobs.callers.app_sessions import AppSession, plausible_email, plausible_user
from service.auth.jwe import NotDecrypted, decrypt, read_header
from service.auth.session_keys import SessionKeys

TOLERANCE_SECONDS = 15
"""How far the clocks of the application and of the database may be apart: as Auth.js and NextAuth have it."""

TELL_SECONDS = 60

log = structlog.get_logger()

Decrypt = Callable[[str, OctKey], bytes]


class SessionTokens:
    def __init__(self, keys: SessionKeys, decrypt: Decrypt = decrypt) -> None:
        self._keys = keys
        self._decrypt = decrypt
        self._told_at = -math.inf

    def read(self, name: str | None, token: str, now: float) -> AppSession | None:
        """Whose session it is, where it is one at the moment `now`; `name` of its cookie, None where it came without.

        What is not shaped like a token is not decrypted.
        """
        header = read_header(token)
        if header is None:
            return None
        for key in self._keys.of(name, header):
            try:
                content = self._decrypt(token, key)
            except NotDecrypted:
                continue
            return session_in(content, now)
        self._tell(name, now)
        return None

    def _tell(self, name: str | None, now: float) -> None:
        """The operator, who may have another secret here than the application; but not of each, for anybody can send
        many."""
        if now - self._told_at >= TELL_SECONDS:
            self._told_at = now
            sentence = (
                "A session was made with none of PRESSRUN_AUTH__SECRETS; of others within a minute nothing is said."
            )
            log.info("session_of_another_secret", cookie=name, sentence=sentence)


def session_in(content: bytes, now: float) -> AppSession | None:
    """By the claims of a token. One that never ends is none: the application gives each an end."""
    claims = _claims(content)
    expires, begins = claims.get("exp"), claims.get("nbf", now)
    if not _is_number(expires) or not _is_number(begins) or not _is_number(claims.get("iat", now)):
        return None
    if expires <= now - TOLERANCE_SECONDS or begins > now + TOLERANCE_SECONDS:
        return None
    # id before sub, as the application's own routes have it: its jwt callback may set an id
    named = claims.get("id")
    user = plausible_user(claims.get("sub") if named is None else named)
    return None if user is None else AppSession(user, plausible_email(claims.get("email")), expires)


def _claims(content: bytes) -> dict[str, Any]:
    try:
        claims = json.loads(content, parse_constant=_refused)
    except (ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _refused(constant: str) -> None:
    """NaN and Infinity are no JSON."""
    raise ValueError(constant)


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
