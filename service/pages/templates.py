"""The page of templates: opened, submitted, renamed, deleted; and a bulk kept as one."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from jobs.documents import BulkId, parse_id
from jobs.errors import InvalidInput
from service.auth.callers import Reader, Writer
from service.deps import Parts, Rules
from service.pages import html
from service.pages.forms import form_of
from service.pages.keeping import listing, page_of, state_of, template_id_of
from service.pages.sending import new_key, once
from service.rules.request_rules import NOT_VALID
from service.rules.resubmission import bulk_body, kept
from service.rules.submission import body_read, bulk_wanted
from service.schemas.template_models import TemplateChange
from service.wire.faults import faults_of

HERE = "/templates"
SHOWN = 50
router = APIRouter(prefix=HERE, include_in_schema=False)


@router.get("")
async def show_templates(
    caller: Reader, parts: Parts, cursor: Annotated[str | None, Query(max_length=100)] = None
) -> Response:
    page = await listing(parts, caller.user, SHOWN, cursor)
    rows = [(template, page_of(template), new_key()) for template in page.templates]
    return html.page("templates.html", caller, here=HERE, rows=rows, cursor=cursor, next_cursor=page.next_cursor)


@router.post("")
async def keep_bulk(request: Request, caller: Writer, parts: Parts) -> Response:
    """A bulk with its articles, under a name."""
    form = await form_of(request)
    bulk_id = BulkId(parse_id(form.get("bulk_job_id", ""), "bulk job"))
    bulk = await parts.lookup.bulk(caller.user, bulk_id)
    name = _name(form.get("name", ""))
    await parts.templates.keep(caller.user, name, kept(bulk_body(bulk, await parts.submitted.items(bulk))))
    return html.outcome(request, f"Kept as the template {name}.", f"/bulks/{bulk_id}")


@router.post("/{template_id}/submit")
async def submit(template_id: str, request: Request, caller: Writer, parts: Parts, rules: Rules) -> Response:
    """As it is, once however often the page is sent."""
    form = await form_of(request)
    template, text = await parts.templates.find(caller.user, template_id_of(template_id))
    asked = body_read({"name": template.name, **json.loads(text)})
    wanted = await bulk_wanted(asked, caller, parts, rules)
    created = await parts.creation.create(caller.user, wanted, once(form, asked))
    return RedirectResponse(f"/bulks/{created.bulk_id}", 303, html.HEADERS)


@router.post("/{template_id}/rename")
async def rename(template_id: str, request: Request, caller: Writer, parts: Parts) -> Response:
    form = await form_of(request)
    name = _name(form.get("name", ""))
    await parts.templates.change(caller.user, template_id_of(template_id), name=name)
    state = await state_of(parts, caller.user, template_id_of(template_id))
    row = html.part("templates_row.html", "row", state, page_of(state), new_key(), caller.may_write)
    return html.outcome(request, f"It is named {name} now.", HERE, {f"template-{template_id}": row})


@router.post("/{template_id}/delete")
async def delete(template_id: str, request: Request, caller: Writer, parts: Parts) -> Response:
    state = await state_of(parts, caller.user, template_id_of(template_id))
    await parts.templates.remove(caller.user, template_id_of(template_id))
    gone = html.part("templates_row.html", "gone", state)
    return html.outcome(request, f"{state.name} is deleted.", HERE, {f"template-{template_id}": gone})


def _name(text: str) -> str:
    try:
        return TemplateChange.model_validate({"name": text}).name or ""
    except ValidationError as error:
        faults = faults_of([{**item, "loc": ("body", *item["loc"])} for item in error.errors()])
        raise InvalidInput(NOT_VALID, faults) from None
