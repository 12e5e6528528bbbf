"""Removing a whole bulk: marked first, then out of everybody's sight in one write, then all that belonged to it.

The mark is a record of its own (`removals`), as a creation has one: so no other question about bulks has to know of it.
`marked` names the bulk at one revision, and its document is deleted at that revision alone: whoever changes the bulk
before that (a retry) has it stay, whoever comes after that finds no bulk. From `gone` on its jobs, assets and notices
are deleted, once more an hour later for what slow writers have left, and then it is `done`. Each step is safe to
repeat, to leave, and to do beside another. Which bulks are to go is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from enum import StrEnum

import structlog

from jobs.clock import Clock
from jobs.documents import UserId
from jobs.errors import ArchiveFailed, DuplicateKey
from jobs.retention.archive import Archive
from jobs.states import LIVE_BULKS
from jobs.storage.store import Document, Name, Store

log = structlog.get_logger()
HELPED_AFTER = timedelta(seconds=60)
LATE_WRITER_TIME = timedelta(hours=1)
KEPT = timedelta(days=30)
"""A record that is done: tallies go by it, which are forgotten long before."""

BATCH = 1000
READ_AT_ONCE = 50
IN_ORDER = [("queue_position", 1)]
HALF_DONE_AT_ONCE = 100
QUIET: Document = {"intent": None, "busy": 0, "events.0": {"$exists": False}}
"""Bulks of which nothing is owed: no control, no settle, nothing to tell."""

BELONGINGS: tuple[Name, ...] = ("generation_jobs", "assets", "notices")
"""What goes with a bulk, by `bulk_job_id`. Deliveries hold all that they tell, and are sent to their end; the record of
an Idempotency-Key must outlive its bulk, or its repeat would be paid for again. Both are forgotten by themselves."""


class Why(StrEnum):
    RETENTION = "retention"
    OWNER = "owner"
    ERASURE = "erasure"


class Stage(StrEnum):
    MARKED = "marked"
    GONE = "gone"
    CLEARED = "cleared"
    DONE = "done"


UNFINISHED: Document = {"state": {"$in": [stage.value for stage in Stage if stage is not Stage.DONE]}}
"""Removals of which something is left to be done."""


class Removal:
    """With an `archive` what retention removes is written there first."""

    def __init__(self, store: Store, clock: Clock, archive: Archive | None) -> None:
        self._store = store
        self._bulks = store.collection("bulk_jobs")
        self._removals = store.collection("removals")
        self._clock = clock
        self._archive = archive
        self._watcher: Callable[[Why], None] = _nobody

    def watch(self, watcher: Callable[[Why], None]) -> None:
        """It is told of each bulk that this process has put out of sight: of two at once, one is told."""
        self._watcher = watcher

    async def remove(self, bulk: Document, why: Why, by: UserId | None) -> bool:
        """Whether `bulk`, which has ended, is out of sight; not where it has changed since it was read, or another is
        at it. What a person wants gone takes the place of retention's mark, and waits for no archive.

        Raises `ArchiveFailed`: then it is tried again later, and stays till then.
        """
        if bulk["status"] in LIVE_BULKS:
            raise ValueError("only a bulk that has ended can be removed")
        now = self._clock.now()
        record: Document = {
            "userId": bulk["userId"],
            "shard": bulk["shard"],
            "rev": bulk["rev"],
            "created_at": bulk["created_at"],
            "state": Stage.MARKED.value,
            "why": why.value,
            "by": by,
            "at": now,
            "until": now + HELPED_AFTER,
            "archived": why is Why.RETENTION and self._archive is not None,
            "gone_at": None,
        }
        try:
            # One that is done is of the same bulk, put back since from an archive or a backup.
            done = {"_id": bulk["_id"], "state": Stage.DONE.value}
            await self._removals.update_one(done, {"$set": record, "$unset": {"expires_at": ""}}, upsert=True)
        except DuplicateKey:
            old = {"_id": bulk["_id"], "state": Stage.MARKED.value, "why": Why.RETENTION.value}
            if why is Why.RETENTION or not await self._removals.update_one(old, {"$set": record}):
                return False
        return await self._carry_out({"_id": bulk["_id"], **record})

    async def finish_half_done(self) -> int:
        """Go on with removals whose process seems to have died, and with those that are to be cleared once more.

        Raises `ArchiveFailed` when all others are done.
        """
        due = {**UNFINISHED, "until": {"$lte": self._clock.now()}}
        records = await self._removals.find(due, sort=[("until", 1)], limit=HALF_DONE_AT_ONCE)
        failed: ArchiveFailed | None = None
        for record in records:
            try:
                await self._carry_out(record)
            except ArchiveFailed as error:
                failed = error
                await self._put_off(record)
        if failed is not None:
            raise failed
        return len(records)

    async def _carry_out(self, record: Document) -> bool:
        stage = Stage(record["state"])
        if stage is Stage.MARKED:
            if not await self._take_away(record):
                return False
            stage = Stage.GONE
        elif await self._is_there(record):
            # Put back since, from an archive or a backup: its jobs are not what slow writers have left.
            await self._move(record, stage, Stage.DONE, {"expires_at": self._clock.now() + KEPT})
            return True
        await self._clear(record)
        if stage is Stage.GONE:
            await self._move(record, stage, Stage.CLEARED, {"until": self._clock.now() + LATE_WRITER_TIME})
        else:
            await self._move(record, stage, Stage.DONE, {"expires_at": self._clock.now() + KEPT})
        return True

    async def _take_away(self, record: Document) -> bool:
        this_one = {"_id": record["_id"], "shard": record["shard"], "rev": record["rev"]}
        if record["archived"] and not await self._archive_first(record, this_one):
            return False
        if not await self._bulks.delete_one(this_one) and await self._is_there(record):
            return await self._withdraw(record)
        # Only now: who sums bulks up looks for this date, and would otherwise have looked before the bulk was gone.
        if await self._move(record, Stage.MARKED, Stage.GONE, {}, dated="gone_at"):
            log.info("bulk_removed", bulk_id=str(record["_id"]), why=record["why"], archived=record["archived"])
            self._watcher(Why(record["why"]))
        return True

    async def _archive_first(self, record: Document, this_one: Document) -> bool:
        if self._archive is None:
            log.warning("removal_needs_the_archive", bulk_id=str(record["_id"]))  # a worker that has one goes on
            await self._put_off(record)
            return False
        bulk = await self._bulks.find_one(this_one)
        if bulk is None:
            return True  # whoever has taken it away has archived it before

        async def is_still_there() -> bool:
            return await self._bulks.find_one(this_one, projection=["_id"]) is not None

        # Whole only if the bulk outlasts the reading: its jobs are deleted after it, and change with it.
        await self._archive.keep(bulk, self.parts(bulk), is_still_there)
        return True

    async def parts(self, bulk: Document) -> AsyncIterator[tuple[Name, Document]]:
        """All of a bulk, itself first, with the collection of each; a few are read at a time."""
        yield "bulk_jobs", bulk
        mine = {"bulk_job_id": bulk["_id"]}
        jobs, assets = self._store.collection("generation_jobs"), self._store.collection("assets")
        ids = [found["_id"] for found in await jobs.find(mine, projection=["_id"], sort=IN_ORDER)]
        for start in range(0, len(ids), READ_AT_ONCE):  # not by position: all that will be cleared away must be read
            those = {**mine, "_id": {"$in": ids[start : start + READ_AT_ONCE]}}
            for job in await jobs.find(those, sort=IN_ORDER):
                yield "generation_jobs", job
        for found in await assets.find(mine, projection=["_id"]):
            asset = await assets.find_one({"_id": found["_id"]})
            if asset is not None:
                yield "assets", asset

    async def _withdraw(self, record: Document) -> bool:
        """It was changed after it was marked: it stays, and so does nothing of this mark."""
        if record["archived"] and self._archive is not None:
            await self._archive.forget(record["_id"], record["rev"])
        await self._removals.delete_one({"_id": record["_id"], "state": Stage.MARKED.value, "rev": record["rev"]})
        return False

    async def _is_there(self, record: Document) -> bool:
        return await self._bulks.find_one({"_id": record["_id"]}, projection=["_id"]) is not None

    async def _put_off(self, record: Document) -> None:
        """Behind those that can be done."""
        await self._move(record, Stage.MARKED, Stage.MARKED, {"until": self._clock.now() + HELPED_AFTER})

    async def _clear(self, record: Document) -> None:
        mine = {"bulk_job_id": record["_id"]}
        for name in BELONGINGS:
            collection = self._store.collection(name)
            while some := await collection.find(mine, projection=["_id"], limit=BATCH):
                await collection.delete_many({**mine, "_id": {"$in": [found["_id"] for found in some]}})

    async def _move(
        self, record: Document, before: Stage, after: Stage, changes: Document, *, dated: str | None = None
    ) -> bool:
        """Whether it was this one that moved it."""
        update: Document = {"$set": {"state": after.value, **changes}}
        if dated is not None:
            update["$currentDate"] = {dated: True}
        mine = {"_id": record["_id"], "state": before.value, "rev": record["rev"]}
        return await self._removals.update_one(mine, update) == 1


def _nobody(why: Why) -> None:
    """Watches."""
