"""The routes of jobs: one article, and single jobs of bulks."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from jobs.documents import BulkId, JobId, parse_id
from jobs.states import JobStatus
from service.api.bulks import KeyHeader, idempotency_key
from service.auth.callers import Reader, Writer
from service.deps import Parts, Rules
from service.rendering.jobs import job_summary
from service.rules.looking import look_at_job
from service.rules.request_rules import body_hash, choice_of
from service.rules.submission import job_wanted
from service.schemas.job_answers import JobControlled, JobCreated, JobDetail, JobPage
from service.schemas.pipeline_requests import JobRetry, JobSelect
from service.schemas.requests import JobCreate

router = APIRouter(prefix="/api/jobs", tags=["jobs"])


@router.post("")
async def submit_job(body: JobCreate, caller: Writer, parts: Parts, rules: Rules, key: KeyHeader = None) -> JobCreated:
    """One article: a bulk of one, with the same protocol."""
    request = await job_wanted(body, caller, parts, rules)
    created = await parts.creation.create(caller.user, request, idempotency_key(key, body_hash(body)))
    return JobCreated(job_id=str(created.job_ids[0]), bulk_job_id=str(created.bulk_id))


@router.get("")
async def list_jobs(
    caller: Reader,
    parts: Parts,
    status: JobStatus | None = None,
    bulk_job_id: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
) -> JobPage:
    """Newest first."""
    bulk_id = BulkId(parse_id(bulk_job_id, "bulk job")) if bulk_job_id is not None else None
    page = await parts.lookup.jobs(caller.user, status, bulk_id, limit, cursor)
    return JobPage(jobs=[job_summary(job) for job in page.documents], next_cursor=page.next_cursor)


@router.get("/{job_id}")
async def get_job(job_id: str, caller: Reader, parts: Parts) -> JobDetail:
    """All of it: its stages, its attempts, and its result."""
    return await look_at_job(parts, caller.user, _id(job_id))


@router.post("/{job_id}/retry")
async def retry_job(job_id: str, caller: Writer, parts: Parts, body: JobRetry | None = None) -> JobControlled:
    """Back to the queue, to where it ended or to an earlier stage; what is done again is paid again."""
    from_stage = body.from_stage if body is not None else None
    job = await parts.controls.retry_job(caller.user, _id(job_id), from_stage)
    return JobControlled(message="Job sent back to the queue", status=JobStatus(job["status"]))


@router.post("/{job_id}/select")
async def select_for_job(job_id: str, body: JobSelect, caller: Writer, parts: Parts) -> JobControlled:
    """Choose for a job that waits for a person: it goes on with that. The same choice again changes nothing."""
    job = await parts.selections.choose(caller.user, _id(job_id), choice_of(body, str(caller.user)))
    return JobControlled(message="Choice taken", status=JobStatus(job["status"]))


@router.post("/{job_id}/cancel")
async def cancel_job(job_id: str, caller: Writer, parts: Parts) -> JobControlled:
    """A running one is aborted by its worker, and `processing` until then."""
    job = await parts.controls.cancel_job(caller.user, _id(job_id))
    return JobControlled(message="Job cancelled", status=JobStatus(job["status"]))


def _id(text: str) -> JobId:
    return JobId(parse_id(text, "job"))
