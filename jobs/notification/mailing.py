"""To which addresses an event is mailed, and when: by its owner's preferences, and by what the bulk itself names."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from jobs.documents import UserId
from jobs.events import BY_PERSON, Event, EventType
from jobs.notification.addressed import Addressed, Channel
from jobs.notification.mail_address import mailbox_key
from jobs.notification.mailboxes import Mailboxes
from jobs.notification.preferences import Preferences, Way
from jobs.storage.store import Document

OF_BULKS = (
    EventType.BULK_COMPLETED,
    EventType.BULK_PAUSED,
    EventType.BULK_CANCELLED,
    EventType.BULK_PROGRESS,
)


class MailRecipients:
    """`digest_hour`: when the mail of a day is sent (UTC); None without a mail server: then nobody is mailed."""

    def __init__(self, preferences: Preferences, mailboxes: Mailboxes, digest_hour: int | None) -> None:
        self._preferences = preferences
        self._mailboxes = mailboxes
        self._digest_hour = digest_hour

    async def of(self, event: Event, owner: UserId, bulk: Document) -> Sequence[Addressed]:
        """What the owner has done is not mailed (spec §9). The address that a bulk names is told at once of all that
        happens to the bulk; the owner's own of what the preferences say, and never twice of one event."""
        if self._digest_hour is None or event.by == BY_PERSON:
            return []
        named = (bulk.get("notify") or {}).get("email") if event.type in OF_BULKS else None
        wanted = await self._preferences.read(owner)
        way = wanted.events[event.type]
        told = [at_once(named)] if named else []
        if wanted.email and way is not Way.OFF and not (named and mailbox_key(named) == mailbox_key(wanted.email)):
            told.append(at_once(wanted.email) if way is Way.AT_ONCE else self._daily(wanted.email, owner, event))
        return [one for one in told if one.address and await self._takes_mail(owner, one.address)]

    async def _takes_mail(self, owner: UserId, address: str) -> bool:
        return (await self._mailboxes.kept(owner, address)).unsubscribed_at is None

    def _daily(self, address: str, owner: UserId, event: Event) -> Addressed:
        at = next_digest(event.at, self._digest_hour or 0)
        return Addressed(Channel.EMAIL, recipient_key(address), address=address, due_at=at, digest=digest_id(owner, at))


def at_once(address: str) -> Addressed:
    return Addressed(Channel.EMAIL, recipient_key(address), address=address)


def recipient_key(address: str) -> str:
    """Without the address itself, which may hold what no id may."""
    return f"mail-{hashlib.sha256(mailbox_key(address).encode()).hexdigest()[:24]}"


def digest_id(owner: UserId, at: datetime) -> str:
    """The id of what a digest tells of: one for each user and day."""
    whose = hashlib.sha256(str(owner).encode()).hexdigest()[:24]
    return f"digest-{whose}-{at:%Y-%m-%d}"


def next_digest(after: datetime, hour: int) -> datetime:
    """The first digest's moment that is later than this."""
    today = after.replace(hour=hour, minute=0, second=0, microsecond=0)
    return today if today > after else today + timedelta(days=1)
