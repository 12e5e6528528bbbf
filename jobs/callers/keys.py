"""API keys: made, looked up, revoked. Only a key's hash is stored, and the key itself is shown once (spec §10)."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType

from bson import ObjectId

from jobs.clock import Clock
from jobs.documents import UserId, user_id
from jobs.errors import DuplicateKey, NotFound, TooMany
from jobs.places import free_place
from jobs.storage.store import Document, Filter, Store

PREFIX = "pressrun_"
MAX_KEY_LENGTH = 100
MOST = 100
TOO_MANY = "This user has as many API keys as there can be"
MOST_OVER_LISTED = 100
NOTED_EVERY = timedelta(minutes=1)
WHAT = "API key"

KeyId = NewType("KeyId", ObjectId)


class Scope(StrEnum):
    """Each scope includes those before it."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


@dataclass(frozen=True)
class KeyOwner:
    """A key that is valid, and whose it is.

    `email`: the address that the operator has named for the user. `use_is_due`: that it was used is to be noted again.
    """

    key_id: KeyId
    user: UserId
    scope: Scope
    email: str | None = None
    expires_at: datetime | None = None
    use_is_due: bool = False


class Keys:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._keys = store.collection("api_keys")
        self._clock = clock

    async def create(
        self,
        user: str,
        scope: Scope,
        name: str | None = None,
        email: str | None = None,
        expires_at: datetime | None = None,
    ) -> tuple[Document, str]:
        """The stored key and, this once, its text. Raises `TooMany` where the user has a hundred that are valid."""
        text = PREFIX + secrets.token_urlsafe(32)
        owner = user_id(user)
        key: Document = {
            "_id": ObjectId(),
            "userId": owner,
            "name": name,
            "email": email,
            "scope": scope.value,
            "hash": _hash(text),
            "hint": text[len(PREFIX) : len(PREFIX) + 4],
            "created_at": self._clock.now(),
            "expires_at": expires_at,
            "last_used_at": None,
            "revoked_at": None,
        }
        while True:
            key["place"] = await self._free_place(owner)
            try:
                await self._keys.insert_one(dict(key))
            except DuplicateKey:
                continue  # another request has taken the place: looked at again
            return key, text

    async def find(self, text: str) -> KeyOwner | None:
        """Whose key this is; None for one that was never made, is revoked or has expired."""
        if not text.startswith(PREFIX) or len(text) > MAX_KEY_LENGTH:
            return None
        return self._valid(await self._keys.find_one({"hash": _hash(text), "revoked_at": None}))

    async def by_id(self, key_id: KeyId) -> KeyOwner | None:
        """The same, for who has shown the key before."""
        return self._valid(await self._keys.find_one({"_id": key_id, "revoked_at": None}))

    async def note_use(self, key_id: KeyId) -> None:
        """Written at most once a minute, whoever asks."""
        now = self._clock.now()
        long_ago = {"$or": [{"last_used_at": None}, {"last_used_at": {"$lte": now - NOTED_EVERY}}]}
        await self._keys.update_one({"_id": key_id, **long_ago}, {"$set": {"last_used_at": now}})

    async def all(self) -> Sequence[Document]:
        return await self._keys.find({}, sort=[("created_at", 1)])

    async def of(self, owner: UserId) -> Sequence[Document]:
        """The user's, newest first: all that are valid, and after them the last of those that are over."""
        now, newest = self._clock.now(), [("created_at", -1), ("_id", -1)]
        over = {"userId": owner, "$or": [{"revoked_at": {"$ne": None}}, {"expires_at": {"$lte": now}}]}
        valid = await self._keys.find(_valid_of(owner, now), sort=newest)
        return [*valid, *await self._keys.find(over, sort=newest, limit=MOST_OVER_LISTED)]

    async def revoke(self, key_id: KeyId, owner: UserId | None = None) -> None:
        """Safe to repeat. Raises `NotFound`, also for one that is not this owner's, where one is named."""
        mine: Document = {"_id": key_id} if owner is None else {"_id": key_id, "userId": owner}
        revoked: Document = {"$set": {"revoked_at": self._clock.now()}, "$unset": {"place": ""}}
        if await self._keys.update_one({**mine, "revoked_at": None}, revoked):
            return
        if await self._keys.find_one(mine) is None:
            raise NotFound(WHAT)

    def _valid(self, key: Document | None) -> KeyOwner | None:
        if key is None:
            return None
        now, expires_at, used_at = self._clock.now(), key.get("expires_at"), key.get("last_used_at")
        if expires_at is not None and expires_at <= now:
            return None
        due = used_at is None or used_at <= now - NOTED_EVERY
        return KeyOwner(KeyId(key["_id"]), key["userId"], Scope(key["scope"]), key.get("email"), expires_at, due)

    async def _free_place(self, owner: UserId) -> int:
        """Those of keys that have expired are free again."""
        now = self._clock.now()
        expired = {"userId": owner, "expires_at": {"$lte": now}, "place": {"$exists": True}}
        await self._keys.update_many(expired, {"$unset": {"place": ""}})
        there = await self._keys.find(_valid_of(owner, now), projection=["place"], limit=MOST)
        if len(there) >= MOST:
            raise TooMany(TOO_MANY, MOST)
        return free_place({key.get("place") for key in there}, MOST, TOO_MANY)


def _valid_of(owner: UserId, now: datetime) -> Filter:
    return {"userId": owner, "revoked_at": None, "$or": [{"expires_at": None}, {"expires_at": {"$gt": now}}]}


def _hash(text: str) -> str:
    # 256 random bits: a slow hash would gain nothing.
    return hashlib.sha256(text.encode()).hexdigest()
