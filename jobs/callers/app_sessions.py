"""Sessions that the application in front keeps in its database, as the MongoDB adapter of Auth.js stores them.

Nothing of the application's may be written here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from bson import ObjectId

from jobs.clock import Clock
from jobs.documents import UserId, user_id
from jobs.notification.mail_address import read_address
from jobs.storage.store import Store

LONGEST_USER = 200
_TOKEN = re.compile(r"[!-~]{1,256}")


@dataclass(frozen=True)
class AppSession:
    """Whose session it is; `expires` in seconds since 1970. `email` is the address that the application has of them."""

    user: UserId
    email: str | None
    expires: float


class AppSessions:
    """Found anew each time: one that the application deletes, as it does when somebody signs out, is over."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._sessions = store.collection("sessions")
        self._users = store.collection("users")
        self._clock = clock

    async def find(self, token: str) -> AppSession | None:
        """None where it is not stored, is over, or its user is gone. Raises `StoreUnavailable`, `StoreRefused`."""
        if not _TOKEN.fullmatch(token):
            return None
        session = await self._sessions.find_one({"sessionToken": token}, projection=["userId", "expires"])
        if session is None:
            return None
        owner, expires = plausible_user(session.get("userId")), session.get("expires")
        if owner is None or not isinstance(expires, datetime) or expires < self._clock.now():
            return None
        user = await self._users.find_one({"_id": session["userId"]}, projection=["email"])
        return None if user is None else AppSession(owner, plausible_email(user.get("email")), expires.timestamp())

    async def look(self) -> None:
        """Read what `find` reads. Raises `StoreUnavailable`, and `StoreRefused` where that may not be read."""
        for collection in (self._sessions, self._users):
            await collection.find_one({}, projection=[])


def plausible_user(value: object) -> UserId | None:
    """What the application calls a user, as it is stored here; None where it cannot be."""
    if isinstance(value, ObjectId):
        return value
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_USER or not value.isprintable():
        return None
    return user_id(value)


def plausible_email(value: object) -> str | None:
    """The address, where it is one that mail can be sent to."""
    try:
        return read_address(value) if isinstance(value, str) else None
    except ValueError:
        return None
