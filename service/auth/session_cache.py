"""Sessions that were verified a moment ago, so that a page's requests do not each verify the same one.

Kept by a hash of what was sent, never by what was sent. Refusals are not kept: see decision 25.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import NewType

from jobs.callers.app_sessions import AppSession

SECONDS = 30
MOST = 10_000

Digest = NewType("Digest", bytes)


def digest_of(name: str | None, value: str) -> Digest:
    """The cookie's name counts: under another one the same token may be worth nothing."""
    return Digest(hashlib.sha256(f"{name or ''}={value}".encode()).digest())


class VerifiedSessions:
    """`now` in seconds. The least recently used goes first."""

    def __init__(self, now: Callable[[], float], most: int = MOST) -> None:
        self._now = now
        self._most = most
        self._kept: OrderedDict[Digest, tuple[float, AppSession]] = OrderedDict()

    def find(self, digest: Digest) -> AppSession | None:
        if (kept := self._kept.get(digest)) is None:
            return None
        since, session = kept
        now = self._now()
        # a clock that was set back makes nothing last longer
        if not since <= now < min(since + SECONDS, session.expires):
            del self._kept[digest]
            return None
        self._kept.move_to_end(digest)
        return session

    def keep(self, digest: Digest, session: AppSession) -> None:
        self._kept[digest] = (self._now(), session)
        self._kept.move_to_end(digest)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
