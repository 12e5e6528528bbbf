"""Which bulks may run now, in the order they are served: the first of them by id, as one read told a moment ago.

A claim's filter names these ids beside all that it demands, so that it matches few documents however many wait, on any
server. The list only says where to look first: whether a bulk may run is decided by the claim's own write.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from jobs.clock import Clock
from jobs.documents import BulkId
from jobs.states import ACTIVE_BULKS
from jobs.store import Document, Sort, Store

LENGTH = 100
AT_ONCE = 20
"""How many of them one claim's filter names."""

KEPT = timedelta(seconds=1)
READS_SHARE = 20
"""Where the server has to sort all that waits, reading the list takes at most a twentieth of the time."""

IN_ORDER: Sort = (("created_at", 1), ("_id", 1))


def claimable(now: datetime) -> Document:
    """Bulks from which a job may be started: all that may forbid it is in this filter."""
    return {
        "schema": 1,
        "status": {"$in": list(ACTIVE_BULKS)},
        "free": {"$gt": 0},
        "due_at": {"$lte": now},
        "spaced_until": {"$lte": now},
        "intent": None,
    }


class Shortlist:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._bulks = store.collection("bulk_jobs")
        self._clock = clock
        self._kept_until: datetime | None = None
        self._ids: list[BulkId] = []

    @property
    def is_old(self) -> bool:
        return self._kept_until is None or self._clock.now() >= self._kept_until

    @property
    def first(self) -> list[BulkId]:
        return self._ids[:AT_ONCE]

    def drop_first(self) -> None:
        """None of them may run a job just now: until the list is read anew those after them are the first."""
        del self._ids[:AT_ONCE]

    async def read(self) -> bool:
        """One read: the list anew; whether there is anything on it."""
        began = self._clock.now()
        found = await self._bulks.find(claimable(began), projection=["_id"], sort=IN_ORDER, limit=LENGTH)
        self._ids = [bulk["_id"] for bulk in found]
        now = self._clock.now()
        self._kept_until = now + max(KEPT, READS_SHARE * (now - began))
        return bool(self._ids)
