"""What templates of every kind have in common: files of a folder, their faults in a sentence, bounds on their text.

What a template is given, and which are taken, is not known here.
"""

from __future__ import annotations

import traceback
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Template, TemplateError, TemplateSyntaxError

from worker.text.sandbox import MAX_CHARACTERS

MAX_FILE_BYTES = 64 * 2**10


@dataclass(eq=False)
class TemplateFault(Exception):
    """What is wrong with the template `name`, in the line `line` (from 1) where that is known."""

    name: str
    line: int | None
    reason: str

    def __str__(self) -> str:
        place = f", line {self.line}" if self.line else ""
        return f"The template {self.name}{place} cannot be used: {self.reason.rstrip('.')}."


def fault_of(name: str, error: Exception, sources: Collection[str]) -> TemplateFault:
    """Any error of a template is its author's: what Python raises in it has no base class. `sources` are the names of
    all templates."""
    if isinstance(error, TemplateSyntaxError):
        return TemplateFault(error.name or name, error.lineno, _sentence(error.message))
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in sources]
    place = frames[-1] if frames else None
    reason = str(error) if isinstance(error, TemplateError) else f"{type(error).__name__}: {error}"
    if isinstance(error, RecursionError):
        reason = "it is nested too deeply or calls itself without end"
    return TemplateFault(place.filename if place else name, place.lineno if place else None, _sentence(reason))


def written(template: Template, what: str, **values: Any) -> str:
    """Raises `TemplateError` where `what` (as `the article`) gets too long."""
    parts: list[str] = []
    left = MAX_CHARACTERS
    for part in template.generate(**values):
        left -= len(part)
        if left < 0:
            raise TemplateError(f"{what} gets longer than {MAX_CHARACTERS // 2**20} MB")
        parts.append(part)
    return "".join(parts)


def read_folder(folder: Path, suffix: str) -> dict[str, str]:
    """Its files that end so, by name. Raises `TemplateFault`."""
    try:
        paths = sorted(path for path in folder.iterdir() if path.name.endswith(suffix))
    except OSError as error:
        raise TemplateFault(folder.name, None, f"the folder cannot be read ({error.strerror})") from None
    return {path.name: _content(path) for path in paths}


def _content(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise TemplateFault(path.name, None, f"it has more than {MAX_FILE_BYTES // 2**10} KB")
        return path.read_text("utf-8")
    except OSError as error:
        raise TemplateFault(path.name, None, f"the file cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise TemplateFault(path.name, None, "it is not UTF-8") from None


def _sentence(text: str | None) -> str:
    return " ".join((text or "it has an error").split())[:300]
