"""Which format the database has, and whether this process may run on it. No document but the one record is written.

The record (`_id` is `format`) says the `format` that all documents have, the lowest that a process `needs` to know, and
which step has `begun`. It only ever grows.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from jobs.capacity.scopes import SYSTEM
from jobs.errors import DatabaseTooNew, DuplicateKey
from jobs.storage.store import Document, Store
from jobs.versions.migrations import FIRST, MIGRATIONS, Migration, last_format

log = structlog.get_logger()
RECORD: Document = {"_id": "format"}


@dataclass(frozen=True)
class Standing:
    """`begun`: the format that a step under way leads to."""

    format: int
    needs: int
    begun: int | None = None


class DatabaseFormat:
    """`migrations` are the steps that this process knows."""

    def __init__(self, store: Store, migrations: tuple[Migration, ...] = MIGRATIONS) -> None:
        self._records = store.collection("database_format")
        self._limits = store.collection("limits")
        self._migrations = migrations
        self.known = last_format(migrations)

    async def enter(self) -> Standing:
        """At a start, before anything else is written. A database that was never used has the newest format.

        Raises `DatabaseTooNew`; what is still to be migrated is logged.
        """
        if await self._records.find_one(RECORD, projection=["_id"]) is None:
            new = await self._unrecorded()
            try:
                await self._records.insert_one(
                    {**RECORD, "format": new.format, "needs": new.needs, "begun": None, "steps": []}
                )
            except DuplicateKey:
                pass  # another process has just entered
        standing = await self.require()
        if pending := self.pending(standing):
            log.warning(
                "migrations_pending", format=standing.format, known=self.known, steps=[step.what for step in pending]
            )
        return standing

    async def require(self) -> Standing:
        """Raises `DatabaseTooNew` where processes need to know a later format than this one does."""
        standing = await self.standing()
        if standing.needs > self.known:
            raise DatabaseTooNew(self.known, standing.needs)
        return standing

    async def standing(self) -> Standing:
        record = await self._records.find_one(RECORD)
        if record is None:
            return await self._unrecorded()
        return Standing(record["format"], record["needs"], record["begun"])

    def pending(self, standing: Standing) -> list[Migration]:
        """What is still to be done, in its order."""
        return [step for step in self._migrations if step.to > standing.format]

    async def begin(self, step: Migration) -> None:
        """From here on `needs` holds for every start. Does nothing where another has begun, or ended, the step."""
        at_it = {**RECORD, "format": step.to - 1, "begun": {"$ne": step.to}}
        needed: Document = {"needs": step.to} if step.locks_out else {}
        await self._records.update_one(at_it, {"$set": {"begun": step.to, **needed}})

    async def is_at(self, step: Migration) -> bool:
        """Whether the step is under way still."""
        return await self._records.find_one({**RECORD, "format": step.to - 1}, projection=["_id"]) is not None

    async def end(self, step: Migration, version: str) -> None:
        """Every document has the form of `step.to`. Does nothing where another has said so."""
        told = {"to": step.to, "what": step.what, "version": version}
        await self._records.update_one(
            {**RECORD, "format": step.to - 1, "begun": step.to},
            {
                "$set": {"format": step.to, "begun": None},
                "$push": {"steps": told},
                "$currentDate": {"migrated_at": True},
            },
        )

    async def _unrecorded(self) -> Standing:
        # every start of every version has left the system's limits there
        if await self._limits.find_one({"_id": SYSTEM}, projection=["_id"]) is not None:
            return Standing(FIRST, FIRST)
        return Standing(self.known, max((step.to for step in self._migrations if step.locks_out), default=FIRST))
