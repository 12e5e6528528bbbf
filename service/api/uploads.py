"""The route of a file with article requests: looked at, or submitted. How it is read and judged is known elsewhere."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request

from service.api.bulks import KeyHeader, idempotency_key
from service.auth.callers import Writer
from service.deps import Parts, Rules
from service.rules.request_rules import body_hash
from service.schemas.answers import BulkCreated
from service.uploads.upload_answers import UploadFault, UploadRead
from service.uploads.upload_form import FIELDS, MODES, REQUIRED, upload_form
from service.uploads.uploading import Judged, Upload, body_of, judged, read_upload, wanted

PREVIEW = 50
router = APIRouter(prefix="/api/bulk-generate", tags=["bulks"])
_TEXT: dict[str, Any] = {"type": "string"}
_FORM: dict[str, Any] = {
    "type": "object",
    "required": list(REQUIRED),
    "additionalProperties": False,
    "properties": dict.fromkeys(FIELDS, _TEXT)
    | {
        "file": {"type": "string", "format": "binary", "description": "CSV, TSV, XLSX, JSON or JSONL, up to 8 MB"},
        "mode": {"type": "string", "enum": list(MODES)},
        "columns": {"type": "string", "description": "JSON: the column of each field that is not to be guessed"},
        "settings": {"type": "string", "description": "JSON: as the body of submitBulk, without mode and items"},
        "submit": {"type": "string", "enum": ["true", "false"], "default": "false"},
    },
}


@router.post(
    "/upload",
    openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}}},
)
async def upload_bulk(
    request: Request, caller: Writer, parts: Parts, rules: Rules, key: KeyHeader = None
) -> UploadRead | BulkCreated:
    """Without `submit` nothing is stored: what would be made of the file, and what is wrong with it."""
    form = await upload_form(request)
    upload = await read_upload(
        form.data, filename=form.filename, mode=form.mode, columns=form.columns, sheet=form.sheet
    )
    body = body_of(upload, form.mode, form.settings)
    if not form.submit:
        return _shown(upload, await judged(upload, body, caller, parts, rules))
    asked, bulk = await wanted(upload, body, caller, parts, rules)
    created = await parts.creation.create(caller.user, bulk, idempotency_key(key, body_hash(asked)))
    return BulkCreated(bulk_job_id=str(created.bulk_id), total_items=created.total_items)


def _shown(upload: Upload, told: Judged) -> UploadRead:
    return UploadRead(
        valid=not told.faults,
        errors=[UploadFault(**asdict(fault)) for fault in told.faults],
        estimate=told.estimate,
        total_items=len(upload.items),
        items=[dict(item) for item in upload.items[:PREVIEW]],
        rows=[upload.row(number) for number in range(min(PREVIEW, len(upload.items)))],
        format=upload.source,
        encoding=upload.encoding,
        sheet=upload.sheet,
        other_sheets=list(upload.other_sheets),
        header=list(upload.header),
        columns=dict(upload.columns),
        unused=list(upload.unused),
    )
