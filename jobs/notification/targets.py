"""Where an owner's articles may be published to: targets, each with secrets that what is sent there is signed with.

A secret is shown when it is made, and never again; it is stored encrypted. Nothing is sent, and no URL judged here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from jobs.clock import Clock
from jobs.documents import UserId
from jobs.errors import DuplicateKey, NameTaken, NotFound
from jobs.notification.signing_secrets import Signing, SigningSecrets, old_secret_valid_until
from jobs.places import free_place
from jobs.storage.encryption import Cipher
from jobs.storage.store import Document, Store

MOST = 50
TOO_MANY = "You have as many targets as there can be"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")


@dataclass(frozen=True)
class Target:
    """`old_secret_valid_until`: until then also an older secret signs; None where there is none."""

    name: str
    url: str
    created_at: datetime
    rotated_at: datetime | None
    old_secret_valid_until: datetime | None


class Targets:
    def __init__(self, store: Store, clock: Clock, cipher: Cipher) -> None:
        self._targets = store.collection("targets")
        self._clock = clock
        self._secrets = SigningSecrets(cipher, "target")

    async def register(self, owner: UserId, name: str, url: str) -> tuple[Target, str]:
        """The target and, this once, its secret. Raises `NameTaken`, `TooMany` and `NoEncryptionKey`."""
        secret, kept = self._secrets.first()
        target: Document = {"userId": owner, "name": name, "url": url, **kept, "created_at": self._clock.now()}
        while True:
            there = await self._targets.find({"userId": owner}, projection=["name"], limit=MOST)
            if name in {other["name"] for other in there}:
                raise NameTaken("target", name)
            taken = {int(other["_id"].rpartition("/")[2]) for other in there}
            target["_id"] = f"{owner}/{free_place(taken, MOST, TOO_MANY)}"
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
        while True:
            stored = await self._stored(owner, name)
            secret, changes = self._secrets.rotated(stored, self._clock.now())
            unchanged = {"_id": stored["_id"], "version": stored["version"]}
            if await self._targets.update_one(unchanged, {"$set": changes}):
                return self._read({**stored, **changes}), secret

    async def signing(self, owner: UserId, name: str) -> Signing:
        """Raises `NotFound`, `NoEncryptionKey` and `SecretUnreadable`."""
        stored = await self._stored(owner, name)
        return Signing(stored["url"], self._secrets.valid(stored, self._clock.now()))

    async def _stored(self, owner: UserId, name: str) -> Document:
        _check_name(name)
        found = await self._targets.find_one({"userId": owner, "name": name})
        if found is None:
            raise NotFound("target")
        return found

    def _read(self, stored: Document) -> Target:
        until = old_secret_valid_until(stored, self._clock.now())
        return Target(stored["name"], stored["url"], stored["created_at"], stored["rotated_at"], until)


def _check_name(name: str) -> None:
    """Nothing is asked of the database about a name that no target can have."""
    if not NAME.fullmatch(name):
        raise NotFound("target")
