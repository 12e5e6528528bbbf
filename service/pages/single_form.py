"""The form of a single article as the body of its request, and the faults of that. Nothing is judged here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from jobs.documents import MODES
from jobs.errors import InvalidInput
from jobs.pipelines import PipelineSpec
from service.pages.marking import Marked, marked, of_field
from service.pages.request_form import fields_of_items, list_of, pipeline_of
from service.rules.request_rules import NOT_VALID
from service.schemas.requests import JobCreate
from service.wire.faults import faults_of

BESIDE = ("target_url", "external_id", "context")
COMPONENT = "component."


def body_of(form: Mapping[str, str], pipelines: Mapping[str, PipelineSpec]) -> dict[str, Any]:
    """What the form has for another mode was not to be seen, and is left out."""
    mode = form.get("mode", "topic")
    about = {name: form[name] for name in MODES.get(mode, ()) if name in form}
    if mode == "spin" and "source_url" in about:
        about.pop("source_text", None)
    body = {
        "mode": mode,
        **pipeline_of(form, pipelines),
        **fields_of_items(form, mode),
        **{name: form[name] for name in BESIDE if name in form},
        **about,
    }
    if "keywords" in form and mode in ("topic", "keywords", "trends"):
        body["keywords"] = list_of(form["keywords"])
    if form.get("pipeline") == "blog" and "idea" in form:
        body["idea"] = form["idea"]
    components = [name.removeprefix(COMPONENT) for name in form if name.startswith(COMPONENT)]
    return {**body, "components": components} if components else body


def body_read(body: Mapping[str, Any]) -> JobCreate:
    """Raises `InvalidInput`, as a route would."""
    try:
        return JobCreate.model_validate(body)
    except ValidationError as error:
        faults = faults_of([{**item, "loc": ("body", *item["loc"])} for item in error.errors()])
        raise InvalidInput(NOT_VALID, faults) from None


def what_is_wrong(error: InvalidInput) -> Marked:
    return marked(of_field(fault.path, fault.message) for fault in error.faults)
