"""The keys of the application's session tokens, derived from its secrets as Auth.js and NextAuth derive them.

No token may be read here. The rules were found by running both (docs/sessions.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from joserfc.jwk import OctKey, thumbprint

from service.auth.derivation import derived
from service.auth.jwe import CBC, GCM, Header
from service.auth.session_cookies import AUTHJS, NEXTAUTH

_BYTES = {CBC: 64, GCM: 32}
_THUMBPRINT: dict[str, Literal["sha256", "sha512"]] = {CBC: "sha512", GCM: "sha256"}


@dataclass(frozen=True)
class NamedKey:
    """`kid` is how a token names it: its thumbprint (RFC 7638)."""

    kid: str
    key: OctKey


class SessionKeys:
    """Derived once. A name that neither library uses by itself may be of either."""

    def __init__(self, names: Sequence[str], secrets: Sequence[str]) -> None:
        self._authjs = {
            (name, enc): [_named(secret, enc, _authjs_purpose(name), salt=name) for secret in secrets]
            for name in names
            if name not in NEXTAUTH
            for enc in _BYTES
        }
        self._nextauth_names = [name for name in names if name not in AUTHJS]
        named = [_named(secret, GCM, "NextAuth.js Generated Encryption Key", salt="") for secret in secrets]
        self._nextauth = [one.key for one in named] if self._nextauth_names else []

    def of(self, name: str | None, header: Header) -> list[OctKey]:
        """Those with which a token with this header may have been made, under the cookie `name` or, None, under any.

        Auth.js names the key; where a token of it names none, it is the first secret's. NextAuth names none and has
        only one secret, but while it gets another one, replicas of the application have the one or the other.
        """
        found: list[OctKey] = []
        for (known, enc), keys in self._authjs.items():
            if name in (known, None) and enc == header.enc:
                found += _picked(keys, header.kid)
        if header == Header(GCM, None) and name in (*self._nextauth_names, None):
            found += self._nextauth
        return found


def _picked(keys: Sequence[NamedKey], kid: str | None) -> list[OctKey]:
    return [one.key for one in (keys[:1] if kid is None else keys) if kid in (one.kid, None)]


def _authjs_purpose(name: str) -> str:
    return f"Auth.js Generated Encryption Key ({name})"


def _named(secret: str, enc: str, purpose: str, salt: str) -> NamedKey:
    key = OctKey.import_key(derived(secret, purpose, salt=salt, length=_BYTES[enc]))
    return NamedKey(thumbprint({"kty": "oct", "k": key.as_dict()["k"]}, _THUMBPRINT[enc]), key)
