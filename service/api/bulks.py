"""The routes of bulks: submit, look, change. Controls and results have files of their own."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Body, Header, Query
from pydantic import ValidationError

from jobs.creation import IdempotencyKey
from jobs.documents import BulkId, BulkRequest, parse_id
from jobs.errors import Fault, InvalidInput
from jobs.history import forecast
from jobs.states import BulkStatus
from jobs.system import System
from service.answers import BulkChanged, BulkCreated, BulkDetail, BulkPage, BulkValidated, ErrorDetail, Forecast
from service.api.submission import bulk_wanted
from service.auth.callers import Caller, Reader, Writer
from service.deps import Parts, Rules
from service.job_rendering import job_row
from service.problems import faults_of
from service.rendering import bulk_job, progress
from service.request_rules import body_hash, changes_of
from service.requests import BulkChange, BulkCreate

JOBS_SHOWN = 200
SAME_BODY = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/BulkCreate"}}}}
router = APIRouter(prefix="/api/bulk-generate", tags=["bulks"])
KeyHeader = Annotated[str | None, Header(alias="Idempotency-Key", max_length=255)]


@router.post("")
async def submit_bulk(
    body: BulkCreate, caller: Writer, parts: Parts, rules: Rules, key: KeyHeader = None
) -> BulkCreated:
    request = await bulk_wanted(body, caller.user, parts, rules)
    created = await parts.creation.create(caller.user, request, idempotency_key(key, body_hash(body)))
    return BulkCreated(bulk_job_id=str(created.bulk_id), total_items=created.total_items)


@router.post("/validate", openapi_extra={"requestBody": SAME_BODY})
async def validate_bulk(body: Annotated[object, Body()], caller: Writer, parts: Parts, rules: Rules) -> BulkValidated:
    """The same body, nothing stored; and what it may take, going by the last jobs of the same pipeline and mode."""
    try:
        request = await bulk_wanted(BulkCreate.model_validate(body), caller.user, parts, rules)
    except ValidationError as error:
        faults = faults_of([{**item, "loc": ("body", *item["loc"])} for item in error.errors()])
    except InvalidInput as error:
        faults = error.faults
    else:
        return BulkValidated(valid=True, errors=[], estimate=await _estimate(request, caller, parts))
    return BulkValidated(valid=False, errors=[ErrorDetail(path=fault.path, message=fault.message) for fault in faults])


@router.get("")
async def list_bulks(
    caller: Reader,
    parts: Parts,
    status: BulkStatus | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
) -> BulkPage:
    page = await parts.lookup.bulks(caller.user, status, limit, cursor)
    return BulkPage(bulk_jobs=[bulk_job(bulk) for bulk in page.documents], next_cursor=page.next_cursor)


@router.get("/{bulk_id}")
async def get_bulk(
    bulk_id: str,
    caller: Reader,
    parts: Parts,
    jobs_cursor: Annotated[int, Query(ge=0, le=2**31, description="jobs_next_cursor of the page before")] = 0,
) -> BulkDetail:
    bulk = await parts.lookup.bulk(caller.user, BulkId(parse_id(bulk_id, "bulk job")))
    jobs = await parts.lookup.jobs_of(bulk, JOBS_SHOWN + 1, jobs_cursor)
    more = len(jobs) > JOBS_SHOWN
    held_up = await parts.waiting.of_bulk(bulk)
    return BulkDetail(
        bulk_job=bulk_job(bulk),
        jobs=[job_row(job, parts.waiting.of_job(bulk, held_up, job)) for job in jobs[:JOBS_SHOWN]],
        jobs_next_cursor=str(jobs[JOBS_SHOWN - 1]["queue_position"]) if more else None,
        progress=progress(await parts.lookup.tally(bulk), held_up),
    )


@router.patch("/{bulk_id}")
async def change_bulk(bulk_id: str, body: BulkChange, caller: Writer, parts: Parts, rules: Rules) -> BulkChanged:
    """Takes effect at the next claim."""
    changes = changes_of(body, rules)
    changed = await parts.controls.change(caller.user, BulkId(parse_id(bulk_id, "bulk job")), changes)
    return BulkChanged(bulk_job=bulk_job(changed))


async def _estimate(request: BulkRequest, caller: Caller, parts: System) -> Forecast | None:
    usual = await parts.history.usual(request.pipeline.name, request.mode)
    if usual is None:
        return None
    tenant = request.tenant or str(caller.user)
    return Forecast(**asdict(forecast(request, tenant, usual, await parts.limits.read())))


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
