"""The seam between what changes and how it is shown: subjects, events, and renderers, which make text of events.

A route that wants a stream hands `service.live.streams.open_stream` a subject and a renderer. The subject says what is
listened to, and as whose; the renderer makes a message of each event, once for all streams that share the two:

    class RowsAsHtml:
        name = "html"

        def render(self, event: Event) -> Message | None:
            match event.model:
                case BulkSnapshot(): return Message(page_part(event.model))   # unnamed: what htmx swaps
                case RowUpdate(): return Message(row_part(event.model))
                case _: return None                                           # nothing to show

    return await open_stream(request, caller, BulkSubject(caller.user, bulk_id), RowsAsHtml())

The first event of a stream is a `snapshot` (unless it resumes); a later one replaces all that was told before. Nothing
is read from the database here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from fastapi.sse import format_sse_event

from jobs.documents import BulkId, JobId, UserId
from service.live.answers import Told


class EventKind(StrEnum):
    """`snapshot` is all of the subject; the others are the latest state of one document, or of the queue."""

    SNAPSHOT = "snapshot"
    BULK = "bulk"
    JOB = "job"
    QUEUE = "queue"


@dataclass(frozen=True)
class BulkSubject:
    """A bulk and its jobs. Told by `BulkSnapshot`, `BulkUpdate` and `RowUpdate`."""

    owner: UserId
    bulk_id: BulkId


@dataclass(frozen=True)
class JobSubject:
    """One job with all that is in it. Told by `JobUpdate`."""

    owner: UserId
    job_id: JobId


@dataclass(frozen=True)
class QueueSubject:
    """The owner's part of the queue, or all of it for None. Told by `QueueUpdate`."""

    owner: UserId | None


Subject = BulkSubject | JobSubject | QueueSubject


@dataclass(frozen=True)
class Message:
    """One server-sent event. Without a name it is what `onmessage` hears."""

    text: str
    name: str | None = None


class Renderer(Protocol):
    """`name` tells it from others: two of one name make the same text. What it makes may depend on the event alone."""

    @property
    def name(self) -> str: ...

    def render(self, event: Event) -> Message | None:
        """None where there is nothing to show."""


@dataclass(frozen=True, eq=False)
class Event:
    """`id` is the document's, `rev` its revision; of a reader's events with the same `key` only the last one counts."""

    kind: EventKind
    id: str
    rev: int
    model: Told
    _frames: dict[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def key(self) -> str:
        return f"{self.kind} {self.id}"

    def frame(self, renderer: Renderer) -> bytes:
        """As it is sent, made once; without the blank line at its end, so that an id may follow. Empty for None."""
        known = self._frames.get(renderer.name)
        if known is None:
            message = renderer.render(self)
            whole = format_sse_event(data_str=message.text, event=message.name) if message else b""
            known = self._frames[renderer.name] = whole.removesuffix(b"\n")
        return known
