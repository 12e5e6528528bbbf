"""Where an owner's articles may be published to: targets, each with secrets that what is sent there is signed with.

A secret is shown when it is made, and never again; it is stored encrypted. Nothing is sent, and no URL judged here.
"""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from jobs.clock import Clock
from jobs.documents import UserId
from jobs.encryption import Cipher
from jobs.errors import DuplicateKey, NameTaken, NotFound, TooMany
from jobs.store import Document, Store

MOST = 50
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
KIND = "whsec_"
SECRET_BYTES = 32
"""Standard Webhooks, signature scheme: 24 to 64."""

OLD_IS_VALID = timedelta(hours=24)
MOST_VALID = 5


@dataclass(frozen=True)
class Target:
    """`old_secret_valid_until`: until then also an older secret signs; None where there is none."""

    name: str
    url: str
    created_at: datetime
    rotated_at: datetime | None
    old_secret_valid_until: datetime | None


@dataclass(frozen=True)
class Signing:
    """What a request to a target needs. `secrets`: the newest first."""

    url: str = field(repr=False)
    secrets: Sequence[str] = field(repr=False)


class Targets:
    def __init__(self, store: Store, clock: Clock, cipher: Cipher) -> None:
        self._targets = store.collection("targets")
        self._clock = clock
        self._cipher = cipher

    async def register(self, owner: UserId, name: str, url: str) -> tuple[Target, str]:
        """The target and, this once, its secret. Raises `NameTaken`, `TooMany` and `NoEncryptionKey`."""
        secret, encrypted = self._new_secret()
        target: Document = {
            "userId": owner,
            "name": name,
            "url": url,
            "secrets": [{"secret": encrypted, "until": None}],
            "version": _new_version(),
            "created_at": self._clock.now(),
            "rotated_at": None,
        }
        while True:
            there = await self._targets.find({"userId": owner}, projection=["name"], limit=MOST)
            if name in {other["name"] for other in there}:
                raise NameTaken("target", name)
            target["_id"] = _free_place(owner, {other["_id"] for other in there})
            try:
                await self._targets.insert_one(dict(target))
            except DuplicateKey:
                continue  # another request has taken the name or the place: looked at again
            return self._read(target), secret

    async def list(self, owner: UserId) -> Sequence[Target]:
        """By name."""
        found = await self._targets.find({"userId": owner}, sort=[("name", 1)], limit=MOST)
        return [self._read(target) for target in found]

    async def find(self, owner: UserId, name: str) -> Target:
        """Raises `NotFound`, also for somebody else's."""
        return self._read(await self._stored(owner, name))

    async def remove(self, owner: UserId, name: str) -> None:
        """What is still to be published there fails. Raises `NotFound`."""
        _check_name(name)
        if not await self._targets.delete_one({"userId": owner, "name": name}):
            raise NotFound("target")

    async def rotate(self, owner: UserId, name: str) -> tuple[Target, str]:
        """A new secret, shown this once. Those before it sign beside it for another 24 hours at most, each as it was
        promised. Raises `NotFound`, `NoEncryptionKey`, and `TooMany` where five are valid already."""
        secret, encrypted = self._new_secret()
        while True:
            now = self._clock.now()
            stored = await self._stored(owner, name)
            valid = _valid(stored, now)
            if len(valid) >= MOST_VALID:
                raise TooMany("This target has as many valid secrets as there can be, wait for an end", MOST_VALID)
            newest = {**valid[0], "until": now + OLD_IS_VALID}
            changes: Document = {
                "secrets": [{"secret": encrypted, "until": None}, newest, *valid[1:]],
                "version": _new_version(),
                "rotated_at": now,
            }
            unchanged = {"_id": stored["_id"], "version": stored["version"]}
            if await self._targets.update_one(unchanged, {"$set": changes}):
                return self._read({**stored, **changes}), secret

    async def signing(self, owner: UserId, name: str) -> Signing:
        """Raises `NotFound`, `NoEncryptionKey` and `SecretUnreadable`."""
        stored = await self._stored(owner, name)
        valid = _valid(stored, self._clock.now())
        return Signing(stored["url"], [self._cipher.decrypt(entry["secret"]) for entry in valid])

    async def _stored(self, owner: UserId, name: str) -> Document:
        _check_name(name)
        found = await self._targets.find_one({"userId": owner, "name": name})
        if found is None:
            raise NotFound("target")
        return found

    def _new_secret(self) -> tuple[str, str]:
        text = KIND + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
        return text, self._cipher.encrypt(text)

    def _read(self, stored: Document) -> Target:
        older = _valid(stored, self._clock.now())[1:]
        until = max((entry["until"] for entry in older), default=None)
        return Target(stored["name"], stored["url"], stored["created_at"], stored["rotated_at"], until)


def _check_name(name: str) -> None:
    """Nothing is asked of the database about a name that no target can have."""
    if not NAME.fullmatch(name):
        raise NotFound("target")


def _new_version() -> str:
    return secrets.token_hex(8)


def _valid(stored: Document, now: datetime) -> list[Document]:
    return [entry for entry in stored["secrets"] if entry["until"] is None or entry["until"] > now]


def _free_place(owner: UserId, taken: set[str]) -> str:
    """An owner's targets are numbered in their ids, so that no two requests together make one too many."""
    places = (f"{owner}/{number}" for number in range(MOST))
    free = next((place for place in places if place not in taken), None)
    if free is None:
        raise TooMany("You have as many targets as there can be", MOST)
    return free
