"""Encrypted tokens (RFC 7516, compact form, direct keys): what can be told of one without its key, and decryption.

Whose token it is and whether it still holds may not be judged here.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import Final

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

CBC: Final = "A256CBC-HS512"
GCM: Final = "A256GCM"
LONGEST = 65_536
"""Characters of a token: more than any server takes as headers, and less than the library's own bound."""

_SHAPE = re.compile(r"([A-Za-z0-9_-]{2,512})\.\.([A-Za-z0-9_-]{16,22})\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{22,43})")
_LENGTHS = {CBC: (22, 43), GCM: (16, 22)}
"""Characters of the initialization vector and of the tag."""

_BLOCK = 16
_REGISTRY = jwe.JWERegistry(algorithms=["dir", CBC, GCM])


class NotDecrypted(Exception):
    """The token is damaged, or was made with another key."""


@dataclass(frozen=True)
class Header:
    """How a token was encrypted; `kid` names the key where the token does."""

    enc: str
    kid: str | None


def looks_encrypted(text: str) -> bool:
    """Whether it has the five parts of a token, or would have."""
    return text.count(".") == 4


def read_header(token: str) -> Header | None:
    """None for what no key could decrypt, or what is encrypted in a way that neither Auth.js nor NextAuth uses."""
    shape = _SHAPE.fullmatch(token) if len(token) <= LONGEST else None
    if shape is None:
        return None
    header = _decoded(shape[1])
    if header is None or header.get("alg") != "dir" or "zip" in header or "crit" in header:
        return None
    enc, kid = header.get("enc"), header.get("kid")
    if not isinstance(enc, str) or not isinstance(kid, str | None):
        return None
    if _LENGTHS.get(enc) != (len(shape[2]), len(shape[4])) or not _whole(shape[3], enc):
        return None
    return Header(enc, kid)


def decrypt(token: str, key: OctKey) -> bytes:
    """Raises `NotDecrypted`."""
    try:
        content = jwe.decrypt_compact(token, key, registry=_REGISTRY).plaintext
    except (JoseError, ValueError) as error:
        raise NotDecrypted from error
    if content is None:
        raise NotDecrypted
    return content


def _decoded(part: str) -> dict[str, object] | None:
    try:
        header = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return None
    return header if isinstance(header, dict) else None


def _whole(ciphertext: str, enc: str) -> bool:
    """Whether it can have been written as base64, and in whole blocks where these are used."""
    return len(ciphertext) % 4 != 1 and (enc == GCM or len(ciphertext) * 3 // 4 % _BLOCK == 0)
