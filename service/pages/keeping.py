"""Templates for pages: listed, opened, and kept from what a form holds; and bulks, opened like templates.

What a request may say is judged elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import ValidationError

from jobs.documents import BulkId, UserId, parse_id
from jobs.errors import NameTaken
from jobs.pipelines import FORMATS
from jobs.storage.bson_json import plain
from jobs.system import System
from jobs.templates import Template, TemplateId
from service.pages.marking import Marked, marked, of_field
from service.rules.resubmission import bulk_body, given, kept
from service.schemas.requests import BulkDraft
from service.schemas.template_models import TemplateState
from service.wire.faults import faults_of

NAME = "template_name"


@dataclass(frozen=True)
class Opened:
    """What a form is filled from, a template or a bulk; `body` is that of a request for a bulk."""

    kind: Literal["template", "bulk"]
    id: str
    name: str
    body: Mapping[str, Any]

    @property
    def items(self) -> Sequence[Mapping[str, Any]]:
        return self.body.get("items") or []

    @property
    def query(self) -> str:
        return f"{self.kind}={self.id}"

    @property
    def is_of_formats(self) -> bool:
        return self.body.get("pipeline") == FORMATS.name


@dataclass(frozen=True)
class Listing:
    templates: Sequence[TemplateState]
    next_cursor: str | None


@dataclass(frozen=True)
class Keeping:
    """Either what was done, in a sentence, or what is wrong."""

    done: str | None = None
    wrong: Marked | None = None


async def listing(parts: System, owner: UserId, limit: int, cursor: str | None = None) -> Listing:
    """Newest first. Raises `InvalidInput` for a cursor that no page has."""
    page = await parts.templates.page(owner, limit, cursor)
    return Listing([_state(template) for template in page.templates], page.next_cursor)


async def opened(parts: System, owner: UserId, named: Mapping[str, str]) -> Opened | None:
    """What `template` or `bulk` name by its id, if either does. Raises `NotFound`."""
    if "template" in named:
        template, text = await parts.templates.find(owner, template_id_of(named["template"]))
        return Opened("template", str(template.id), template.name, json.loads(text))
    if "bulk" in named:
        bulk = await parts.lookup.bulk(owner, BulkId(parse_id(named["bulk"], "bulk job")))
        body = bulk_body(bulk, await parts.submitted.items(bulk))
        return Opened("bulk", str(bulk["_id"]), bulk["name"] or "Untitled bulk", body)
    return None


def named(template: str | None, bulk: str | None) -> dict[str, str]:
    """As `opened` wants it."""
    return {kind: text for kind, text in (("template", template), ("bulk", bulk)) if text}


async def state_of(parts: System, owner: UserId, template_id: TemplateId) -> TemplateState:
    """Raises `NotFound`."""
    return _state((await parts.templates.find(owner, template_id))[0])


def template_id_of(text: str) -> TemplateId:
    """Raises `NotFound`."""
    return TemplateId(parse_id(text, "template"))


def page_of(template: TemplateState) -> str:
    """Where it is put together further."""
    page = "/formats/new" if template.pipeline == FORMATS.name else "/bulks/new"
    return f"{page}?template={template.id}"


async def keep(parts: System, owner: UserId, form: Mapping[str, str], body: Mapping[str, Any]) -> Keeping:
    """Under the name that the form gives; in the place of the template that the form was opened from, where the name
    is that one's still. Raises `TooMany` and `NotFound`."""
    name = form.get(NAME, "")
    if not 1 <= len(name) <= 200:
        return Keeping(wrong=marked([of_field(NAME, "must have 1 to 200 characters")]))
    try:
        request = kept(given(BulkDraft.model_validate(body)))
    except ValidationError as error:
        faults = faults_of([{**item, "loc": ("body", *item["loc"])} for item in error.errors()])
        return Keeping(wrong=marked(of_field(fault.path, fault.message) for fault in faults))
    if "template" in form:
        template_id = template_id_of(form["template"])
        if (await state_of(parts, owner, template_id)).name == name:
            await parts.templates.change(owner, template_id, request=request)
            return Keeping(done=f"The template {name} is changed.")
    try:
        await parts.templates.keep(owner, name, request)
    except NameTaken as error:
        return Keeping(wrong=marked([of_field(NAME, str(error))]))
    return Keeping(done=f"Kept as the template {name}.")


def _state(template: Template) -> TemplateState:
    return TemplateState.model_validate(plain(asdict(template)))
