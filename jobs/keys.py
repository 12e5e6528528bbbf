"""API keys: made, looked up, revoked. Only a key's hash is stored, and the key itself is shown once (spec §10)."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bson import ObjectId

from jobs.clock import Clock
from jobs.documents import UserId, user_id
from jobs.errors import NotFound
from jobs.store import Document, Store

PREFIX = "pressrun_"
MAX_KEY_LENGTH = 100


class Scope(StrEnum):
    """Each scope includes those before it."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


@dataclass(frozen=True)
class KeyOwner:
    """`email`: the address that the operator has named for the user."""

    user: UserId
    scope: Scope
    email: str | None = None


class Keys:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._keys = store.collection("api_keys")
        self._clock = clock

    async def create(
        self, user: str, scope: Scope, name: str | None = None, email: str | None = None
    ) -> tuple[Document, str]:
        """The stored key and, this once, its text."""
        text = PREFIX + secrets.token_urlsafe(32)
        key: Document = {
            "_id": ObjectId(),
            "userId": user_id(user),
            "name": name,
            "email": email,
            "scope": scope.value,
            "hash": _hash(text),
            "hint": text[len(PREFIX) : len(PREFIX) + 4],
            "created_at": self._clock.now(),
            "revoked_at": None,
        }
        await self._keys.insert_one(dict(key))
        return key, text

    async def find(self, text: str) -> KeyOwner | None:
        """Whose key this is; None for one that was never made or is revoked."""
        if not text.startswith(PREFIX) or len(text) > MAX_KEY_LENGTH:
            return None
        key = await self._keys.find_one({"hash": _hash(text), "revoked_at": None})
        return KeyOwner(key["userId"], Scope(key["scope"]), key.get("email")) if key else None

    async def all(self) -> Sequence[Document]:
        return await self._keys.find({}, sort=[("created_at", 1)])

    async def revoke(self, key_id: ObjectId) -> None:
        """Safe to repeat. Raises `NotFound`."""
        unrevoked = {"_id": key_id, "revoked_at": None}
        if await self._keys.update_one(unrevoked, {"$set": {"revoked_at": self._clock.now()}}):
            return
        if await self._keys.find_one({"_id": key_id}) is None:
            raise NotFound("API key")


def _hash(text: str) -> str:
    # 256 random bits: a slow hash would gain nothing.
    return hashlib.sha256(text.encode()).hexdigest()
