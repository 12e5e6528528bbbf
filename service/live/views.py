"""What there is to tell of a subject: all of it, or what has changed of it. Read from the database, told to nobody."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import assert_never

from jobs.documents import BulkId, JobId
from jobs.states import LIVE_BULKS, LIVE_JOBS, BulkStatus
from jobs.storage.store import Document
from jobs.system import System
from service.live.answers import BulkSnapshot, BulkUpdate, JobUpdate, QueueUpdate, RowUpdate
from service.live.events import BulkSubject, Event, EventKind, JobSubject, QueueSubject, Subject
from service.rules.looking import bulk_told, look_at_bulk, look_at_job, look_at_queue, progress_of, rows_of
from service.schemas.answers import Progress

MOST_ROWS = 500
"""More than so many rows are not told one by one: a snapshot takes their place."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class View:
    """`is_live`: time alone may change it, so it is worth another look. `ceiling`: a bulk's; once it is another, rows
    show something else that were not written themselves, and a snapshot says it better."""

    events: Sequence[Event]
    is_live: bool
    ceiling: int | None = None


class Views:
    """Every method raises `NotFound` for what is not there, or is somebody else's."""

    def __init__(self, parts: System) -> None:
        self._parts = parts

    async def check(self, subject: Subject) -> BulkId | None:
        """The bulk that it is, or belongs to."""
        match subject:
            case BulkSubject(owner, bulk_id):
                await self._parts.lookup.bulk(owner, bulk_id)
                return bulk_id
            case JobSubject(owner, job_id):
                return BulkId((await self._parts.lookup.job(owner, job_id))["bulk_job_id"])
            case QueueSubject():
                return None
        assert_never(subject)

    async def snapshot(self, subject: Subject) -> View:
        match subject:
            case BulkSubject(owner, bulk_id):
                bulk = await self._parts.lookup.bulk(owner, bulk_id)
                detail = await look_at_bulk(self._parts, bulk)
                whole = BulkSnapshot.model_construct(**dict(detail), rev=bulk["rev"])
                event = Event(EventKind.SNAPSHOT, str(bulk_id), bulk["rev"], whole)
                return View([event], _is_live(bulk), bulk["ceiling"])
            case JobSubject():
                return await self._job(subject, EventKind.SNAPSHOT)
            case QueueSubject():
                return await self._queue(subject, EventKind.SNAPSHOT)
        assert_never(subject)

    async def update(self, subject: Subject, job_ids: Collection[JobId] = ()) -> View | None:
        """Its state now, and of a bulk these rows; None where a snapshot says it better."""
        match subject:
            case BulkSubject(owner, bulk_id):
                if len(job_ids) > MOST_ROWS:
                    return None
                bulk = await self._parts.lookup.bulk(owner, bulk_id)
                rows = await self._parts.changes.rows(bulk, list(job_ids)) if job_ids else []
                return await self._bulk(bulk, rows)
            case JobSubject():
                return await self._job(subject, EventKind.JOB)
            case QueueSubject():
                return await self._queue(subject, EventKind.QUEUE)
        assert_never(subject)

    async def since(self, subject: Subject, moment: datetime) -> View | None:
        """What has changed since then; None where a snapshot says it better."""
        match subject:
            case BulkSubject(owner, bulk_id):
                bulk = await self._parts.lookup.bulk(owner, bulk_id)
                rows = await self._parts.changes.rows_since(bulk, moment, MOST_ROWS + 1)
                if len(rows) > MOST_ROWS or (_had_canary(bulk) and _changed_since(bulk, moment)):
                    return None
                if rows or _changed_since(bulk, moment):
                    return await self._bulk(bulk, rows)
                return View([], _is_live(bulk), bulk["ceiling"])
            case JobSubject() | QueueSubject():
                return await self.update(subject)
        assert_never(subject)

    async def _bulk(self, bulk: Document, rows: Sequence[Document]) -> View:
        told, held_up = await progress_of(self._parts, bulk)
        rev = bulk["rev"]
        shown = await rows_of(self._parts, bulk, held_up, rows)
        of_rows = [
            Event(EventKind.JOB, str(row["_id"]), row["rev"], RowUpdate.model_construct(rev=row["rev"], job=job))
            for row, job in zip(rows, shown, strict=True)
        ]
        return View([*of_rows, _of_bulk(bulk, rev, told)], _is_live(bulk), bulk["ceiling"])

    async def _job(self, subject: JobSubject, kind: EventKind) -> View:
        rev = (await self._parts.lookup.job(subject.owner, subject.job_id))["rev"]
        detail = await look_at_job(self._parts, subject.owner, subject.job_id)
        told = JobUpdate.model_construct(**dict(detail), rev=rev)
        return View([Event(kind, str(subject.job_id), rev, told)], detail.job.status in LIVE_JOBS)

    async def _queue(self, subject: QueueSubject, kind: EventKind) -> View:
        rev = (self._parts.clock.now() - EPOCH) // timedelta(milliseconds=1)
        state = await look_at_queue(self._parts, subject.owner)
        return View([Event(kind, "queue", rev, QueueUpdate.model_construct(**dict(state), rev=rev))], is_live=True)


def _of_bulk(bulk: Document, rev: int, told: Progress) -> Event:
    update = BulkUpdate.model_construct(rev=rev, bulk_job=bulk_told(bulk, told), progress=told)
    return Event(EventKind.BULK, str(bulk["_id"]), rev, update)


def _is_live(bulk: Document) -> bool:
    return BulkStatus(bulk["status"]) in LIVE_BULKS


def _had_canary(bulk: Document) -> bool:
    """Its end lifts the ceiling, which may have been in the meantime."""
    policy = bulk["failure_policy"]
    return policy is not None and policy["canary"] is not None and bulk["ceiling"] is None


def _changed_since(bulk: Document, moment: datetime) -> bool:
    changed_at: datetime | None = bulk.get("changed_at")
    return changed_at is not None and changed_at >= moment
