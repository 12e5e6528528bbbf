"""What there is to tell of a bulk or a job: events, each with an id that is made but once. Pure; it stores nothing.

An event is stored in the document that it tells of, in the very write that makes the state (decision 22). Its id says
which thing it was: so it may be told any number of times, and is still one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from jobs import tracing
from jobs.documents import BulkId, JobId
from jobs.storage.store import Document

BY_PRESSRUN = "pressrun"
BY_PERSON = "person"
BY_ADMIN = "admin"
"""Who has acted: Pressrun by itself, the owner, or somebody else who may. None where nobody did: it just ended."""

MAX_BYTES = 8_000
"""Of one event as it is stored; what people write is cut so that it fits."""

ERROR_LINES = 10
MOST_OF_A_LINE = 300
MOST_OF_A_NAME = 300
MOST_OF_AN_ERROR = 500
MOST_OF_A_REASON = 1000


class EventType(StrEnum):
    """The kinds of events (spec §9)."""

    BULK_COMPLETED = "bulk.completed"
    BULK_PAUSED = "bulk.paused"
    BULK_CANCELLED = "bulk.cancelled"
    BULK_PROGRESS = "bulk.progress"
    JOB_FAILED = "job.failed"
    JOB_AWAITING = "job.awaiting_selection"


@dataclass(frozen=True)
class Event:
    """`data` is how the bulk or the job stood just then. `by` is one of `BY_...`; `generation` is a bulk's only.
    `trace`: the `traceparent` of what has led to it, which nobody is told."""

    id: str
    type: EventType
    at: datetime
    by: str | None
    bulk_id: BulkId
    job_id: JobId | None
    generation: int | None
    data: Document
    trace: str | None = None

    def stored(self) -> Document:
        """As `read` takes it, and deliveries keep it."""
        return {
            "id": self.id,
            "type": self.type.value,
            "at": self.at,
            "by": self.by,
            "generation": self.generation,
            "data": self.data,
            "trace": self.trace,
        }

    @classmethod
    def read(cls, stored: Document, bulk_id: BulkId, job_id: JobId | None = None) -> Event:
        """As one of the functions below has made it, from the document of that bulk or job."""
        return cls(
            stored["id"],
            EventType(stored["type"]),
            stored["at"],
            stored["by"],
            bulk_id,
            job_id,
            stored["generation"],
            stored["data"],
            tracing.read(stored.get("trace")),
        )


def ended(bulk: Document, at: datetime, *, cancelled: bool, by: str | None = None) -> Document:
    """The generation is over. `bulk` here and below: as it is after the write, but for `rev`, which is from before."""
    kind = EventType.BULK_CANCELLED if cancelled else EventType.BULK_COMPLETED
    return _of_bulk(bulk, kind, "cancelled" if cancelled else "completed", at, by)


def paused(bulk: Document, at: datetime, by: str) -> Document:
    """The `rev` that the write replaces tells this pause from others of the generation."""
    return _of_bulk(bulk, EventType.BULK_PAUSED, f"paused-{bulk['rev']}", at, by)


def progress(bulk: Document, at: datetime, percent: int) -> Document:
    """So many of a hundred jobs, or more, have ended."""
    event = _of_bulk(bulk, EventType.BULK_PROGRESS, f"progress-{percent}", at, None)
    return {**event, "data": event["data"] | {"percent": percent}}


def failed(job: Document, at: datetime, error: str) -> Document:
    """`job` here and below: as it was claimed. Its `epoch` tells the running: only an intent starts another after it,
    and stamps a later one."""
    return _of_job(job, EventType.JOB_FAILED, "failed", at, {"error": cut(error, MOST_OF_AN_ERROR)})


def awaiting(job: Document, at: datetime, selection: Document) -> Document:
    asked = {
        "options": len(selection["options"]),
        "recommended": selection["recommended"],
        "until": selection["until"],
    }
    return _of_job(job, EventType.JOB_AWAITING, "awaiting", at, asked)


def cut(text: str, most: int) -> str:
    """At most so many bytes of it, as UTF-8; an ellipsis says that there was more."""
    if len(text.encode(errors="replace")) <= most:
        return text
    return text.encode(errors="replace")[: most - len("…".encode())].decode(errors="ignore") + "…"


def _of_bulk(bulk: Document, kind: EventType, what: str, at: datetime, by: str | None) -> Document:
    pause = bulk["pause"]
    data = {
        "name": None if bulk["name"] is None else cut(bulk["name"], MOST_OF_A_NAME),
        "status": bulk["status"],
        "total": bulk["total_items"],
        "completed": bulk["completed_items"],
        "failed": bulk["failed_items"],
        "cancelled": bulk["cancelled_items"],
        "cost": bulk["cost"],
        "usage": bulk["usage"],
        "created_at": bulk["created_at"],
        "started_at": bulk["started_at"],
        "completed_at": bulk["completed_at"],
        "errors": [cut(line, MOST_OF_A_LINE) for line in bulk["error_summary"][:ERROR_LINES]],
        "pause": None,
    }
    if pause is not None:
        reason = None if pause["reason"] is None else cut(pause["reason"], MOST_OF_A_REASON)
        data["pause"] = {"reason": reason, "cause": pause.get("cause"), "until": pause["until"]}
    return {
        "id": f"{bulk['_id']}-{bulk['generation']}-{what}",
        "type": kind.value,
        "at": at,
        "by": by,
        "generation": bulk["generation"],
        "data": data,
        "trace": tracing.read(bulk.get("trace")),
    }


def _of_job(job: Document, kind: EventType, what: str, at: datetime, more: Document) -> Document:
    return {
        "id": f"{job['_id']}-{job['epoch']}-{what}",
        "type": kind.value,
        "at": at,
        "by": None,
        "generation": None,
        "data": {"position": job["queue_position"], "title": _title(job), **more},
        "trace": tracing.read(job.get("trace")),
    }


def _title(job: Document) -> str | None:
    for field in ("topic", "keywords", "trend", "source_url"):
        said: Any = job.get(field)
        if said:
            return cut(", ".join(map(str, said)) if isinstance(said, list) else str(said), MOST_OF_A_NAME)
    return None
