"""From a stored bulk back to the body it could be submitted with again, for templates and for submitting again.

Nothing is stored here. What is made is judged as any other request is: today's rules may refuse what was taken once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from jobs.bulk_hours import hours_in
from jobs.documents import BulkRequest
from jobs.errors import InvalidInput
from jobs.pipelines import FORMATS
from jobs.priority import computed
from jobs.storage.bson_json import plain
from jobs.storage.store import Document
from jobs.system import System
from jobs.templates import Kept
from service.auth.caller import Caller
from service.rules.bulk_rules import BulkRules
from service.rules.request_rules import NOT_VALID
from service.rules.submission import body_read, bulk_wanted, job_wanted
from service.schemas.requests import JobCreate
from service.wire.faults import faults_of

AS_STORED = ("name", "metadata", "max_retries", "delay_seconds", "parallelism", "stagger_ms", "deadline", "budget")


async def again(bulk: Document, caller: Caller, parts: System, rules: BulkRules) -> tuple[BaseModel, BulkRequest]:
    """The body and the request: a bulk of one as such. Raises `InvalidInput`."""
    items = await parts.submitted.items(bulk)
    if bulk["kind"] == "single":
        job = _job_read(single_body(bulk, items[0]))
        return job, await job_wanted(job, caller, parts, rules)
    body = body_read(bulk_body(bulk, items))
    return body, await bulk_wanted(body, caller, parts, rules)


def bulk_body(bulk: Document, items: Sequence[Document]) -> dict[str, Any]:
    """What `POST /api/bulk-generate` would make the same bulk of, with all that was left to defaults written out.

    A priority that is what would be computed is left to be computed again.
    """
    policy, hours = bulk.get("failure_policy") or {}, hours_in(bulk)
    settings = {name: bulk.get(name) for name in AS_STORED} | {
        "tenant": bulk["tenant"] if bulk["tenant"] != str(bulk["userId"]) else None,
        "priority": _priority(bulk, items),
        "failure_policy": {name: value for name, value in policy.items() if value is not None} or None,
        "notify": {name: value for name, value in (bulk.get("notify") or {}).items() if value} or None,
        "run_between": {name: hours[name] for name in ("from", "to", "time_zone")} if hours else None,
        "pipeline": bulk["pipeline"],
        "options": bulk.get("options") or None,
    }
    of_formats = bulk["pipeline"] == FORMATS.name
    asked = _formats(items) if of_formats else {"mode": bulk["mode"], "items": [_item(item) for item in items]}
    told = plain({name: value for name, value in (asked | settings).items() if value is not None})
    return told if isinstance(told, dict) else {}


def single_body(bulk: Document, item: Document) -> dict[str, Any]:
    """The same for `POST /api/jobs`."""
    own = {"mode": bulk["mode"], "pipeline": bulk["pipeline"], "options": bulk.get("options") or None}
    told = plain(_item(item) | {name: value for name, value in own.items() if value is not None})
    return told if isinstance(told, dict) else {}


def kept(body: Mapping[str, Any]) -> Kept:
    """A body as a template keeps it."""
    items = body.get("items") or body.get("templates") or []
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Kept(text, body.get("mode"), body.get("pipeline"), len(items))


def given(body: BaseModel) -> dict[str, Any]:
    """What was said in a body, and no more."""
    return body.model_dump(mode="json", exclude_unset=True)


def _job_read(body: Mapping[str, Any]) -> JobCreate:
    try:
        return JobCreate.model_validate(body)
    except ValidationError as error:
        faults = faults_of([{**item, "loc": ("body", *item["loc"])} for item in error.errors()])
        raise InvalidInput(NOT_VALID, faults) from None


def _priority(bulk: Document, items: Sequence[Document]) -> float | None:
    steps: float = bulk["priority"]
    return steps if steps != float(computed(items, bulk.get("deadline"), bulk["created_at"])) else None


def _item(stored: Document) -> dict[str, Any]:
    fields = {name: value for name, value in stored.items() if name != "params"}
    return {**(stored.get("params") or {}), **fields}


def _formats(items: Sequence[Document]) -> dict[str, Any]:
    """`service/rules/formats.py`, the other way round: levels of one template that follow each other are one entry."""
    first = items[0]
    params = first["params"]
    source = {"url": first.get("source_url"), "text": first.get("source_text"), "title": params.get("title")}
    templates: list[dict[str, Any]] = []
    for item in items:
        name, level = item["params"]["template"], item["params"].get("verbosity")
        before = templates[-1] if templates else {}
        if level is not None and before.get("template") == name and "verbosity" in before:
            before["verbosity"].append(level)
        else:
            templates.append({"template": name} | ({"verbosity": [level]} if level is not None else {}))
    return {
        "source": {name: value for name, value in source.items() if value is not None},
        "templates": templates,
        "processing_mode": params.get("processing_mode"),
    }
