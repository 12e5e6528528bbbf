"""What clients may say of templates, and what they are answered. None is made here."""

from __future__ import annotations

from typing import Any, Literal

from service.schemas.answers import Identifier, Model, Moment
from service.schemas.requests import BulkDraft, Items
from service.schemas.values import Body, Short


class TemplateCreate(Body):
    """Either `request`, or the id of a bulk whose settings and items it is to have."""

    name: Short
    request: BulkDraft | None = None
    bulk_job_id: Short | None = None


class TemplateChange(Body):
    name: Short | None = None
    request: BulkDraft | None = None


class TemplateSubmit(Body):
    """Instead of what the template has."""

    name: Short | None = None
    items: Items | None = None


class TemplateState(Model):
    """`mode` and `pipeline` are null where the request does not name them."""

    id: Identifier
    name: str
    mode: str | None
    pipeline: str | None
    total_items: int
    created_at: Moment
    changed_at: Moment


class TemplateAnswer(Model):
    """`request` is the body of a request for a bulk, as it was given."""

    template: TemplateState
    request: dict[str, Any]


class TemplateChanged(Model):
    success: Literal[True] = True
    template: TemplateState


class TemplateList(Model):
    templates: list[TemplateState]
    next_cursor: str | None


class TemplateRemoved(Model):
    success: Literal[True] = True
    message: str = "Template removed"
