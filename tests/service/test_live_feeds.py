"""What a feed gives its readers, whatever it was told before: the last state always arrives."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId

from jobs.documents import BulkId
from jobs.reading.changes import Change
from service.live.answers import BulkSnapshot, BulkUpdate
from service.live.events import BulkSubject, Event, EventKind
from service.live.feeds import Feed
from service.live.pace import Pace, Rhythm
from service.live.subscriptions import Subscription
from service.live.views import View

BULK = BulkId(ObjectId())
SUBJECT = BulkSubject("me", BULK)
NOW = datetime(2026, 11, 22, tzinfo=UTC)
A_WHILE = timedelta(seconds=5)


def bulk_view(kind: EventKind, rev: int, name: str) -> View:
    """What is told of a bulk of that name."""
    told: Any = BulkSnapshot if kind is EventKind.SNAPSHOT else BulkUpdate
    return View([Event(kind, str(BULK), rev, told.model_construct(rev=rev, bulk_job=name))], is_live=False)


class Scripted:
    """Answers one look after the other; None for an update is one that a snapshot says better."""

    def __init__(self, *looks: View | None) -> None:
        self._looks = list(looks)

    async def update(self, *_: object) -> View | None:
        return self._looks.pop(0)

    async def snapshot(self, *_: object) -> View:
        look = self._looks.pop(0)
        assert look is not None
        return look


@contextlib.asynccontextmanager
async def running(feed: Feed) -> AsyncIterator[None]:
    working = asyncio.create_task(feed.run(), name="feed")
    yield
    working.cancel()


async def test_what_is_as_it_was_before_a_snapshot_is_told_after_it() -> None:
    """A bulk that was paused with 600 running jobs, which is a snapshot, and resumed: it is as it was."""
    views: Any = Scripted(
        bulk_view(EventKind.SNAPSHOT, 1, "queued"),
        bulk_view(EventKind.BULK, 2, "running"),
        None,
        bulk_view(EventKind.SNAPSHOT, 3, "paused"),
        bulk_view(EventKind.BULK, 4, "running"),
    )
    feed = Feed(SUBJECT, BULK, views, Pace(Rhythm(tell=0.0)), lambda: NOW)
    reader = Subscription("me", SUBJECT, None, feed)
    feed.add(reader)
    seen = []
    async with running(feed):
        for rev in range(1, 5):
            seen += [event.model for event in (await reader.batch(A_WHILE)).events]
            feed.note(Change(BULK, None, "me", rev, NOW))
    assert [(told.rev, getattr(told, "bulk_job", None)) for told in seen] == [
        (1, "queued"),
        (2, "running"),
        (3, "paused"),
        (4, "running"),
    ]
