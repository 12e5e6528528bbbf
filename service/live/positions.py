"""Event ids: how far a stream has told its reader, and about what. They mean nothing to their holder, hold no secret
and give no right: they are good on every replica, and after a restart."""

from __future__ import annotations

import base64
import binascii
import hashlib
from datetime import UTC, datetime, timedelta

from service.live.events import Subject

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
A_MILLISECOND = timedelta(milliseconds=1)
MARK_BYTES = 6
MOMENT_BYTES = 8


def event_id(subject: Subject, moment: datetime) -> str:
    """All that changed before that moment has been told."""
    since = ((moment - EPOCH) // A_MILLISECOND).to_bytes(MOMENT_BYTES, "big")
    return base64.urlsafe_b64encode(_mark(subject) + since).rstrip(b"=").decode()


def moment_of(event_id: str, subject: Subject) -> datetime | None:
    """None for one that cannot be read, or is of another subject."""
    try:
        raw = base64.b64decode(event_id + "=" * (-len(event_id) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) != MARK_BYTES + MOMENT_BYTES or raw[:MARK_BYTES] != _mark(subject):
        return None
    try:
        return EPOCH + A_MILLISECOND * int.from_bytes(raw[MARK_BYTES:], "big")
    except OverflowError:
        return None


def _mark(subject: Subject) -> bytes:
    return hashlib.sha256(repr(subject).encode()).digest()[:MARK_BYTES]
