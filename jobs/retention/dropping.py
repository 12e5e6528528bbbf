"""Dropping the articles of a bulk that has ended, and keeping its record: counts, titles, times, costs, outcomes.

It is a control like any other: the intent is written on the bulk first, in the write that dates it, and whoever meets
it carries it out (`intents`). Which bulks are old enough is decided elsewhere.
"""

from __future__ import annotations

import structlog

from jobs.clock import Clock
from jobs.intents import Intent, Intents
from jobs.retention.archive import Archive
from jobs.retention.removal import Removal
from jobs.states import LIVE_BULKS
from jobs.storage.store import Document, Store

log = structlog.get_logger()


class Dropping:
    """With an `archive` the whole bulk is written there first."""

    def __init__(self, store: Store, clock: Clock, intents: Intents, removal: Removal, archive: Archive | None) -> None:
        self._bulks = store.collection("bulk_jobs")
        self._clock = clock
        self._intents = intents
        self._removal = removal
        self._archive = archive

    async def drop(self, bulk: Document) -> bool:
        """Whether the articles of `bulk`, which has ended, are on their way out; not where it has changed since it was
        read. Raises `ArchiveFailed`: then they stay."""
        if bulk["status"] in LIVE_BULKS:
            raise ValueError("only a bulk that has ended can lose its articles")
        this_one = {"_id": bulk["_id"], "shard": bulk["shard"], "rev": bulk["rev"]}

        async def is_still_there() -> bool:
            return await self._bulks.find_one(this_one, projection=["_id"]) is not None

        if self._archive is not None:
            # A file of its own: that of a removal is taken away where the bulk stays, and this one may be all there is.
            await self._archive.keep(bulk, self._removal.parts(bulk), is_still_there, articles=True)
        now = self._clock.now()
        if await self._intents.write(bulk, {"results_dropped_at": now}, Intent.DROP_RESULTS) is None:
            return False
        log.info("results_dropped", bulk_id=str(bulk["_id"]), archived=self._archive is not None)
        return True
