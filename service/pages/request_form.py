"""Between the fields of a form and the body of a request: what is common to bulks, single articles and formats.

A field is named by its path in the body (`budget.cost`). Numbers that are none stay text, so that the rules of every
other request refuse them; nothing is judged here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from jobs.pipelines import BUILT_IN, PipelineSpec
from service.rules.pipeline_rules import STAGE_OF_OPTION

WHOLE = ("word_count", "parallelism", "stagger_ms", "max_retries", "options.ideas")
WHOLE_OF_POLICY = ("failure_policy.min_items", "failure_policy.canary")
DECIMAL = ("delay_seconds", "priority", "budget.cost", "budget.cost_per_job", "failure_policy.max_failed_percent")
FOR_EVERY_ITEM = ("word_count", "tone", "language", "brand_voice", "page_type", "region")
TOLD = ("webhook_url", "email", "progress")
OF_BULK = (
    "name", "tenant", "delay_seconds", "parallelism", "stagger_ms", "max_retries", "priority", "deadline",
    "budget.cost", "budget.cost_per_job",
    "failure_policy.max_failed_percent", "failure_policy.min_items", "failure_policy.canary",
    *(f"notify.{name}" for name in TOLD),
    "run_between.from", "run_between.to", "run_between.time_zone",
)  # fmt: skip
OPTIONS = tuple(f"options.{name}" for name in STAGE_OF_OPTION)
NEVER = "never"
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_DECIMAL = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,9})?")
_OFFSET = re.compile(r"[+-][0-9]{2}:[0-9]{2}")
_WITHOUT_OFFSET = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(?::[0-9]{2})?")


def fields_of_items(form: Mapping[str, str], mode: str) -> dict[str, Any]:
    """What holds for each article that does not say otherwise."""
    names = [name for name in FOR_EVERY_ITEM if name != "region" or mode == "trends"]
    return {name: _value(name, form[name]) for name in names if name in form}


def settings_of(form: Mapping[str, str], pipelines: Mapping[str, PipelineSpec]) -> dict[str, Any]:
    """Of a bulk: name, pipeline, its options, and how it is run. Options that the pipeline has no use for were not to
    be seen on the page, and are left out."""
    body = pipeline_of(form, pipelines)
    for path in OF_BULK:
        if path in form:
            _put(body, path, _value(path, form[path]))
    if isinstance(body.get("deadline"), str):
        body["deadline"] = moment_of(form, "deadline")
    return body


def moment_of(form: Mapping[str, str], name: str) -> str:
    """A browser's field tells no offset: the page's script says which it means, else it is UTC."""
    moment, offset = form[name], form.get(f"{name}_offset", "")
    if not _WITHOUT_OFFSET.fullmatch(moment):
        return moment
    return moment + (offset if _OFFSET.fullmatch(offset) else "Z")


def notify_of(form: Mapping[str, str]) -> dict[str, Any] | None:
    """Whom a bulk tells; None where it tells nobody."""
    given = {name: _value(f"notify.{name}", form[f"notify.{name}"]) for name in TOLD if f"notify.{name}" in form}
    return given or None


def pipeline_of(form: Mapping[str, str], pipelines: Mapping[str, PipelineSpec]) -> dict[str, Any]:
    name = form.get("pipeline")
    body: dict[str, Any] = {"pipeline": name} if name else {}
    pipeline = pipelines.get(name or "")
    for option in options_of(pipeline) if pipeline else ():
        path = f"options.{option}"
        if path in form:
            _put(body, path, _option(option, form[path]))
    return body


def options_of(pipeline: PipelineSpec) -> Sequence[str]:
    """Those that it has a use for; a team's own may have one for any."""
    if pipeline not in BUILT_IN:
        return list(STAGE_OF_OPTION)
    return [name for name, stage in STAGE_OF_OPTION.items() if stage in pipeline.stage_names]


def shown(body: Mapping[str, Any], names: Iterable[str]) -> dict[str, str]:
    """The fields of these names, of the body of a request; the other way round."""
    told = {}
    for path in names:
        found: Any = body
        for name in path.split("."):
            found = found.get(name, ...) if isinstance(found, Mapping) else ...
        if found is not ...:
            text = _shown(path, found)
            if text:
                told[path] = text
    return told


def only(form: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    return {name: text for name, text in form.items() if name in names}


def list_of(text: str) -> list[str]:
    """The parts between commas and line ends."""
    return [part.strip() for part in re.split(r"[,\n]", text) if part.strip()]


def _value(path: str, text: str) -> Any:
    if path in (*WHOLE, *WHOLE_OF_POLICY) and _WHOLE.fullmatch(text):
        return int(text)
    if path in DECIMAL and _DECIMAL.fullmatch(text):
        return float(text)
    if path == "notify.progress":
        return [int(part) if _WHOLE.fullmatch(part) else part for part in list_of(text)]
    return text


def _option(name: str, text: str) -> Any:
    match name:
        case "image" | "skip_quality_check":
            return text == "yes"
        case "select_within_hours":
            return None if text == NEVER else float(text) if _DECIMAL.fullmatch(text) else text
        case _:
            return _value(f"options.{name}", text)


def _shown(path: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return NEVER if path == "options.select_within_hours" else ""
    if isinstance(value, float):
        return f"{value:.9f}".rstrip("0").rstrip(".")
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value) if isinstance(value, str | int) else ""


def _put(body: dict[str, Any], path: str, value: Any) -> None:
    group, _, name = path.rpartition(".")
    target = body.setdefault(group, {}) if group else body
    target[name] = value
