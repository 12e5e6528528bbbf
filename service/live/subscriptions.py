"""One reader's share: the latest state of each document that it has not been told yet. Nothing is sent here.

It never holds more than `MOST_PENDING` of them: a reader that is further behind is given a snapshot instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from jobs.documents import UserId
from service.live.events import Event, EventKind, Subject

MOST_PENDING = 500


@dataclass(frozen=True)
class Batch:
    """Once the events are told, all that changed before `told_until` is; None where that is not known yet."""

    events: Sequence[Event]
    told_until: datetime | None


class Source(Protocol):
    def add(self, reader: Subscription) -> None:
        """It wants to be told where things stand."""

    def quiet_until(self) -> datetime | None:
        """All that changed before that moment has been given to all readers; None while something is under way."""


class Subscription:
    """`since`: what the reader has been told before it lost its connection; None: it wants a snapshot first."""

    def __init__(self, user: UserId, subject: Subject, since: datetime | None, source: Source) -> None:
        self.user = user
        self.subject = subject
        self.since = since
        self.ended = False
        self.hang_up: Callable[[], None] | None = None
        """Cuts the connection, whatever is still to be sent on it."""
        self._source = source
        self._pending: dict[str, Event] = {}
        self._told_until: datetime | None = None
        self._news = asyncio.Event()

    def put(self, events: Sequence[Event], told_until: datetime) -> None:
        """Later states take the place of earlier ones; a snapshot that of all."""
        if any(event.kind is EventKind.SNAPSHOT for event in events):
            self._pending.clear()
        for event in events:
            self._pending.pop(event.key, None)  # a document's place in the order is that of its last change
            self._pending[event.key] = event
        self._told_until = told_until
        if len(self._pending) > MOST_PENDING:
            self._pending.clear()
            self._told_until = None
            self.since = None
            self._source.add(self)
        if self._pending:
            self._news.set()

    def end(self) -> None:
        """Its stream sends nothing more, and ends."""
        self.ended = True
        self._news.set()

    async def batch(self, patience: timedelta) -> Batch:
        """What is to be told, waited for; nothing when the patience is over, or it has ended."""
        try:
            async with asyncio.timeout(patience.total_seconds()):
                await self._news.wait()
        except TimeoutError:
            pass
        events, self._pending = list(self._pending.values()), {}
        if not self.ended:
            self._news.clear()
        if not events:
            self._told_until = self._source.quiet_until() or self._told_until
        return Batch(events, self._told_until)
