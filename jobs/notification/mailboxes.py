"""Where an owner's mail goes: one record for each address, with the token of its unsubscribe links.

Which events are mailed is a matter of `preferences`. Nothing is sent here.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime

from jobs.clock import Clock
from jobs.documents import UserId
from jobs.errors import DuplicateKey, NotFound
from jobs.notification.mail_address import mailbox_key
from jobs.storage.store import Document, Store

TOKEN_BYTES = 24
LONGEST_TOKEN = 64


@dataclass(frozen=True)
class Mailbox:
    """`token` is as good as a mail from the box: who has it may end its mail, and have it again."""

    owner: UserId
    address: str
    token: str = field(repr=False)
    unsubscribed_at: datetime | None


class Mailboxes:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._mailboxes = store.collection("mailboxes")
        self._clock = clock

    async def kept(self, owner: UserId, address: str) -> Mailbox:
        """That of the address, made where there is none. Safe for several at once."""
        found = await self.find(owner, address)
        if found is not None:
            return found
        mailbox: Document = {
            "_id": _id(owner, address),
            "userId": owner,
            "address": address,
            "token": secrets.token_urlsafe(TOKEN_BYTES),
            "unsubscribed_at": None,
            "created_at": self._clock.now(),
        }
        try:
            await self._mailboxes.insert_one(dict(mailbox))
        except DuplicateKey:
            return await self.kept(owner, address)
        return _read(mailbox)

    async def find(self, owner: UserId, address: str) -> Mailbox | None:
        found = await self._mailboxes.find_one({"_id": _id(owner, address)})
        return _read(found) if found is not None else None

    async def by_token(self, token: str) -> Mailbox:
        """Raises `NotFound`."""
        found = await self._mailboxes.find_one({"token": token}) if len(token) <= LONGEST_TOKEN else None
        if found is None:
            raise NotFound("mailbox")
        return _read(found)

    async def unsubscribe(self, mailbox: Mailbox) -> Mailbox:
        """No mail of this owner's goes there any more. Safe to repeat."""
        return await self._set(mailbox, self._clock.now())

    async def subscribe(self, mailbox: Mailbox) -> Mailbox:
        """The opposite. For who holds the token, or is known to have the address."""
        return await self._set(mailbox, None)

    async def _set(self, mailbox: Mailbox, unsubscribed_at: datetime | None) -> Mailbox:
        changed = await self._mailboxes.find_one_and_update(
            {"_id": _id(mailbox.owner, mailbox.address)}, {"$set": {"unsubscribed_at": unsubscribed_at}}
        )
        if changed is None:
            raise NotFound("mailbox")
        return _read(changed)


def _id(owner: UserId, address: str) -> str:
    return f"{owner}/{mailbox_key(address)}"


def _read(stored: Document) -> Mailbox:
    return Mailbox(stored["userId"], stored["address"], stored["token"], stored["unsubscribed_at"])
