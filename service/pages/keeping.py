"""Templates for pages: listed, opened, and kept from what a form holds. What a request may say is judged elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import ValidationError

from jobs.bson_json import plain
from jobs.documents import UserId, parse_id
from jobs.errors import NameTaken
from jobs.pipelines import FORMATS
from jobs.system import System
from jobs.templates import Template, TemplateId
from service.pages.marking import Marked, marked, of_field
from service.problems import faults_of
from service.requests import BulkDraft
from service.resubmission import given, kept
from service.template_models import TemplateState

NAME = "template_name"


@dataclass(frozen=True)
class Opened:
    """A template with its request, the body of one for a bulk."""

    state: TemplateState
    body: Mapping[str, Any]

    @property
    def items(self) -> Sequence[Mapping[str, Any]]:
        return self.body.get("items") or []


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


async def opened(parts: System, owner: UserId, template_id: str) -> Opened:
    """Raises `NotFound`."""
    template, text = await parts.templates.find(owner, template_id_of(template_id))
    return Opened(_state(template), json.loads(text))


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
        before = (await opened(parts, owner, form["template"])).state
        if before.name == name:
            await parts.templates.change(owner, template_id_of(form["template"]), request=request)
            return Keeping(done=f"The template {name} is changed.")
    try:
        await parts.templates.keep(owner, name, request)
    except NameTaken as error:
        return Keeping(wrong=marked([of_field(NAME, str(error))]))
    return Keeping(done=f"Kept as the template {name}.")


def _state(template: Template) -> TemplateState:
    return TemplateState.model_validate(plain(asdict(template)))
