"""One bulk and one job as their owner sees them, put together for the API, the streams and the pages alike."""

from __future__ import annotations

from jobs.documents import JobId, UserId
from jobs.states import JobStatus
from jobs.store import Document
from jobs.system import System
from jobs.waiting import HeldUp
from service.answers import BulkDetail, JobRow, Progress
from service.job_answers import JobDetail
from service.job_rendering import job_detail, job_row
from service.rendering import bulk_job, progress

JOBS_SHOWN = 200


async def look_at_bulk(
    parts: System, bulk: Document, after_position: int = 0, status: JobStatus | None = None
) -> BulkDetail:
    """With its first `JOBS_SHOWN` jobs after that position; of one status, or of all."""
    jobs = await parts.lookup.jobs_of(bulk, JOBS_SHOWN + 1, after_position, status)
    more = len(jobs) > JOBS_SHOWN
    told, held_up = await progress_of(parts, bulk)
    return BulkDetail(
        bulk_job=bulk_job(bulk),
        jobs=[job_row(job, parts.waiting.of_job(bulk, held_up, job)) for job in jobs[:JOBS_SHOWN]],
        jobs_next_cursor=str(jobs[JOBS_SHOWN - 1]["queue_position"]) if more else None,
        progress=told,
    )


async def progress_of(parts: System, bulk: Document) -> tuple[Progress, HeldUp | None]:
    """And what holds it up, as `waiting.of_job` wants it."""
    held_up = await parts.waiting.of_bulk(bulk)
    return progress(await parts.lookup.tally(bulk), held_up), held_up


async def look_at_job(parts: System, owner: UserId, job_id: JobId) -> JobDetail:
    """Raises `NotFound`."""
    job = await parts.lookup.job(owner, job_id)
    bulk = await parts.lookup.bulk(owner, job["bulk_job_id"])
    held_up = None
    if job["status"] == JobStatus.QUEUED:
        held_up = parts.waiting.of_job(bulk, await parts.waiting.of_bulk(bulk), job)
    return job_detail(job, bulk, held_up)


async def look_at_row(parts: System, bulk: Document, job: Document) -> JobRow:
    """One job as a row of its bulk."""
    return job_row(job, parts.waiting.of_job(bulk, await parts.waiting.of_bulk(bulk), job))
