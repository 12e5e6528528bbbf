"""Webhook endpoints: where an owner wants to be told of which events, and the secrets that it is signed with.

Nothing is sent, and no URL judged here; whom an event goes to is put together in `planning`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from bson import ObjectId

from jobs.clock import Clock
from jobs.documents import UserId
from jobs.errors import DuplicateKey, NotFound
from jobs.notification.signing_secrets import Signing, SigningSecrets, old_secret_valid_until
from jobs.places import free_place
from jobs.storage.encryption import Cipher
from jobs.storage.store import Document, Store

MOST = 20
TOO_MANY = "You have as many endpoints as there can be"
LONGEST_DESCRIPTION = 200
PLACE_OF_BULKS = -1
WHAT = "endpoint"

EndpointId = NewType("EndpointId", ObjectId)


class EndpointKind(StrEnum):
    """`BULKS` has no URL: its secret signs what goes to URLs that single bulks name."""

    ENDPOINT = "endpoint"
    BULKS = "bulks"


@dataclass(frozen=True)
class Disabled:
    """`by_recipient`: it answered 410, so it was not its owner who disabled it."""

    at: datetime
    by_recipient: bool


@dataclass(frozen=True)
class Endpoint:
    """`events`: the types that are sent there. `old_secret_valid_until`: until then also an older secret signs."""

    id: EndpointId
    kind: EndpointKind
    url: str = field(repr=False)
    events: Sequence[str]
    description: str
    disabled: Disabled | None
    created_at: datetime
    rotated_at: datetime | None
    old_secret_valid_until: datetime | None


@dataclass(frozen=True)
class Change:
    """What is to be changed of an endpoint; None leaves it."""

    url: str | None = None
    events: Sequence[str] | None = None
    description: str | None = None
    enabled: bool | None = None


class Endpoints:
    def __init__(self, store: Store, clock: Clock, cipher: Cipher) -> None:
        self._endpoints = store.collection("endpoints")
        self._clock = clock
        self._secrets = SigningSecrets(cipher, WHAT)

    async def create(
        self, owner: UserId, url: str, events: Sequence[str], description: str = ""
    ) -> tuple[Endpoint, str]:
        """The endpoint and, this once, its secret. Raises `TooMany` and `NoEncryptionKey`."""
        secret, kept = self._secrets.first()
        endpoint = self._new(owner, EndpointKind.ENDPOINT, url, events, description, kept)
        while True:
            there = await self._endpoints.find({"userId": owner}, projection=["place"], limit=MOST + 1)
            endpoint["place"] = free_place({other["place"] for other in there}, MOST, TOO_MANY)
            try:
                await self._endpoints.insert_one(dict(endpoint))
            except DuplicateKey:
                continue  # another request has taken the place: looked at again
            return self._read(endpoint), secret

    async def list(self, owner: UserId) -> Sequence[Endpoint]:
        """In the order they were made in; that of single bulks first, where there is one."""
        found = await self._endpoints.find({"userId": owner}, limit=MOST + 1)
        found.sort(key=lambda one: (one["kind"] != EndpointKind.BULKS, one["created_at"], one["_id"]))
        return [self._read(one) for one in found]

    async def find(self, owner: UserId, endpoint_id: EndpointId) -> Endpoint:
        """Raises `NotFound`, also for somebody else's."""
        return self._read(await self._stored(owner, endpoint_id))

    async def change(self, owner: UserId, endpoint_id: EndpointId, change: Change) -> Endpoint:
        """What is on its way already goes to the new URL. Raises `NotFound`, also for that of single bulks."""
        changes: Document = {}
        if change.url is not None:
            changes["url"] = change.url
        if change.events is not None:
            changes["events"] = list(change.events)
        if change.description is not None:
            changes["description"] = change.description
        if change.enabled is not None:
            changes["disabled"] = None if change.enabled else self._disabled(by_recipient=False)
        mine: Document = {"_id": endpoint_id, "userId": owner, "kind": EndpointKind.ENDPOINT.value}
        if not changes:
            return await self.find(owner, endpoint_id)
        changed = await self._endpoints.find_one_and_update(mine, {"$set": changes})
        if changed is None:
            raise NotFound(WHAT)
        return self._read(changed)

    async def remove(self, owner: UserId, endpoint_id: EndpointId) -> None:
        """What is still to be sent there ends as dead. Raises `NotFound`."""
        mine = {"_id": endpoint_id, "userId": owner, "kind": EndpointKind.ENDPOINT.value}
        if not await self._endpoints.delete_one(mine):
            raise NotFound(WHAT)

    async def rotate(self, owner: UserId, endpoint_id: EndpointId) -> tuple[Endpoint, str]:
        """A new secret, shown this once. Those before it sign beside it for another 24 hours at most, each as it was
        promised. Raises `NotFound`, `NoEncryptionKey`, and `TooMany` where five are valid already."""
        while True:
            stored = await self._stored(owner, endpoint_id)
            secret, changes = self._secrets.rotated(stored, self._clock.now())
            unchanged = {"_id": stored["_id"], "version": stored["version"]}
            if await self._endpoints.update_one(unchanged, {"$set": changes}):
                return self._read({**stored, **changes}), secret

    async def of_bulks(self, owner: UserId) -> Endpoint:
        """The one whose secret signs what goes to URLs of single bulks; made on first use. Raises `NoEncryptionKey`."""
        return self._read(await self._stored_of_bulks(owner))

    async def signing(self, owner: UserId, endpoint_id: EndpointId) -> tuple[Endpoint, Signing]:
        """Raises `NotFound`, `NoEncryptionKey` and `SecretUnreadable`."""
        stored = await self._stored(owner, endpoint_id)
        return self._read(stored), Signing(stored["url"], self._secrets.valid(stored, self._clock.now()))

    async def signing_for_bulks(self, owner: UserId, url: str) -> Signing:
        """For a URL that a bulk names. Raises `NoEncryptionKey` and `SecretUnreadable`."""
        stored = await self._stored_of_bulks(owner)
        return Signing(url, self._secrets.valid(stored, self._clock.now()))

    async def disable_gone(self, owner: UserId, endpoint_id: EndpointId, url: str) -> bool:
        """It answered at this URL that it wants nothing any more. Whether that disabled it: not if it was removed, is
        disabled already, or has another URL by now."""
        mine = {"_id": endpoint_id, "userId": owner, "url": url, "disabled": None}
        disabled = {"$set": {"disabled": self._disabled(by_recipient=True)}}
        return bool(await self._endpoints.update_one(mine, disabled))

    def _disabled(self, *, by_recipient: bool) -> Document:
        return {"at": self._clock.now(), "by_recipient": by_recipient}

    async def _stored(self, owner: UserId, endpoint_id: EndpointId) -> Document:
        found = await self._endpoints.find_one({"_id": endpoint_id, "userId": owner})
        if found is None:
            raise NotFound(WHAT)
        return found

    async def _stored_of_bulks(self, owner: UserId) -> Document:
        while True:
            found = await self._endpoints.find_one({"userId": owner, "place": PLACE_OF_BULKS})
            if found is not None:
                return found
            _, kept = self._secrets.first()
            made = self._new(owner, EndpointKind.BULKS, "", (), "", kept) | {"place": PLACE_OF_BULKS}
            try:
                await self._endpoints.insert_one(dict(made))
            except DuplicateKey:
                continue  # another worker has just made it: its secret is the one
            return made

    def _new(
        self,
        owner: UserId,
        kind: EndpointKind,
        url: str,
        events: Sequence[str],
        description: str,
        kept: Document,
    ) -> Document:
        return {
            "_id": ObjectId(),
            "userId": owner,
            "kind": kind.value,
            "url": url,
            "events": list(events),
            "description": description,
            "disabled": None,
            **kept,
            "created_at": self._clock.now(),
        }

    def _read(self, stored: Document) -> Endpoint:
        disabled = stored["disabled"]
        return Endpoint(
            id=EndpointId(stored["_id"]),
            kind=EndpointKind(stored["kind"]),
            url=stored["url"],
            events=stored["events"],
            description=stored["description"],
            disabled=Disabled(disabled["at"], disabled["by_recipient"]) if disabled is not None else None,
            created_at=stored["created_at"],
            rotated_at=stored["rotated_at"],
            old_secret_valid_until=old_secret_valid_until(stored, self._clock.now()),
        )
