"""Encrypts the secrets that Pressrun keeps for others and has to read again. Where they are kept is not known here."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import cached_property

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from jobs.errors import NoEncryptionKey, SecretUnreadable

PURPOSE = b"pressrun secrets at rest"


class Cipher:
    """The first of `keys`, which are the operator's secrets, encrypts; each of them decrypts, so that one can be
    followed by another."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = tuple(keys)

    def encrypt(self, text: str) -> str:
        """Never the same twice. Raises `NoEncryptionKey`."""
        return self._fernet.encrypt(text.encode()).decode()

    def decrypt(self, encrypted: str) -> str:
        """Raises `NoEncryptionKey`, and `SecretUnreadable` where none of the keys has encrypted it."""
        try:
            return self._fernet.decrypt(encrypted.encode()).decode()
        except InvalidToken:
            raise SecretUnreadable from None

    @cached_property
    def _fernet(self) -> MultiFernet:
        if not self._keys:
            raise NoEncryptionKey
        return MultiFernet([Fernet(_derived(key)) for key in self._keys])


def _derived(key: str) -> bytes:
    """HKDF (RFC 5869) is for secrets that are random, which is why short ones are refused in the settings."""
    derived = HKDF(SHA256(), length=32, salt=None, info=PURPOSE).derive(key.encode())
    return base64.urlsafe_b64encode(derived)
