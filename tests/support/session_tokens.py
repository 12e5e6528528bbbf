"""Session tokens as Auth.js and NextAuth make them, for tests that need other ones than the real ones in tests/data."""

from __future__ import annotations

import time
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwe, jwk
from joserfc.registry import Header
from pydantic_core import to_json

AUTHJS = "authjs.session-token"
NEXTAUTH = "next-auth.session-token"
SECRET = "a-secret-of-the-application-0123456789"
USER = "665f1c2ab4d1e0a1b2c3d4e5"
YEAR = 31_536_000
CBC, GCM = "A256CBC-HS512", "A256GCM"


def claims(**changed: Any) -> dict[str, Any]:
    """What the application says of a user by default."""
    now = int(time.time())
    return {"name": "Ada", "email": "ada@example.com", "sub": USER, "iat": now, "exp": now + YEAR, **changed}


def authjs_token(
    said: dict[str, Any] | bytes,
    secret: str = SECRET,
    name: str = AUTHJS,
    *,
    kid: bool = True,
    enc: str = "A256CBC-HS512",
) -> str:
    size = 64 if enc == CBC else 32
    raw = _derived(secret, size, name, f"Auth.js Generated Encryption Key ({name})")
    key = jwk.OctKey.import_key(raw)
    header: Header = {"alg": "dir", "enc": enc}
    if kid:
        value = {"kty": "oct", "k": key.as_dict()["k"]}
        header["kid"] = jwk.thumbprint(value, "sha512" if size == 64 else "sha256")
    return _sealed(said, key, header)


def nextauth_token(said: dict[str, Any] | bytes, secret: str = SECRET) -> str:
    raw = _derived(secret, 32, "", "NextAuth.js Generated Encryption Key")
    return _sealed(said, jwk.OctKey.import_key(raw), {"alg": "dir", "enc": GCM})


def cookie(name: str, token: str, chunk: int | None = None) -> str:
    """A Cookie header; in chunks of so many characters."""
    if chunk is None:
        return f"{name}={token}"
    parts = [token[begin : begin + chunk] for begin in range(0, len(token), chunk)]
    return "; ".join(f"{name}.{number}={part}" for number, part in enumerate(parts))


def _derived(secret: str, size: int, salt: str, info: str) -> bytes:
    return HKDF(hashes.SHA256(), size, salt.encode(), info.encode()).derive(secret.encode())


def _sealed(said: dict[str, Any] | bytes, key: jwk.OctKey, header: Header) -> str:
    content = said if isinstance(said, bytes) else to_json(said)
    return jwe.encrypt_compact(header, content, key, algorithms=["dir", CBC, GCM])
