"""The route of a bulk's results: what is finished so far, in four formats, streamed."""

from __future__ import annotations

from enum import StrEnum
from typing import assert_never

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from jobs.documents import BulkId, parse_id
from jobs.slug import slugify
from service.auth.callers import Reader
from service.deps import Parts
from service.rendering import results
from service.rendering.documents import finished_jobs
from service.schemas.result_answers import BulkResults

router = APIRouter(prefix="/api/bulk-generate/{bulk_id}", tags=["results"])


class ResultFormat(StrEnum):
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    ZIP = "zip"


MEDIA_TYPES = {
    ResultFormat.JSON: "application/json",
    ResultFormat.JSONL: "application/x-ndjson",
    ResultFormat.CSV: "text/csv; charset=utf-8",
    ResultFormat.ZIP: "application/zip",
}


@router.get(
    "/results",
    response_class=StreamingResponse,
    response_model=BulkResults,
    responses={
        200: {
            "description": "The finished jobs, in queue order",
            "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/BulkResults"}},
                "application/x-ndjson": {"schema": {"type": "string"}},
                "text/csv": {"schema": {"type": "string"}},
                "application/zip": {"schema": {"type": "string", "format": "binary"}},
            },
        }
    },
)
async def get_results(
    bulk_id: str, caller: Reader, parts: Parts, format: ResultFormat = ResultFormat.JSON
) -> StreamingResponse:
    """What is finished so far, also of a bulk that was cancelled. CSV opens in Excel; a ZIP has a file an article."""
    bulk = await parts.lookup.bulk(caller.user, BulkId(parse_id(bulk_id, "bulk job")))
    bulk_id = str(bulk["_id"])  # in lower case, however it was asked for
    jobs = finished_jobs(parts.lookup.ended_jobs(bulk))
    match format:
        case ResultFormat.JSON:
            stream = results.as_json(bulk_id, jobs)
        case ResultFormat.JSONL:
            stream = results.as_jsonl(jobs)
        case ResultFormat.CSV:
            stream = results.as_csv(jobs)
        case ResultFormat.ZIP:
            names = ("total_items", "completed_items", "failed_items", "cancelled_items")
            counts = {name: bulk[name] for name in names}
            stream = results.as_zip(results.BulkSummary(bulk_id, bulk["name"], bulk["status"], counts), jobs)
        case _:
            assert_never(format)
    name = f"{slugify(bulk['name'] or 'bulk')}-{bulk_id[-6:]}.{format}"
    return StreamingResponse(
        stream,
        media_type=MEDIA_TYPES[format],
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )
