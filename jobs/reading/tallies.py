"""What the jobs of an owner's ended bulks have come to, together: kept day by day, so that a look reads few bulks.

The days are those on which bulks were created, which never changes. What is kept in `tallies` follows from the bulks
alone and may be dropped at any moment; an answer is never taken from it unless it is proved to be right. Bulks that
have not ended are not counted here. A removal is a change like others, found by its record; who deletes bulks by hand
has to drop the tallies of their owner, and those of all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from typing import Any

from bson import ObjectId

from jobs.documents import UserId
from jobs.errors import DuplicateKey
from jobs.states import LIVE_BULKS, BulkStatus
from jobs.storage.paging import A_MILLISECOND, EPOCH
from jobs.storage.store import Document, Filter, Store
from jobs.storage.stretches import EARLIEST

DAY = timedelta(days=1)
OVERLAP = timedelta(seconds=30)
"""A change may be seen this much later than its date: its write then has ended, and servers' clocks differ by less."""

MANY = 500
ENDED = {"$in": [status.value for status in BulkStatus if status not in LIVE_BULKS]}
OF_ALL = "all"
GONE = -1
"""In the place of the revision of a bulk that was removed."""


@dataclass(frozen=True)
class Sums:
    """Of jobs: how many there are, and what became of them."""

    total: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0

    def __add__(self, other: Sums) -> Sums:
        return Sums(*(one + more for one, more in zip(astuple(self), astuple(other), strict=True)))


SUMMED: Document = {name: {"$sum": f"${name}_items"} for name in ("total", "completed", "failed", "cancelled")}
"""For a `$group` of bulks: gives the fields of `Sums`."""


def sums_of(row: Mapping[str, Any]) -> Sums:
    """From a row that `SUMMED` has made."""
    return Sums(**{name: row[name] for name in SUMMED})


Changes = Mapping[ObjectId, tuple[int, int, datetime]]
"""Of bulks by their id: `rev`, the day on which they were created, when they have changed."""


@dataclass(frozen=True)
class Seen:
    """The sums by day, right as long as what has changed `since` is still `known` and nothing else."""

    since: datetime
    known: Changes
    days: Mapping[int, Sums]

    @property
    def whole(self) -> Sums:
        return sum(self.days.values(), Sums())


class Tallies:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._bulks = store.collection("bulk_jobs")
        self._tallies = store.collection("tallies")
        self._removals = store.collection("removals")

    async def of_ended(self, owner: UserId | None) -> Seen:
        """Of the owner's bulks that have ended; of everybody's for None."""
        kept = await self._tallies.find_one({"_id": _key(owner)})
        before = _read(kept) if kept is not None else None
        changes = await self._changes(owner, before.since) if before is not None else None
        if before is not None and changes == before.known:
            return before
        return await self._counted_anew(owner, before)

    async def still_holds(self, owner: UserId | None, seen: Seen) -> bool:
        """Whether no bulk has ended or begun again since it was seen."""
        return await self._changes(owner, seen.since) == seen.known

    async def _counted_anew(self, owner: UserId | None, before: Seen | None) -> Seen:
        # In this order: a change that comes after it was asked for is not known, and so is found by the next look.
        since = await self._store.server_time() - OVERLAP
        changes = await self._changes(owner, before.since) if before is not None else None
        if before is not None and changes is not None:
            known = {bulk_id: change for bulk_id, change in changes.items() if change[2] >= since}
            days = dict(before.days)
            for day in _days_of(before.known, changes):
                days.pop(day, None)
                days |= await self._by_day(owner, {"created_at": {"$gte": _start(day), "$lt": _start(day + 1)}})
        else:
            known = dict(await self._changes(owner, since) or {})  # too many: the next look counts once more
            days = await self._by_day(owner, {"created_at": {"$gte": EARLIEST}})
        seen = Seen(since, known, days)
        await self._keep(owner, before, seen)
        return seen

    async def _changes(self, owner: UserId | None, since: datetime) -> Changes | None:
        """Of bulks that have ended, once had ended and were begun again, or are gone; None for too many to tell."""
        wanted = {**_of(owner), "changed_at": {"$gte": since}, "$or": [{"status": ENDED}, {"generation": {"$gt": 1}}]}
        found = await self._bulks.find(wanted, projection=["rev", "created_at", "changed_at"], limit=MANY)
        # After the bulks: one that was there a moment ago, and is gone now, is among these.
        gone = await self._removals.find(
            {**({} if owner is None else {"userId": owner}), "gone_at": {"$gte": since}},
            projection=["created_at", "gone_at"],
            limit=MANY,
        )
        if MANY in (len(found), len(gone)):
            return None
        changes = {bulk["_id"]: (bulk["rev"], _day(bulk["created_at"]), bulk["changed_at"]) for bulk in found}
        return changes | {bulk["_id"]: (GONE, _day(bulk["created_at"]), bulk["gone_at"]) for bulk in gone}

    async def _by_day(self, owner: UserId | None, created: Filter) -> dict[int, Sums]:
        day = {"$floor": {"$divide": [{"$subtract": ["$created_at", EPOCH]}, DAY / A_MILLISECOND]}}
        # Not as `$in`: a server that combines indexes would read all that ever ended beside those of the day.
        wanted = {**_of(owner), "status": {"$nin": [status.value for status in LIVE_BULKS]}, **created}
        rows = await self._bulks.aggregate([{"$match": wanted}, {"$group": {"_id": day, **SUMMED}}])
        return {int(row["_id"]): sums_of(row) for row in rows}

    async def _keep(self, owner: UserId | None, before: Seen | None, seen: Seen) -> None:
        """By compare-and-set: where another look was quicker, its sums stay. Both are right."""
        stored = {
            "since": seen.since,
            "known": [[bulk_id, *change] for bulk_id, change in seen.known.items()],
            "days": {str(day): list(astuple(sums)) for day, sums in seen.days.items()},
        }
        if before is not None:
            await self._tallies.update_one({"_id": _key(owner), "since": before.since}, {"$set": stored})
            return
        try:
            await self._tallies.insert_one({"_id": _key(owner), **stored})
        except DuplicateKey:
            pass


def _of(owner: UserId | None) -> Document:
    return {"schema": 1} if owner is None else {"schema": 1, "userId": owner}


def _key(owner: UserId | None) -> str:
    return OF_ALL if owner is None else f"user:{owner}"


def _read(kept: Document) -> Seen:
    known = {bulk_id: (rev, day, at) for bulk_id, rev, day, at in kept["known"]}
    return Seen(kept["since"], known, {int(day): Sums(*counts) for day, counts in kept["days"].items()})


def _days_of(before: Changes, after: Changes) -> set[int]:
    """Those of the bulks that are in one of the two only, or have another revision."""
    return {change[1] for _, change in set(before.items()) ^ set(after.items())}


def _day(moment: datetime) -> int:
    return (moment - EPOCH) // DAY


def _start(day: int) -> datetime:
    return EPOCH + day * DAY
