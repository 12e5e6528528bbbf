"""Of which bulks and jobs this process has just made events: wakes its relay. A hint; upkeep finds what it has lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from jobs.documents import BulkId, JobId

MOST = 1000
"""Of each are remembered: a process without a relay must not collect them for ever."""


class Wake:
    def __init__(self) -> None:
        self._bulks: dict[BulkId, None] = {}
        self._jobs: dict[JobId, None] = {}
        self._news = asyncio.Event()

    def bulk(self, bulk_id: BulkId) -> None:
        if len(self._bulks) < MOST:
            self._bulks[bulk_id] = None
        self._news.set()

    def job(self, job_id: JobId) -> None:
        if len(self._jobs) < MOST:
            self._jobs[job_id] = None
        self._news.set()

    async def wait(self) -> None:
        """Until there is something to take."""
        await self._news.wait()

    def take(self) -> tuple[Sequence[BulkId], Sequence[JobId]]:
        """Each once, in the order in which they came."""
        taken = list(self._bulks), list(self._jobs)
        self._bulks.clear()
        self._jobs.clear()
        self._news.clear()
        return taken
