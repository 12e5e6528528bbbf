"""What else a stored bulk is good for: to be submitted again, or kept as a template."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from jobs.creation import IdempotencyKey
from jobs.documents import BulkId, parse_id
from jobs.errors import Fault, InvalidInput
from service.auth.callers import Writer
from service.deps import Parts, Rules
from service.pages import html
from service.pages.forms import form_of
from service.request_rules import body_hash
from service.resubmission import again, bulk_body, kept

MOST_OF_A_NAME = 200
router = APIRouter(prefix="/bulks/{bulk_id}", include_in_schema=False)


@router.post("/again")
async def submit_again(bulk_id: str, caller: Writer, parts: Parts, rules: Rules, request: Request) -> Response:
    """Leads to the new bulk. What is pressed twice within a minute is submitted once."""
    bulk = await parts.lookup.bulk(caller.user, BulkId(parse_id(bulk_id, "bulk job")))
    asked, wanted = await again(bulk, caller.user, parts, rules)
    key = IdempotencyKey(f"again {bulk['_id']} {parts.clock.now():%Y-%m-%d %H:%M}", body_hash(asked))
    created = await parts.creation.create(caller.user, wanted, key)
    return html.elsewhere(request, f"/bulks/{created.bulk_id}")


@router.post("/template")
async def keep_as_template(bulk_id: str, caller: Writer, parts: Parts, request: Request) -> Response:
    """Raises `InvalidInput` without a name, and `NameTaken`."""
    bulk = await parts.lookup.bulk(caller.user, BulkId(parse_id(bulk_id, "bulk job")))
    name = (await form_of(request)).get("template", "")
    if not 0 < len(name) <= MOST_OF_A_NAME:
        wrong = Fault("name", f"must have 1 to {MOST_OF_A_NAME} characters")
        raise InvalidInput("The template needs a name.", (wrong,))
    body = bulk_body(bulk, await parts.submitted.items(bulk))
    await parts.templates.keep(caller.user, name, kept(body))
    return html.outcome(request, f"Kept as the template {name}.", f"/bulks/{bulk['_id']}")
