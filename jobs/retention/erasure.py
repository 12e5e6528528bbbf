"""Deleting all that is stored of one user, for good. Safe to repeat; who it is for, and whether, is decided elsewhere.

The order matters: first what lets the user begin something new (keys), then what runs is cancelled, then the bulks go
one by one, as retention has them go but without an archive, and last what others may still have written about them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from jobs.capacity.scopes import TENANT
from jobs.clock import Clock
from jobs.controls import Controls
from jobs.documents import BulkId, UserId
from jobs.errors import Busy, MoveRefused, NotFound
from jobs.events import BY_ADMIN
from jobs.retention.removal import Removal, Why
from jobs.states import LIVE_BULKS
from jobs.storage.store import Document, Filter, Name, Store

PAGE = 200


class Decision(StrEnum):
    """What becomes of a collection's documents when a user is erased."""

    FIRST = "first"
    """Deleted before anything else: with it the user could begin something new."""

    WITH_BULKS = "with bulks"
    """Deleted with the bulk that they are, or belong to."""

    DELETED = "deleted"
    """Deleted once no bulk is left."""

    ANONYMOUS = "anonymous"
    """Kept without the user: others' figures go by them."""

    NOBODYS = "nobody's"
    """Names no user."""

    APPLICATIONS = "the application's"
    """Not Pressrun's to write."""


DECISIONS: Mapping[Name, Decision] = {
    "api_keys": Decision.FIRST,
    "schedules": Decision.FIRST,
    "creations": Decision.DELETED,
    "bulk_jobs": Decision.WITH_BULKS,
    "generation_jobs": Decision.WITH_BULKS,
    "assets": Decision.WITH_BULKS,
    "notices": Decision.DELETED,
    "deliveries": Decision.DELETED,
    "templates": Decision.DELETED,
    "firings": Decision.DELETED,
    "targets": Decision.DELETED,
    "endpoints": Decision.DELETED,
    "preferences": Decision.DELETED,
    "mailboxes": Decision.DELETED,
    "user_counts": Decision.DELETED,
    "tallies": Decision.DELETED,
    "limits": Decision.DELETED,
    "removals": Decision.ANONYMOUS,
    "workers": Decision.NOBODYS,
    "replicas": Decision.NOBODYS,
    "database_format": Decision.NOBODYS,
    "pipelines": Decision.NOBODYS,
    "sessions": Decision.APPLICATIONS,
    "users": Decision.APPLICATIONS,
}
"""Every collection there is; a test holds it against `jobs.storage.store.Name`."""

SHOWN = (Decision.FIRST, Decision.WITH_BULKS, Decision.DELETED)


@dataclass(frozen=True)
class Erased:
    """`open_bulks` are not to be removed yet: jobs of theirs run, others change them, they are only half created, or a
    schedule is just making them."""

    bulks: int
    open_bulks: int


class Erasure:
    def __init__(self, store: Store, clock: Clock, controls: Controls, removal: Removal) -> None:
        self._store = store
        self._bulks = store.collection("bulk_jobs")
        self._removals = store.collection("removals")
        self._creations = store.collection("creations")
        self._clock = clock
        self._controls = controls
        self._removal = removal

    async def counts(self, user: UserId) -> Mapping[Name, int]:
        """How many documents of the user's each collection has that would be deleted, where there are any."""
        counted = {
            name: await self._store.collection(name).count(of_user(name, user))
            for name, decision in DECISIONS.items()
            if decision in SHOWN
        }
        return {name: count for name, count in counted.items() if count}

    async def erase(self, user: UserId) -> Erased:
        """One pass. Where it leaves open bulks, another one is needed once their jobs have been let go of; what it has
        deleted stays deleted. Raises `StoreUnavailable`."""
        await self._delete(Decision.FIRST, user)
        removed = 0
        # Before the bulks are looked for: what is under way now is a bulk by then, or told as one that stays.
        open_bulks = await self._store.collection("schedules").count({"userId": user})
        open_bulks += await self._creations.count({"userId": user, "state": {"$in": ["writing", "committed"]}})
        staying: list[BulkId] = []
        while some := await self._bulks.find({**_ours(user), "_id": {"$nin": staying}}, limit=PAGE):
            for bulk in some:
                if await self._remove(user, bulk):
                    removed += 1
                else:
                    staying.append(bulk["_id"])
        open_bulks += len(staying)
        if not open_bulks:
            await self._delete(Decision.DELETED, user)
            # The dates stay: sums that others see go by them until they are forgotten.
            await self._removals.update_many({"userId": user}, {"$set": {"userId": None, "by": None}})
        return Erased(removed, open_bulks)

    async def _remove(self, user: UserId, bulk: Document) -> bool:
        """Whether it is out of sight now."""
        if bulk["status"] in LIVE_BULKS:
            try:
                await self._controls.cancel(user, BulkId(bulk["_id"]), by=BY_ADMIN)
            except (Busy, MoveRefused, NotFound):
                return False
        ended = await self._bulks.find_one({"_id": bulk["_id"]})
        if ended is None:
            return True
        if ended["status"] in LIVE_BULKS or ended["slots"] or ended["intent"] is not None:
            return False
        return await self._removal.remove(ended, Why.ERASURE, None)

    async def _delete(self, decision: Decision, user: UserId) -> None:
        for name, decided in DECISIONS.items():
            if decided is decision:
                # A schedule that fires just now stays until it has: else a worker makes its bulk when all is deleted.
                at_rest: Document = {"firing": None} if name == "schedules" else {}
                await self._store.collection(name).delete_many({**of_user(name, user), **at_rest})


def _ours(user: UserId) -> Document:
    return {"userId": user, "schema": 1}


def of_user(name: Name, user: UserId) -> Filter:
    """The user's documents in a collection of which some are to be deleted."""
    match name:
        case "bulk_jobs" | "generation_jobs":
            return _ours(user)  # the application's own are not Pressrun's to delete
        case "user_counts":
            return {"_id": {"$in": [f"submissions:{user}", f"sends:{user}"]}}
        case "tallies":
            return {"_id": f"user:{user}"}
        case "limits":
            return {"_id": f"{TENANT}{user}", "running": 0}
        case "creations":
            return {"userId": user, "state": "done"}  # upkeep completes or clears away the others
        case _:
            return {"userId": user}
