"""The form of a source's formats as the body of its request. Nothing is judged here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from jobs.pipelines import FORMATS
from service.pages.request_form import OF_BULK, list_of, settings_of, shown
from service.pages.wording import words
from service.schemas.pipeline_requests import Verbosity

KNOWN = ("summary", "newsletter", "social_post", "thread", "faq", "script", "press_release")
"""Those that the reference generator has a shape for; a generator may have others."""

LEVELS: Sequence[str] = get_args(Verbosity.__value__)
FORMAT = "format."
LEAD_TO = (("", "Found out from the address"), ("video", "A video"), ("article", "A page to read"))


@dataclass(frozen=True)
class Row:
    """A format with its fields: as usual, and in each level of verbosity."""

    label: str
    fields: Sequence[tuple[str, str]]


def body_of(form: Mapping[str, str]) -> dict[str, Any]:
    source = {name: form[f"source.{name}"] for name in ("url", "text", "title") if f"source.{name}" in form}
    body = {**settings_of(form, {}), "pipeline": FORMATS.name, "source": source, "templates": templates_of(form)}
    return body | {name: form[name] for name in ("processing_mode",) if name in form}


def templates_of(form: Mapping[str, str]) -> list[Any]:
    """In the order of the page; one without a level first."""
    wanted: list[Any] = []
    for name in names_in(form):
        if FORMAT + name in form:
            wanted.append(name)
        levels = [level for level in LEVELS if f"{FORMAT}{name}.{level}" in form]
        if levels:
            wanted.append({"template": name, "verbosity": levels})
    return [*wanted, *list_of(form.get("others", ""))]


def fields_of(body: Mapping[str, Any]) -> dict[str, str]:
    """The other way round; a deadline was that of the first time."""
    names = ["source.url", "source.text", "source.title", "processing_mode", *OF_BULK]
    return shown(body, [name for name in names if name != "deadline"]) | ticks(body.get("templates") or [])


def ticks(templates: Sequence[Any]) -> dict[str, str]:
    """The boxes of these templates."""
    fields = {}
    for entry in templates:
        told = entry if isinstance(entry, Mapping) else {"template": entry}
        levels = told.get("verbosity")
        for level in levels if isinstance(levels, list) else [levels]:
            fields[FORMAT + str(told.get("template")) + (f".{level}" if level else "")] = "on"
    return fields


def names_in(form: Mapping[str, str]) -> Sequence[str]:
    """The known ones, and what else the form has."""
    given = (name.removeprefix(FORMAT) for name in form if name.startswith(FORMAT))
    return list(dict.fromkeys([*KNOWN, *(_without_level(name) for name in given)]))


def rows(form: Mapping[str, str]) -> Sequence[Row]:
    return [_row(name) for name in names_in(form)]


def count(templates: Sequence[Any]) -> int:
    """Of the texts that come of these templates."""
    return sum(len(entry["verbosity"]) if isinstance(entry, dict) else 1 for entry in templates)


def label_of(name: str) -> str:
    """As people call it."""
    return "FAQ" if name == "faq" else words(name) if name in KNOWN else name


def _row(name: str) -> Row:
    label = label_of(name)
    levels = [(f"{FORMAT}{name}.{level}", f"{label}, {level}") for level in LEVELS]
    return Row(label, [(FORMAT + name, f"{label}, as usual"), *levels])


def _without_level(name: str) -> str:
    before, _, level = name.rpartition(".")
    return before if before and level in LEVELS else name
