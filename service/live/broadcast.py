"""All live streams of this process: who listens to what, and the tasks that serve them. Nothing is sent here."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Coroutine
from datetime import datetime
from typing import Any

import structlog

from jobs.documents import BulkId, UserId
from jobs.reading.changes import Change
from jobs.system import System
from service.live.events import QueueSubject, Subject
from service.live.feeds import Feed
from service.live.pace import Pace, Rhythm
from service.live.subscriptions import Subscription
from service.live.views import Views
from service.live.watcher import Watcher
from service.refusals import TooManyStreams

log = structlog.get_logger()
CLOSE_SECONDS = 1.0


class Broadcast:
    """A feed for each subject that has readers, and one watcher while there is any. Bound to one event loop."""

    def __init__(self, parts: System, most_per_user: int, rhythm: Rhythm) -> None:
        self.views = Views(parts)
        self.is_stopping = False
        self._parts = parts
        self._most_per_user = most_per_user
        self._pace = Pace(rhythm)
        self._feeds: dict[Subject, Feed] = {}
        self._of_bulk: defaultdict[BulkId, set[Feed]] = defaultdict(set)
        self._readers: dict[Subscription, Feed] = {}
        self._streams_of: Counter[UserId] = Counter()
        self._tasks: dict[Feed | Watcher, asyncio.Task[None]] = {}
        self._watcher: Watcher | None = None
        self._nobody = asyncio.Event()

    @property
    def count(self) -> int:
        """How many streams there are."""
        return len(self._readers)

    def count_of(self, kind: type[Subject]) -> int:
        """How many of one kind of subject; may be asked from any thread."""
        return sum(isinstance(feed.subject, kind) for feed in list(self._readers.values()))

    def now(self) -> datetime:
        return self._parts.clock.now()

    def subscribe(self, user: UserId, subject: Subject, bulk_id: BulkId | None, since: datetime | None) -> Subscription:
        """`bulk_id` is the subject's, if it has one. To be given back with `unsubscribe`. Raises `TooManyStreams`."""
        if self._streams_of[user] >= self._most_per_user:
            raise TooManyStreams(self._most_per_user)
        # The watcher first: what changes after a reader's snapshot was read must be found.
        watcher = self._watching()
        feed = self._feeds.get(subject)
        if feed is None or feed.is_over:
            feed = Feed(subject, bulk_id, self.views, self._pace, lambda: watcher.told_until)
            self._feeds[subject] = feed
            if bulk_id is not None:
                self._of_bulk[bulk_id].add(feed)
            self._start(feed, feed.run(), f"live feed {subject}")
        reader = Subscription(user, subject, since, feed)
        self._streams_of[user] += 1
        self._readers[reader] = feed
        feed.add(reader)
        if self.is_stopping:
            reader.end()
        return reader

    def unsubscribe(self, reader: Subscription) -> None:
        feed = self._readers.pop(reader)
        self._streams_of[reader.user] -= 1
        if not self._streams_of[reader.user]:
            del self._streams_of[reader.user]
        feed.remove(reader)
        if feed.is_deserted:
            self._drop(feed)
        if not self._readers:
            self._nobody.set()
            self._cancel(self._watcher)
            self._watcher = None

    async def stop(self) -> None:
        """All streams end in good order; those that cannot within a second are cut off."""
        self.is_stopping = True
        for reader in list(self._readers):
            reader.end()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                while self._readers:
                    self._nobody.clear()
                    await self._nobody.wait()
        except TimeoutError:
            for reader in list(self._readers):
                if reader.hang_up is not None:
                    reader.hang_up()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _watching(self) -> Watcher:
        if self._watcher is None:
            parts, rhythm = self._parts, self._pace.rhythm
            self._watcher = Watcher(parts.changes, parts.clock, rhythm.look, self._tell)
            self._start(self._watcher, self._watcher.run(), "live watcher")
        return self._watcher

    def _tell(self, change: Change) -> None:
        for feed in self._of_bulk.get(change.bulk_id, ()):
            feed.note(change)
        for owner in (change.owner, None):
            queue = self._feeds.get(QueueSubject(owner))
            if queue is not None:
                queue.note(change)

    def _drop(self, feed: Feed) -> None:
        if self._feeds.get(feed.subject) is feed:
            del self._feeds[feed.subject]
        if feed.bulk_id is not None:
            self._of_bulk[feed.bulk_id].discard(feed)
            if not self._of_bulk[feed.bulk_id]:
                del self._of_bulk[feed.bulk_id]
        self._cancel(feed)

    def _cancel(self, worker: Feed | Watcher | None) -> None:
        """One that has ended already, or is cancelled by `stop`, stays so."""
        if worker is not None and (task := self._tasks.get(worker)):
            task.cancel()

    def _start(self, worker: Feed | Watcher, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks[worker] = task
        task.add_done_callback(lambda ended: self._ended(worker, ended))

    def _ended(self, worker: Feed | Watcher, task: asyncio.Task[None]) -> None:
        self._tasks.pop(worker, None)
        if task.cancelled() or (error := task.exception()) is None:
            return
        log.error("live_task_failed", task=task.get_name(), exc_info=error)
        if worker is self._watcher:
            self._watcher = None  # the next who listens has a new one
            for reader in list(self._readers):
                reader.end()  # nobody is left listening to nothing: they come back
