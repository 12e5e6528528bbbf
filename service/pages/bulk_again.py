"""A stored bulk is submitted again, as it was."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from jobs.creation import IdempotencyKey
from jobs.documents import BulkId, parse_id
from service.auth.callers import Writer
from service.deps import Parts, Rules
from service.pages import html
from service.request_rules import body_hash
from service.resubmission import again

router = APIRouter(prefix="/bulks/{bulk_id}", include_in_schema=False)


@router.post("/again")
async def submit_again(bulk_id: str, caller: Writer, parts: Parts, rules: Rules, request: Request) -> Response:
    """Leads to the new bulk. What is pressed twice within a minute is submitted once."""
    bulk = await parts.lookup.bulk(caller.user, BulkId(parse_id(bulk_id, "bulk job")))
    asked, wanted = await again(bulk, caller.user, parts, rules)
    key = IdempotencyKey(f"again {bulk['_id']} {parts.clock.now():%Y-%m-%d %H:%M}", body_hash(asked))
    created = await parts.creation.create(caller.user, wanted, key)
    return html.elsewhere(request, f"/bulks/{created.bulk_id}")
