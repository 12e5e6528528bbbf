"""What makes each event once and tells it, broken on purpose: each of these takes one guard away. No tests here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from unittest.mock import patch

import jobs.documents
import jobs.events
import jobs.notification.telling
from jobs.intents import Intent, Intents
from jobs.notification.notices import Notices
from jobs.notification.outbox import Outbox
from jobs.storage.store import Document
from tests.crash.mutations import BULKS, Mutation, asks, does_nothing


@contextmanager
def counts_down_to_the_end_alone() -> Iterator[None]:
    def ends_until(_: Any, __: Any, ended: int, total: int) -> int:
        return total - ended

    with (
        patch.object(jobs.notification.telling, "ends_until", ends_until),
        patch.object(jobs.documents, "ends_until", ends_until),
    ):
        yield


@contextmanager
def asks_for_no_recount() -> Iterator[None]:
    original = Intents.write

    async def write(
        self: Intents, bulk: Document, changes: Document, kind: Intent | None, *rest: Any, **more: Any
    ) -> Any:
        return await original(self, bulk, changes, None if "notify" in changes else kind, *rest, **more)

    with patch.object(Intents, "write", write):
        yield


@contextmanager
def tells_in_ids(function: str, field: str) -> Iterator[None]:
    """Always the same in this field."""
    original = getattr(jobs.events, function)

    def made(document: Document, *rest: Any, **more: Any) -> Document:
        event: Document = original({**document, field: 1}, *rest, **more)
        return event

    with patch.object(jobs.events, function, made):
        yield


def nothing_told(_: Document) -> Document:
    return {"generation": 0, "percent": 0}


def begins_without_an_end(bulk: Document, _: datetime) -> tuple[Document, list[Document]]:
    return {"told": {"generation": bulk["generation"], "percent": None}, "cancelled_by": None}, []


def takes_all_away(filter: Document, update: Document) -> tuple[Document, Document] | None:
    return (filter, {"$set": {"events": []}}) if "$pull" in update else None


MUTATIONS_OF_TELLING: dict[str, Mutation] = {
    "a settle passes over percentages": counts_down_to_the_end_alone,
    "an end does not know what was told": lambda: patch.object(jobs.notification.telling, "told_of", nothing_told),
    "a begun generation forgets the last one's end": lambda: patch.object(
        jobs.notification.telling, "next_generation", begins_without_an_end
    ),
    "percentages that are past when they are chosen are told": lambda: patch.object(
        jobs.notification.telling, "chosen_anew", lambda _: {}
    ),
    "other percentages ask for no recount": asks_for_no_recount,
    "a job's second failure has the id of its first": lambda: tells_in_ids("_of_job", "epoch"),
    "a second pause has the id of the first": lambda: tells_in_ids("paused", "rev"),
    "a second end has the id of the first": lambda: tells_in_ids("ended", "generation"),
    "a relay keeps no notice": does_nothing(Notices, "keep"),
    "a relay takes away all there is": asks(BULKS, "update_one", takes_all_away),
    "nobody tells what other processes have left": does_nothing(Outbox, "relay", 0),
    "nobody tells what other processes' jobs have left": does_nothing(Outbox, "relay_jobs", 0),
}

TELLING_SHOWN_BY: dict[str, tuple[str, str]] = {
    "nobody tells what other processes' jobs have left": ("deaths", "generation_jobs.update_one"),
}
"""As `SHOWN_BY`."""
