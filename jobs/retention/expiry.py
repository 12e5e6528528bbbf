"""Which bulks are old enough to go, or to lose their articles, by how they ended and when. How that is done is
`removal`'s and `dropping`'s affair."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from jobs.clock import Clock
from jobs.events import BY_PRESSRUN
from jobs.retention.dropping import Dropping
from jobs.retention.removal import QUIET, Removal, Why
from jobs.states import BulkStatus
from jobs.storage.store import Document, Store

AT_ONCE = 100
"""Bulks a look and status, so that a look has its end; the next one goes on."""


@dataclass(frozen=True)
class RetentionRules:
    """How long after their end bulks are kept, and the articles of those that are; None: for ever. With `archive` they
    are written there first."""

    completed: timedelta | None = None
    cancelled: timedelta | None = None
    results: timedelta | None = None
    archive: Path | None = None

    @property
    def by_status(self) -> Mapping[BulkStatus, timedelta]:
        ages = {BulkStatus.COMPLETED: self.completed, BulkStatus.CANCELLED: self.cancelled}
        return {status: age for status, age in ages.items() if age is not None}


class Retention:
    def __init__(self, store: Store, clock: Clock, removal: Removal, dropping: Dropping, rules: RetentionRules) -> None:
        self._bulks = store.collection("bulk_jobs")
        self._clock = clock
        self._removal = removal
        self._dropping = dropping
        self._rules = rules

    async def run(self) -> int:
        """How many bulks were removed. Raises `ArchiveFailed`: then none of those that should be in the archive."""
        await self._removal.finish_half_done()
        removed = sum([await self.remove(status, age) for status, age in self._rules.by_status.items()])
        if self._rules.results is not None:
            await self._drop(self._rules.results)
        return removed

    async def count(self, status: BulkStatus, age: timedelta) -> int:
        return await self._bulks.count(self._old(status, age))

    async def remove(self, status: BulkStatus, age: timedelta) -> int:
        """One look: how many of those that ended so, and so long ago, were removed. Raises `ArchiveFailed`."""
        bulks = await self._bulks.find(self._old(status, age), sort=[("completed_at", 1)], limit=AT_ONCE)
        return sum([await self._removal.remove(bulk, Why.RETENTION, BY_PRESSRUN) for bulk in bulks])

    def _old(self, status: BulkStatus, age: timedelta) -> Document:
        return {"schema": 1, "status": status.value, "completed_at": {"$lte": self._clock.now() - age}, **QUIET}

    async def _drop(self, age: timedelta) -> None:
        ended = {"$in": [BulkStatus.COMPLETED.value, BulkStatus.CANCELLED.value]}
        old = {"schema": 1, "status": ended, "results_dropped_at": None}
        old |= {"completed_at": {"$lte": self._clock.now() - age}, **QUIET}
        for bulk in await self._bulks.find(old, sort=[("completed_at", 1)], limit=AT_ONCE):
            await self._dropping.drop(bulk)
