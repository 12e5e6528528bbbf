"""What one user may do, counted over all replicas by the database's clock. What is submitted is not known here.

Each thing that is counted has one document a user, with the moments of the last minute: a sliding window, so that no
minute ever has more. `counted` numbers all that was ever let in: whoever has looked at something else meanwhile (how
many bulks are open) names how far it may have come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bson import ObjectId

from jobs.clock import Clock
from jobs.documents import BulkId, UserId
from jobs.errors import Busy, DuplicateKey, TooManyOpenBulks, TooManySends, TooManySubmissions
from jobs.states import LIVE_BULKS
from jobs.storage.store import Document, Store

WINDOW = timedelta(seconds=60)
KEPT = timedelta(hours=1)
MOST_MOMENTS = 1_000
SENDS_PER_MINUTE = 30
TRIES = 8


@dataclass(frozen=True)
class UserLimits:
    """None is no limit. `sends_per_minute`: messages to webhooks that a user asks for, tests and replays."""

    submissions_per_minute: int | None = None
    open_bulks: int | None = None
    sends_per_minute: int | None = None


class UserCounts:
    def __init__(self, store: Store, clock: Clock, limits: UserLimits) -> None:
        self._counts = store.collection("user_counts")
        self._bulks = store.collection("bulk_jobs")
        self._clock = clock
        self._limits = limits

    async def count_submission(self, owner: UserId, bulk_id: BulkId, mark: str) -> None:
        """Before anything of it is stored. What has a mark of the last minute has been counted: so a key that several
        send at once is one submission, and one who dies before it is stored has spent one.

        Raises `TooManySubmissions` and `TooManyOpenBulks`, and counts nothing then.
        """
        most, open_bulks = self._limits.submissions_per_minute, self._limits.open_bulks
        if most is None and open_bulks is None:
            return
        count_id = f"submissions:{owner}"
        for _ in range(TRIES):
            seen, live = await asyncio.gather(self._seen(count_id), self._live(owner))
            now = self._clock.now()
            if any(entry["mark"] == mark for entry in seen["recent"]):
                return
            if most is not None and (wait := _wait(seen, most, now)):
                raise TooManySubmissions(most, wait)
            before = seen["counted"] + await self._room(owner, seen, live, now) if open_bulks is not None else None
            if await self._enter(count_id, {"mark": mark, "at": now, "bulk_id": bulk_id}, most, before):
                return
        raise Busy("count of submissions")

    async def count_send(self, owner: UserId) -> None:
        """Raises `TooManySends`."""
        most = self._limits.sends_per_minute
        if most is None:
            return
        count_id = f"sends:{owner}"
        for _ in range(TRIES):
            seen, now = await self._seen(count_id), self._clock.now()
            if wait := _wait(seen, most, now):
                raise TooManySends(most, wait)
            if await self._enter(count_id, {"mark": str(ObjectId()), "at": now}, most, None):
                return
        raise Busy("count of messages")

    async def _seen(self, count_id: str) -> Document:
        found = await self._counts.find_one({"_id": count_id})
        if found is not None:
            return found
        fresh = {"recent": [], "counted": 0, "expires_at": self._clock.now() + KEPT}
        try:
            await self._counts.insert_one({"_id": count_id, **fresh})
        except DuplicateKey:
            return await self._seen(count_id)  # another request has made it since the look
        return {"_id": count_id, **fresh}

    async def _enter(self, count_id: str, entry: Document, most: int | None, before: int | None) -> bool:
        room: Document = {"_id": count_id, "recent.mark": {"$ne": entry["mark"]}}
        if most is not None:
            last = f"recent.{most - 1}.at"
            room["$or"] = [{last: {"$exists": False}}, {last: {"$lte": entry["at"] - WINDOW}}]
        if before is not None:
            room["counted"] = {"$lt": before}
        update: Document = {
            "$push": {"recent": {"$each": [entry], "$position": 0, "$slice": most or MOST_MOMENTS}},
            "$inc": {"counted": 1},
            "$set": {"expires_at": entry["at"] + KEPT},
        }
        return await self._counts.update_one(room, update) == 1

    async def _live(self, owner: UserId, but: Sequence[BulkId] = ()) -> int:
        if self._limits.open_bulks is None:
            return 0
        live: Document = {"userId": owner, "status": {"$in": list(LIVE_BULKS)}}
        return await self._bulks.count(live | ({"_id": {"$nin": list(but)}} if but else {}))

    async def _room(self, owner: UserId, seen: Document, live: int, now: datetime) -> int:
        """For how many bulks more there is room for certain, whoever was let in before `seen`, and may not have stored
        theirs yet. Raises `TooManyOpenBulks`."""
        most = self._limits.open_bulks or 0
        lately = [entry["bulk_id"] for entry in seen["recent"] if entry["at"] > now - WINDOW]
        found = live + len(lately)
        if found >= most and lately:  # what is stored was counted twice, and may even have ended
            live, stored = await asyncio.gather(
                self._live(owner, lately), self._bulks.find({"_id": {"$in": lately}}, projection=["status"])
            )
            found = live + len(lately) - sum(bulk["status"] not in LIVE_BULKS for bulk in stored)
        if found >= most:
            raise TooManyOpenBulks(found, most)
        return most - found


def _wait(seen: Document, most: int, now: datetime) -> timedelta:
    """How long until the next one may come."""
    recent = seen["recent"]
    if len(recent) < most:
        return timedelta(0)
    opens: datetime = recent[most - 1]["at"] + WINDOW
    return max(opens - now, timedelta(0))
