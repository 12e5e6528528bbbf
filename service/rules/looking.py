"""One bulk and one job as their owner sees them, put together for the API, the streams and the pages alike."""

from __future__ import annotations

from collections.abc import Sequence

from jobs.documents import JobId, UserId
from jobs.estimation.forecasts import per_hour
from jobs.reading.waiting import HeldUp
from jobs.states import JobStatus
from jobs.storage.store import Document
from jobs.system import System
from service.rendering.documents import bulk_job, progress, queue_state
from service.rendering.jobs import Course, job_detail, job_row
from service.schemas.answers import BulkDetail, BulkJob, FormatRow, JobRow, Progress
from service.schemas.job_answers import JobDetail
from service.schemas.system_answers import QueueState

JOBS_SHOWN = 200


async def look_at_bulk(
    parts: System, bulk: Document, after_position: int = 0, statuses: Sequence[JobStatus] = ()
) -> BulkDetail:
    """With its first `JOBS_SHOWN` jobs after that position; those of the statuses only, where any is given."""
    jobs = await parts.lookup.jobs_of(bulk, JOBS_SHOWN + 1, after_position, statuses)
    more = len(jobs) > JOBS_SHOWN
    told, held_up = await progress_of(parts, bulk)
    return BulkDetail(
        bulk_job=bulk_told(bulk, told),
        jobs=await rows_of(parts, bulk, held_up, jobs[:JOBS_SHOWN]),
        jobs_next_cursor=str(jobs[JOBS_SHOWN - 1]["queue_position"]) if more else None,
        progress=told,
    )


def bulk_told(bulk: Document, told: Progress) -> BulkJob:
    """With the end that its progress foresees."""
    return bulk_job(bulk, told.estimate.high if told.estimate else None)


async def rows_of(
    parts: System, bulk: Document, held_up: HeldUp | None, jobs: Sequence[Document]
) -> list[JobRow | FormatRow]:
    """`held_up` is what `progress_of` told."""
    course = Course(bulk["stages"], await parts.forecasts.pace(bulk), parts.clock.now())
    return [job_row(job, parts.waiting.of_job(bulk, held_up, job), course) for job in jobs]


async def progress_of(parts: System, bulk: Document) -> tuple[Progress, HeldUp | None]:
    """And what holds it up, as `waiting.of_job` wants it."""
    held_up = await parts.waiting.of_bulk(bulk)
    tally = await parts.lookup.tally(bulk)
    foreseen = await parts.forecasts.of_bulk(bulk, tally.counts, held_up)
    return progress(tally, held_up, foreseen, per_hour(bulk, parts.clock.now())), held_up


async def look_at_job(parts: System, owner: UserId, job_id: JobId) -> JobDetail:
    """Raises `NotFound`."""
    job = await parts.lookup.job(owner, job_id)
    bulk = await parts.lookup.bulk(owner, job["bulk_job_id"])
    held_up = None
    if job["status"] == JobStatus.QUEUED:
        held_up = parts.waiting.of_job(bulk, await parts.waiting.of_bulk(bulk), job)
    pace = await parts.forecasts.pace(bulk) if job["status"] == JobStatus.PROCESSING else None
    return job_detail(job, held_up, Course(bulk["stages"], pace, parts.clock.now()))


async def look_at_queue(parts: System, owner: UserId | None) -> QueueState:
    """The owner's part of it, or all of it for None."""
    view = await parts.overview.queue(owner)
    by_bulk = await parts.forecasts.of_jobs(view.active)
    now, unknown = parts.clock.now(), ((), None)
    courses = {job["_id"]: Course(*by_bulk.get(job["bulk_job_id"], unknown), now) for job in view.active}
    return queue_state(view, courses)
