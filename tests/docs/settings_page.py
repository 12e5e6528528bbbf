"""The reference of settings, made of the models that read them. What a setting means is said there, not here."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from enum import Enum
from pathlib import PurePath
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, MaxLen, MinLen
from pydantic import AnyHttpUrl, BaseModel, SecretStr
from pydantic.fields import FieldInfo

import generator.settings
from jobs.configuration.sections import OrOff
from jobs.configuration.settings import PREFIX, Settings
from tests.docs.markdown import code, page, table

HEADING = ("setting", "type", "default", "means")
INTRODUCTION = """Each is a variable of the environment, or a line of `pressrun.toml` in the folder where Pressrun is
started (`[worker]` `slots = 2`); the environment wins. An unknown or wrong one stops the start, with every fault
named. Times are in seconds where nothing else is said. *At first*: put into the database where no limit is yet, and
changed there later ([limits](../operations.md#limits)). Give service and workers the same environment."""
GROUPS: Mapping[str, tuple[str, ...]] = {
    "Who may": ("auth", "user"),
    "Database": ("mongodb",),
    "Service": ("service", "public_url", "stream"),
    "Workers": ("worker",),
    "Generators": ("generator", "ideas", "images"),
    "Limits": ("limits", "tenant", "parallel"),
    "Bulks and their order": ("bulk", "queue", "retention"),
    "Pipelines, templates, context": ("pipelines", "templates", "context"),
    "Requests to elsewhere, secrets, mail": ("outbound", "encryption", "smtp", "mail"),
    "Metrics and traces": ("metrics", "otel"),
}
READ_ELSEWHERE = (
    ("PRESSRUN_URL", "text", "http://127.0.0.1:8000", "Where the commands find the service (`--url`)."),
    ("PRESSRUN_API_KEY", "text", "none", "The key that the commands call it with (`--key`)."),
    ("PRESSRUN_DEBUG", "text", "none", "With any value, a command that fails also shows where in the code."),
)


def settings_page() -> str:
    grouped = [name for names in GROUPS.values() for name in names]
    assert sorted(grouped) == sorted(Settings.model_fields), "each section needs its place in GROUPS"
    parts = [part for title, names in GROUPS.items() for part in (f"## {title}", _of_group(names))]
    return page(
        "# Settings",
        INTRODUCTION,
        *parts,
        "## The reference generator",
        table(HEADING, _of_section(generator.settings.Settings, generator.settings.PREFIX, {"openai"})),
        table(HEADING, _of_section(generator.settings.OpenAI, generator.settings.MODEL_PREFIX)),
        "## The commands' client",
        table(HEADING, [(code(name), *cells) for name, *cells in READ_ELSEWHERE]),
    )


def _of_group(names: tuple[str, ...]) -> str:
    rows = [row for name in names for row in _of_field(PREFIX + name.upper(), Settings.model_fields[name])]
    return table(HEADING, rows)


def _of_field(name: str, field: FieldInfo) -> Iterator[tuple[str, ...]]:
    section = field.annotation
    if isinstance(section, type) and issubclass(section, BaseModel):
        yield from _of_section(section, f"{name}__")
    else:
        yield _cells(name, field)


def _of_section(section: type[BaseModel], prefix: str, without: Collection[str] = ()) -> Iterator[tuple[str, ...]]:
    for name, field in section.model_fields.items():
        if name not in without:
            yield _cells(prefix + name.upper(), field)


def _cells(name: str, field: FieldInfo) -> tuple[str, ...]:
    return code(name), _kind(field), _default(field), field.description or ""


def _kind(field: FieldInfo) -> str:
    kinds = [part for part in _parts(field.annotation) if part is not type(None)]
    words = [_word(kind) for kind in kinds]
    bounds = _bounds([*field.metadata, *(mark for kind in kinds for mark in getattr(kind, "__metadata__", ()))])
    off = [code("off")] if OrOff in field.metadata else []
    return " or ".join([*(f"{word}{bounds}" for word in words), *off])


def _parts(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if type(None) in get_args(annotation) else (annotation,)


def _word(kind: Any) -> str:
    """In the words of an operator, not of Python."""
    bare = getattr(kind, "__origin__", kind) if hasattr(kind, "__metadata__") else kind
    if get_origin(bare) is Literal:
        return " or ".join(code(str(value)) for value in get_args(bare))
    if get_origin(bare) is tuple:
        return "list"
    if get_origin(bare) is dict:
        return "JSON object"
    if isinstance(bare, type) and issubclass(bare, Enum):
        return " or ".join(code(str(one.value)) for one in bare)
    named = {int: "whole number", float: "number", str: "text", SecretStr: "secret text", AnyHttpUrl: "URL"}
    if bare in named:
        return named[bare]
    return "path" if isinstance(bare, type) and issubclass(bare, PurePath) else "JSON or a file's name"


def _bounds(metadata: list[Any]) -> str:
    marks = [inner for mark in metadata for inner in getattr(mark, "metadata", (mark,))]
    low = next((f"{mark.ge:,}" for mark in marks if isinstance(mark, Ge)), None)
    above = next((f"more than {mark.gt:,}" for mark in marks if isinstance(mark, Gt)), None)
    high = next((f"{mark.le:,}" for mark in marks if isinstance(mark, Le)), None)
    if any(isinstance(mark, MinLen | MaxLen) for mark in marks) or (low, above, high) == (None, None, None):
        return ""
    if low is None:
        return f", {above}, at most {high}" if above else f", at most {high}"
    return f", {low} to {high}" if high else f", at least {low}"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value is None:
        return code("off") if OrOff in field.metadata else "none"
    if value == ():
        return "none"
    if isinstance(value, dict) or type(value).__name__ == "Prices":
        return code("{}")
    return code(f"{value:g}" if isinstance(value, float) else str(value))
