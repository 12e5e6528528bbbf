"""The routes of templates, which are requests for bulks that are kept, and of submitting a stored bulk again."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query

from jobs.documents import BulkId, UserId, parse_id
from jobs.errors import Fault, InvalidInput
from jobs.storage.bson_json import plain
from jobs.system import System
from jobs.templates import Template, TemplateId
from service.api.bulks import KeyHeader, idempotency_key
from service.auth.callers import Reader, Writer
from service.deps import Parts, Rules
from service.rules.request_rules import NOT_VALID, body_hash
from service.rules.resubmission import again, bulk_body, given, kept
from service.rules.submission import body_read, bulk_wanted
from service.schemas.answers import BulkCreated
from service.schemas.template_models import (
    TemplateAnswer,
    TemplateChange,
    TemplateChanged,
    TemplateCreate,
    TemplateList,
    TemplateRemoved,
    TemplateState,
    TemplateSubmit,
)

router = APIRouter(tags=["templates"])


@router.post("/api/templates")
async def keep_template(body: TemplateCreate, caller: Writer, parts: Parts) -> TemplateChanged:
    """It is looked at whether each field may be so; whether all is there and allowed, when it is submitted."""
    if (body.request is None) == (body.bulk_job_id is None):
        raise InvalidInput(NOT_VALID, (Fault("", "give either request or bulk_job_id"),))
    request = given(body.request) if body.request is not None else await _stored(parts, caller.user, body.bulk_job_id)
    return TemplateChanged(template=_state(await parts.templates.keep(caller.user, body.name, kept(request))))


@router.get("/api/templates")
async def list_templates(
    caller: Reader,
    parts: Parts,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
) -> TemplateList:
    """Newest first."""
    page = await parts.templates.page(caller.user, limit, cursor)
    return TemplateList(templates=[_state(template) for template in page.templates], next_cursor=page.next_cursor)


@router.get("/api/templates/{template_id}")
async def get_template(template_id: str, caller: Reader, parts: Parts) -> TemplateAnswer:
    """With the request that it keeps."""
    template, text = await parts.templates.find(caller.user, _id(template_id))
    return TemplateAnswer(template=_state(template), request=json.loads(text))


@router.patch("/api/templates/{template_id}")
async def change_template(template_id: str, body: TemplateChange, caller: Writer, parts: Parts) -> TemplateChanged:
    """What is left out stays as it is."""
    if body.name is None and body.request is None:
        raise InvalidInput(NOT_VALID, (Fault("", "name something to change: name, request"),))
    request = kept(given(body.request)) if body.request is not None else None
    changed = await parts.templates.change(caller.user, _id(template_id), name=body.name, request=request)
    return TemplateChanged(template=_state(changed))


@router.delete("/api/templates/{template_id}")
async def remove_template(template_id: str, caller: Writer, parts: Parts) -> TemplateRemoved:
    """Bulks that were made of it stay."""
    await parts.templates.remove(caller.user, _id(template_id))
    return TemplateRemoved()


@router.post("/api/templates/{template_id}/submit")
async def submit_template(
    template_id: str,
    caller: Writer,
    parts: Parts,
    rules: Rules,
    body: TemplateSubmit | None = None,
    key: KeyHeader = None,
) -> BulkCreated:
    """The bulk has the name given, else that of the request, else that of the template."""
    template, text = await parts.templates.find(caller.user, _id(template_id))
    instead = given(body) if body is not None else {}
    asked = body_read({"name": template.name} | json.loads(text) | _told(instead))
    request = await bulk_wanted(asked, caller, parts, rules)
    created = await parts.creation.create(caller.user, request, idempotency_key(key, body_hash(asked)))
    return BulkCreated(bulk_job_id=str(created.bulk_id), total_items=created.total_items)


@router.post("/api/bulk-generate/{bulk_id}/again")
async def submit_again(bulk_id: str, caller: Writer, parts: Parts, rules: Rules, key: KeyHeader = None) -> BulkCreated:
    """A new bulk of the same settings and items, whatever became of the first."""
    bulk = await parts.lookup.bulk(caller.user, BulkId(parse_id(bulk_id, "bulk job")))
    asked, request = await again(bulk, caller, parts, rules)
    created = await parts.creation.create(caller.user, request, idempotency_key(key, body_hash(asked)))
    return BulkCreated(bulk_job_id=str(created.bulk_id), total_items=created.total_items)


async def _stored(parts: System, owner: UserId, bulk_id: str | None) -> dict[str, Any]:
    bulk = await parts.lookup.bulk(owner, BulkId(parse_id(bulk_id or "", "bulk job")))
    return bulk_body(bulk, await parts.submitted.items(bulk))


def _told(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}


def _id(text: str) -> TemplateId:
    return TemplateId(parse_id(text, "template"))


def _state(template: Template) -> TemplateState:
    return TemplateState.model_validate(plain(asdict(template)))
