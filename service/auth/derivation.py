"""Keys of a purpose of their own, from the secrets in the settings. What is done with a key is not known here."""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def derived(secret: str, purpose: str, *, salt: str = "", length: int = 32) -> bytes:
    """So many bytes (HKDF, RFC 5869). Who has them learns nothing of the secret, nor of those of other purposes."""
    return HKDF(SHA256(), length, salt.encode(), purpose.encode()).derive(secret.encode())
