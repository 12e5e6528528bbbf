"""Events as their owner sees them in the app: a list, newest first, and how many are unread. Nothing is sent here.

Every question names the owner; a notice that is somebody else's is one that does not exist.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bson import ObjectId

from jobs.clock import Clock
from jobs.documents import UserId
from jobs.errors import DuplicateKey, NotFound
from jobs.events import BY_PERSON, BY_PRESSRUN, Event, EventType
from jobs.storage.paging import Order, Page, Place, Question
from jobs.storage.store import Document, Store
from jobs.storage.stretches import read_page

MOST_COUNTED = 100
"""Unread ones; whoever has more is told of so many."""

NEWEST_FIRST = Order("at", -1)
SCHEDULE_PAUSED = "schedule.paused"
"""Told here alone: it is of no bulk, to which webhooks and mail are bound."""


def is_shown(event: Event) -> bool:
    """Whether the list has it: what an owner did not do by themselves, and what waits for them."""
    match event.type:
        case EventType.BULK_COMPLETED | EventType.JOB_AWAITING:
            return True
        case EventType.BULK_PAUSED:
            return event.by == BY_PRESSRUN
        case EventType.BULK_CANCELLED:
            return event.by != BY_PERSON
        case EventType.BULK_PROGRESS | EventType.JOB_FAILED:
            return False


class Notices:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._notices = store.collection("notices")
        self._clock = clock

    async def keep(self, event: Event, owner: UserId) -> None:
        """Under the event's id: to keep it again changes nothing, also where it was read meanwhile."""
        notice: Document = {
            "_id": event.id,
            "userId": owner,
            "type": event.type.value,
            "at": event.at,
            "bulk_job_id": event.bulk_id,
            "job_id": event.job_id,
            "generation": event.generation,
            "by": event.by,
            "data": event.data,
            "shown": is_shown(event),
            "read_at": None,
        }
        try:
            await self._notices.insert_one(notice)
        except DuplicateKey:
            pass  # whoever was here before died before the event was taken away

    async def keep_of_schedule(self, told: Document, owner: UserId, schedule_id: ObjectId) -> None:
        """That it has paused itself: `{id, at, name, reason}`. Under its id: to keep it again changes nothing."""
        notice: Document = {
            "_id": told["id"],
            "userId": owner,
            "type": SCHEDULE_PAUSED,
            "at": told["at"],
            "bulk_job_id": None,
            "job_id": None,
            "schedule_id": schedule_id,
            "generation": None,
            "by": BY_PRESSRUN,
            "data": {"name": told["name"], "reason": told["reason"]},
            "shown": True,
            "read_at": None,
        }
        try:
            await self._notices.insert_one(notice)
        except DuplicateKey:
            pass  # whoever was here before died before saying so

    async def list(self, owner: UserId, limit: int = 20, cursor: str | None = None) -> Page:
        """Newest first. Raises `InvalidInput` for a cursor that this did not make."""
        question = Question({"userId": owner, "shown": True}, NEWEST_FIRST, limit, Place.read(cursor))
        return await read_page(self._notices, question, self._clock.now())

    async def find(self, owner: UserId, notice_id: str) -> Document:
        """Raises `NotFound`, also for somebody else's."""
        found = await self._notices.find_one({"_id": notice_id, "userId": owner, "shown": True})
        if found is None:
            raise NotFound("notice")
        return found

    async def unread(self, owner: UserId) -> int:
        """At most `MOST_COUNTED`."""
        return await self._notices.count({"userId": owner, "shown": True, "read_at": None}, limit=MOST_COUNTED)

    async def mark_read(self, owner: UserId, ids: Sequence[str] | None = None, *, up_to: datetime | None = None) -> int:
        """Those with these ids, or all that are not newer than `up_to`; how many were unread."""
        unread: Document = {"userId": owner, "shown": True, "read_at": None}
        if ids is not None:
            unread["_id"] = {"$in": list(ids)}
        if up_to is not None:
            unread["at"] = {"$lte": up_to}
        return await self._notices.update_many(unread, {"$set": {"read_at": self._clock.now()}})
