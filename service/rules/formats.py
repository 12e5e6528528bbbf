"""What a request for formats comes to: one source, and an item for each template and verbosity. Whether the rest of the
request is right is judged elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jobs.errors import Fault
from service.rules.bulk_rules import BulkRules
from service.rules.item_rules import url_faults
from service.schemas.pipeline_requests import Template
from service.schemas.requests import BulkCreate

MODE_OF_FORMATS = "spin"
OWN_FIELDS = ("source", "templates", "processing_mode")
NOT_ITS_FIELDS = ("mode", "items")


def format_faults(body: BulkCreate, rules: BulkRules) -> list[Fault]:
    """Of a request for formats."""
    faults = [
        Fault(name, "must not be given with the pipeline formats, which makes its items of source and templates")
        for name in NOT_ITS_FIELDS
        if getattr(body, name) is not None
    ]
    faults += _source_faults(body, rules)
    if body.templates is None:
        return [*faults, Fault("templates", "is required with the pipeline formats")]
    wanted = _wanted(body)
    if len(wanted) > rules.max_items:
        says = f"come to {len(wanted)} items, with each verbosity; there may be at most {rules.max_items}"
        return [*faults, Fault("templates", says)]
    return faults + _repeated(wanted)


def misplaced_faults(body: BulkCreate) -> list[Fault]:
    """Of a request for anything else."""
    names = [name for name in OWN_FIELDS if getattr(body, name) is not None]
    return [Fault(name, "is for the pipeline formats alone") for name in names]


def format_items(body: BulkCreate) -> Sequence[Mapping[str, Any]]:
    """As `BulkRequest` wants them, of a body that is right."""
    source = body.source
    assert source is not None
    given = {"source_url": source.url} if source.url is not None else {"source_text": source.text}
    told = {"processing_mode": body.processing_mode, "title": source.title}
    items = []
    for _, template, verbosity in _wanted(body):
        params = {"template": template, "verbosity": verbosity, **told}
        items.append({**given, "params": {name: value for name, value in params.items() if value is not None}})
    return items


def _source_faults(body: BulkCreate, rules: BulkRules) -> list[Fault]:
    source = body.source
    if source is None:
        return [Fault("source", "is required with the pipeline formats")]
    if (source.url is None) == (source.text is None):
        return [Fault("source", "must have either url or text")]
    if source.text is not None and not source.text.strip():
        return [Fault("source.text", "must say something")]
    return url_faults(source.url, rules.allowed, "source.url") if source.url is not None else []


def _wanted(body: BulkCreate) -> list[tuple[int, str, str | None]]:
    """Place among the templates, template, verbosity."""
    found: list[tuple[int, str, str | None]] = []
    for place, entry in enumerate(body.templates or []):
        one = entry if isinstance(entry, Template) else Template(template=entry)
        levels = one.verbosity if isinstance(one.verbosity, list) else [one.verbosity]
        found += [(place, one.template, level) for level in levels]
    return found


def _repeated(wanted: Sequence[tuple[int, str, str | None]]) -> list[Fault]:
    seen = set()
    faults = []
    for place, template, verbosity in wanted:
        same = (template.casefold(), verbosity)
        if same in seen:
            of = f" in verbosity {verbosity}" if verbosity else ""
            faults.append(Fault(f"templates.{place}", f"asks for {template!r}{of} a second time"))
        seen.add(same)
    return faults
