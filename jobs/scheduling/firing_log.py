"""What came of each firing of a schedule: kept once under the firing's id, for its owner. Nothing is fired here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bson import ObjectId

from jobs.documents import BulkId, UserId
from jobs.errors import DuplicateKey
from jobs.storage.paging import Order, Place, Question
from jobs.storage.store import Document, Store

KEPT = timedelta(days=90)
NEWEST_FIRST = Order("at", -1)


class Why(StrEnum):
    TIME = "time"
    HAND = "hand"


class Outcome(StrEnum):
    FIRED = "fired"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True)
class Firing:
    """What came of one. It stands for the moment `planned_at`, and for `passed_over` earlier ones that had no firing of
    their own (999 at most). `text` says why there is no bulk."""

    id: str
    why: Why
    planned_at: datetime
    passed_over: int
    at: datetime
    outcome: Outcome
    bulk_id: BulkId | None = None
    total_items: int | None = None
    text: str | None = None


@dataclass(frozen=True)
class FiringPage:
    """`next_cursor` is None on the last page."""

    firings: Sequence[Firing]
    next_cursor: str | None


class FiringLog:
    def __init__(self, store: Store) -> None:
        self._firings = store.collection("firings")

    async def keep(self, owner: UserId, schedule_id: ObjectId, firing: Firing) -> None:
        """Safe to repeat. That it has made a bulk stands against all else."""
        told: Document = {
            "userId": owner,
            "schedule_id": schedule_id,
            "why": firing.why.value,
            "planned_at": firing.planned_at,
            "passed_over": firing.passed_over,
            "at": firing.at,
            "outcome": firing.outcome.value,
            "bulk_id": firing.bulk_id,
            "total_items": firing.total_items,
            "text": firing.text,
            "expires_at": firing.at + KEPT,
        }
        try:
            await self._firings.insert_one({"_id": firing.id, **told})
        except DuplicateKey:
            if firing.outcome is Outcome.FIRED:  # somebody who was slower has failed with it
                other = {"_id": firing.id, "outcome": {"$ne": Outcome.FIRED.value}}
                await self._firings.update_one(other, {"$set": told})

    async def find(self, firing_id: str) -> Firing | None:
        found = await self._firings.find_one({"_id": firing_id})
        return _read(found) if found is not None else None

    async def page(self, schedule_id: ObjectId, limit: int, cursor: str | None = None) -> FiringPage:
        """Newest first, of 90 days. Raises `InvalidInput` for a cursor that this did not make."""
        asked = Question({"schedule_id": schedule_id}, NEWEST_FIRST, limit, Place.read(cursor))
        found = await self._firings.find(asked.filter, sort=asked.toward.sort, limit=limit + 1)
        page = asked.page(found)
        return FiringPage([_read(document) for document in page.documents], page.next_cursor)

    async def forget(self, schedule_id: ObjectId) -> None:
        """All of a schedule that is removed."""
        await self._firings.delete_many({"schedule_id": schedule_id})


def _read(stored: Document) -> Firing:
    return Firing(
        id=stored["_id"],
        why=Why(stored["why"]),
        planned_at=stored["planned_at"],
        passed_over=stored["passed_over"],
        at=stored["at"],
        outcome=Outcome(stored["outcome"]),
        bulk_id=stored["bulk_id"],
        total_items=stored["total_items"],
        text=stored["text"],
    )
