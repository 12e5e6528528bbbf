"""The secrets that what is sent somewhere is signed with: made, rotated, stored encrypted beside what they belong to.

A secret is shown when it is made, and never again. Nothing is signed, sent or written to the database here.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from jobs.errors import TooMany
from jobs.storage.encryption import Cipher
from jobs.storage.store import Document

KIND = "whsec_"
SECRET_BYTES = 32
"""Standard Webhooks, signature scheme: 24 to 64."""

OLD_IS_VALID = timedelta(hours=24)
MOST_VALID = 5


@dataclass(frozen=True)
class Signing:
    """What a signed request needs. `secrets`: the newest first."""

    url: str = field(repr=False)
    secrets: Sequence[str] = field(repr=False)


class SigningSecrets:
    """Those of a kind of thing (`target`), each stored in that thing's `secrets`, `version` and `rotated_at`."""

    def __init__(self, cipher: Cipher, what: str) -> None:
        self._cipher = cipher
        self._what = what

    def first(self) -> tuple[str, Document]:
        """A secret, and the fields that keep it. Raises `NoEncryptionKey`."""
        secret, encrypted = self._new()
        return secret, {
            "secrets": [{"secret": encrypted, "until": None}],
            "version": _new_version(),
            "rotated_at": None,
        }

    def rotated(self, stored: Document, now: datetime) -> tuple[str, Document]:
        """A new secret, and what changes; to be written only where the `version` has not changed meanwhile.

        The older ones sign beside it for another 24 hours at most, each as it was promised. Raises `NoEncryptionKey`,
        and `TooMany` where five are valid already.
        """
        secret, encrypted = self._new()
        valid = _valid(stored, now)
        if len(valid) >= MOST_VALID:
            raise TooMany(f"This {self._what} has as many valid secrets as there can be, wait for an end", MOST_VALID)
        newest = {**valid[0], "until": now + OLD_IS_VALID}
        return secret, {
            "secrets": [{"secret": encrypted, "until": None}, newest, *valid[1:]],
            "version": _new_version(),
            "rotated_at": now,
        }

    def valid(self, stored: Document, now: datetime) -> Sequence[str]:
        """The newest first. Raises `NoEncryptionKey` and `SecretUnreadable`."""
        return [self._cipher.decrypt(entry["secret"]) for entry in _valid(stored, now)]

    def _new(self) -> tuple[str, str]:
        text = KIND + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
        return text, self._cipher.encrypt(text)


def old_secret_valid_until(stored: Document, now: datetime) -> datetime | None:
    """Until then an older secret signs too; None where there is none."""
    return max((entry["until"] for entry in _valid(stored, now)[1:]), default=None)


def _new_version() -> str:
    return secrets.token_hex(8)


def _valid(stored: Document, now: datetime) -> list[Document]:
    return [entry for entry in stored["secrets"] if entry["until"] is None or entry["until"] > now]
