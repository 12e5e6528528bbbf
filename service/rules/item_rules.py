"""The rules of one item that no single field can tell. Nothing is made of it here."""

from __future__ import annotations

import json

from jobs.documents import ITEM_FIELDS, MODES, job_fields
from jobs.errors import Fault
from jobs.languages import LANGUAGES, normalised
from jobs.pipelines import ARTICLE, BUILT_IN, PipelineSpec
from outbound.allowed import Allowed
from outbound.errors import UrlRefused
from outbound.urls import check_url
from service.rules.bulk_rules import BulkRules
from service.schemas.requests import ItemCreate

MAX_EXTRA_BYTES = 100_000
RESERVED = (job_fields() | {"job_id"}) - set(ITEM_FIELDS)
COMPONENTS_STAGE = "component-generation"


def item_faults(mode: str, item: ItemCreate, path: str, pipeline: PipelineSpec | None, rules: BulkRules) -> list[Fault]:
    """`path` is where the item stands, with a dot at its end, or empty; `pipeline` is None where that is wrong."""
    faults = []
    needed = MODES[mode]
    if not any(_says_something(getattr(item, name)) for name in needed):
        faults.append(Fault(path + needed[0], f"is required in mode {mode} ({' or '.join(needed)})"))
    if mode == "spin" and item.source_url is not None:
        faults += url_faults(item.source_url, rules.allowed, f"{path}source_url")
    if item.components is not None and (why := _why_no_components(pipeline, rules)) is not None:
        faults.append(Fault(f"{path}components", why))
    if pipeline == ARTICLE and item.language is not None and normalised(item.language) is None:
        there_are = ", ".join(language.tag for language in LANGUAGES)
        faults.append(Fault(f"{path}language", f"is not supported: use one of {there_are}"))
    extra = item.model_extra or {}
    for name in extra:
        if name in RESERVED:
            faults.append(Fault(path + name, "is a field of Pressrun's own: an item cannot set it"))
        elif len(name) > 100:
            faults.append(Fault(path + name[:100], "a field's name must have at most 100 characters"))
    if extra and size_of(extra) > MAX_EXTRA_BYTES:
        faults.append(Fault(path.rstrip("."), f"undeclared fields must have less than {MAX_EXTRA_BYTES} bytes in all"))
    return faults


def url_faults(url: str, allowed: Allowed, path: str) -> list[Fault]:
    """Of a URL that somebody else than the operator gave (spec §9); no name is resolved here."""
    try:
        check_url(url, allowed)
    except UrlRefused as refused:
        return [Fault(path, refused.sentence)]
    return []


def size_of(value: object) -> int:
    """In bytes, as JSON."""
    return len(json.dumps(value)) if value is not None else 0


def _why_no_components(pipeline: PipelineSpec | None, rules: BulkRules) -> str | None:
    if pipeline is not None and pipeline in BUILT_IN and COMPONENTS_STAGE not in pipeline.stage_names:
        return f"the pipeline {pipeline.name} does not write articles in components"
    return None if rules.components else "the generator here does not write articles in components"


def _says_something(value: object) -> bool:
    return bool(value.strip() if isinstance(value, str) else value)
