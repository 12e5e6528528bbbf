"""The routes of bulks: submit, look, change. Controls and results have files of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Header, Query

from jobs.creation import IdempotencyKey
from jobs.documents import BulkId, parse_id
from jobs.errors import Fault, InvalidInput
from jobs.reading.lookup import BulkFilter
from jobs.states import BulkStatus, JobStatus
from service.auth.callers import Reader, Writer
from service.deps import Parts, Rules
from service.rendering.documents import bulk_job
from service.rules.looking import look_at_bulk
from service.rules.request_rules import body_hash
from service.rules.submission import bulk_wanted, changes_wanted, tried
from service.schemas.answers import BulkChanged, BulkCreated, BulkDetail, BulkPage, BulkValidated
from service.schemas.requests import BulkChange, BulkCreate
from service.schemas.values import Moment

SAME_BODY = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/BulkCreate"}}}}
router = APIRouter(prefix="/api/bulk-generate", tags=["bulks"])


def bulk_filter(
    status: Annotated[Sequence[BulkStatus], Query(description="in one of these")] = (),
    q: Annotated[str | None, Query(max_length=200, description="an id, or how words of the name begin")] = None,
    pipeline: Annotated[str | None, Query(max_length=200)] = None,
    kind: Annotated[str | None, Query(max_length=200)] = None,
    since: Annotated[Moment | None, Query(description="created then or later")] = None,
    before: Annotated[Moment | None, Query(description="created earlier")] = None,
) -> BulkFilter:
    text = q.strip() if q is not None else None
    return BulkFilter(status, pipeline, kind, since, before, text or None)


Filter = Annotated[BulkFilter, Depends(bulk_filter)]
KeyHeader = Annotated[str | None, Header(alias="Idempotency-Key", max_length=255)]


@router.post("")
async def submit_bulk(
    body: BulkCreate, caller: Writer, parts: Parts, rules: Rules, key: KeyHeader = None
) -> BulkCreated:
    """All or nothing. With an `Idempotency-Key` a repeat of the same body gives the first answer."""
    request = await bulk_wanted(body, caller, parts, rules)
    created = await parts.creation.create(caller.user, request, idempotency_key(key, body_hash(body)))
    return BulkCreated(bulk_job_id=str(created.bulk_id), total_items=created.total_items)


@router.post("/validate", openapi_extra={"requestBody": SAME_BODY})
async def validate_bulk(body: Annotated[object, Body()], caller: Writer, parts: Parts, rules: Rules) -> BulkValidated:
    """The same body, nothing stored; and what it may take, going by the last jobs of the same pipeline and mode."""
    return await tried(body, caller, parts, rules)


@router.get("")
async def list_bulks(
    caller: Reader,
    parts: Parts,
    filter: Filter,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
) -> BulkPage:
    """Newest first."""
    page = await parts.lookup.bulks(caller.user, filter, limit, cursor)
    return BulkPage(
        bulk_jobs=[bulk_job(bulk) for bulk in page.documents],
        next_cursor=page.next_cursor,
        previous_cursor=page.previous_cursor,
    )


@router.get("/{bulk_id}")
async def get_bulk(
    bulk_id: str,
    caller: Reader,
    parts: Parts,
    jobs_cursor: Annotated[int, Query(ge=0, le=2**31, description="jobs_next_cursor of the page before")] = 0,
    jobs_status: Annotated[Sequence[JobStatus], Query(description="only jobs in one of these")] = (),
) -> BulkDetail:
    """Its settings, its progress, and its jobs in queue order, 200 a page."""
    bulk = await parts.lookup.bulk(caller.user, BulkId(parse_id(bulk_id, "bulk job")))
    return await look_at_bulk(parts, bulk, jobs_cursor, jobs_status)


@router.patch("/{bulk_id}")
async def change_bulk(bulk_id: str, body: BulkChange, caller: Writer, parts: Parts, rules: Rules) -> BulkChanged:
    """Takes effect at the next claim."""
    changes = await changes_wanted(body, caller, rules)
    changed = await parts.controls.change(caller.user, BulkId(parse_id(bulk_id, "bulk job")), changes)
    return BulkChanged(bulk_job=bulk_job(changed))


def idempotency_key(header: str | None, hashed: str) -> IdempotencyKey | None:
    """Bare or quoted. Raises `InvalidInput` for an empty one."""
    if header is None:
        return None
    bare = header.strip()
    if len(bare) >= 2 and bare[0] == bare[-1] == '"':
        bare = bare[1:-1]
    if not bare or not bare.isprintable():
        fault = Fault("Idempotency-Key", "must be 1 to 255 printable characters")
        raise InvalidInput("The request is not valid.", (fault,))
    return IdempotencyKey(bare, hashed)
