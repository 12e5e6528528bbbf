"""One subject that is listened to: what its changes mean is worked out once, and given to all its readers.

A feed works through its changes one after the other, and a snapshot in its turn: so no reader misses a change between
a snapshot and what comes after it, and no revision falls. Nothing is sent here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime

from jobs.documents import BulkId, JobId
from jobs.errors import NotFound, StoreUnavailable
from jobs.reading.changes import LATE, Change
from service.live.answers import RowUpdate
from service.live.events import BulkSubject, Event, JobSubject, Subject
from service.live.pace import Pace
from service.live.subscriptions import Subscription
from service.live.views import View, Views


class Feed:
    """`told_until` says before which moment all changes have been given to `note`: those of the subject, and of the
    bulk that it belongs to."""

    def __init__(
        self, subject: Subject, bulk_id: BulkId | None, views: Views, pace: Pace, told_until: Callable[[], datetime]
    ) -> None:
        self.subject = subject
        self.bulk_id = bulk_id
        self.is_over = False
        self._views = views
        self._pace = pace
        self._told_until = told_until
        self._readers: dict[Subscription, None] = {}
        self._newcomers: dict[Subscription, None] = {}
        self._changed = False
        self._job_ids: set[JobId] = set()
        self._revs: dict[str, int] = {}
        self._last: Event | None = None
        self._snapshot: tuple[View, datetime, float] | None = None
        self._is_live = True
        self._ceiling: int | None = None
        self._is_working = False
        self._news = asyncio.Event()
        self._next_at = self._refresh_at = self._not_before = 0.0

    @property
    def is_deserted(self) -> bool:
        return not self._readers and not self._newcomers

    def add(self, reader: Subscription) -> None:
        """It is given a snapshot, or what has changed since it was told last, and then every change."""
        self._readers.pop(reader, None)
        self._newcomers[reader] = None
        self._news.set()

    def remove(self, reader: Subscription) -> None:
        self._readers.pop(reader, None)
        self._newcomers.pop(reader, None)

    def quiet_until(self) -> datetime | None:
        """As `Source` says."""
        return None if self._changed or self._newcomers or self._is_working else self._told_until()

    def note(self, change: Change) -> None:
        match self.subject:
            case BulkSubject() if change.job_id is not None:
                self._job_ids.add(change.job_id)
            case JobSubject(job_id=job_id) if change.job_id not in (job_id, None):
                return  # another job of the same bulk
        self._changed = True
        self._news.set()

    def end(self) -> None:
        """The streams of all its readers end; they may come back."""
        for reader in [*self._readers, *self._newcomers]:
            reader.end()

    async def run(self) -> None:
        """Until cancelled, or until there is no such subject any more."""
        try:
            while True:
                await self._something_to_do()
                await self._work()
        except NotFound:
            pass  # deleted: whoever comes back is told so
        finally:
            self.is_over = True
            self.end()

    async def _something_to_do(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            at = self._due_at()
            if at is not None and at <= loop.time():
                if self._newcomers or self._changed or self._pace.may_refresh():
                    return
                self._refresh_at = at = loop.time() + self._pace.rhythm.refresh
            self._news.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(at):
                    await self._news.wait()

    def _due_at(self) -> float | None:
        """None: not before something happens."""
        if self._newcomers:
            return self._not_before
        if self._changed:
            return self._next_at
        return self._refresh_at if self._is_live else None

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        async with self._pace.turn:
            self._is_working = True
            changed, job_ids = self._changed, self._job_ids
            self._changed, self._job_ids = False, set()
            began = loop.time()
            try:
                await self._tell(changed, job_ids)
                self._next_at = loop.time() + self._pace.rest(loop.time() - began)
            except StoreUnavailable:
                self._changed = self._changed or changed
                self._job_ids |= job_ids
                self._not_before = self._next_at = loop.time() + self._pace.rhythm.away
            self._is_working = False
        self._refresh_at = self._next_at + self._pace.rhythm.refresh

    async def _tell(self, changed: bool, job_ids: set[JobId]) -> None:
        newcomers = list(self._newcomers)
        told_until = self._told_until()  # before anything is read: what comes later is told of again
        if changed:
            self._snapshot = None
        if self._readers and (changed or not newcomers):
            await self._tell_readers(job_ids, told_until)
        if newcomers:
            await self._tell_newcomers(newcomers, told_until)

    async def _tell_readers(self, job_ids: set[JobId], told_until: datetime) -> None:
        view = await self._views.update(self.subject, job_ids)
        if view is None or view.ceiling != self._ceiling:
            view = await self._views.snapshot(self.subject)
            events = list(view.events)
            self._last = None  # what was told before it may be news again
        else:
            events = self._news_in(view.events)
        self._is_live, self._ceiling = view.is_live, view.ceiling
        if events:
            self._snapshot = None
        _give(self._readers, events, told_until)

    async def _tell_newcomers(self, newcomers: Sequence[Subscription], told_until: datetime) -> None:
        returned = {reader: reader.since for reader in newcomers if reader.since is not None}
        fresh = [reader for reader in newcomers if reader not in returned]
        if returned:
            missed = await self._views.since(self.subject, min(returned.values()) - LATE)
            if missed is None:
                fresh = list(newcomers)
            else:
                self._welcome(list(returned), missed, told_until)
        if fresh:
            await self._show_all(fresh, told_until)

    async def _show_all(self, fresh: Sequence[Subscription], told_until: datetime) -> None:
        """With the last snapshot, if it is new enough, and nothing has been told since that it does not have."""
        now = asyncio.get_running_loop().time()
        if self._snapshot is None or self._snapshot[2] + self._pace.rhythm.refresh < now:
            self._snapshot = (await self._views.snapshot(self.subject), told_until, now)
        view, known_until, _ = self._snapshot
        self._welcome(fresh, view, known_until)

    def _welcome(self, readers: Sequence[Subscription], view: View, told_until: datetime) -> None:
        self._is_live, self._ceiling = view.is_live, view.ceiling
        self._last = None  # they may have been told another state than the others: whatever comes next is news
        here = [reader for reader in readers if self._newcomers.pop(reader, self) is not self]
        self._readers |= dict.fromkeys(here)
        _give(here, view.events, told_until)

    def _news_in(self, events: Sequence[Event]) -> list[Event]:
        """Without what says the same as the last time, and without what another server's answer would take back."""
        news = []
        for event in events:
            known = self._revs.get(event.key, 0)
            is_row = isinstance(event.model, RowUpdate)
            shown = event.rev == known if is_row else self._last is not None and _shows_the_same(event, self._last)
            if event.rev < known or shown:
                continue
            self._revs[event.key] = event.rev
            if not is_row:
                self._last = event
            news.append(event)
        return news


def _shows_the_same(one: Event, other: Event) -> bool:
    """Slots and leases come and go without anybody seeing it."""
    return one.model.model_copy(update={"rev": other.rev}) == other.model


def _give(readers: Iterable[Subscription], events: Sequence[Event], told_until: datetime) -> None:
    for reader in list(readers):
        reader.put(events, told_until)
