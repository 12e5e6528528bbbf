"""Puts an article together from its components by a Markdown template of its page type: a team's own, else a built-in.

Templates are read once, when `Templates` is made; nothing is read while they run, and nothing is cleaned here.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import FunctionLoader, Template, TemplateError, TemplateSyntaxError

from worker.text.sandbox import BUDGET, MAX_CHARACTERS, BoundedEnvironment, Budget

SUFFIX = ".md.j2"
DEFAULT = f"default{SUFFIX}"
BUILT_IN = "built-in/"
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


class Templates:
    """The templates in `folder` (all its `*.md.j2`), before the built-in ones, which are also there as
    `built-in/product.md.j2` and so on, to be included or extended. Raises `TemplateFault` for a folder or a file that
    cannot be read."""

    def __init__(self, folder: Path | None = None) -> None:
        built_in = files("worker.text") / "templates"
        self._sources = {f"{BUILT_IN}{each.name}": each.read_text("utf-8") for each in built_in.iterdir()}
        self._own = _read(folder) if folder else {}
        self._sources |= self._own
        self._environment = BoundedEnvironment(FunctionLoader(self._source))
        self._step_work = max(map(len, self._sources.values()))

    def assemble(self, page_type: str | None, components: Mapping[str, str], item: Mapping[str, Any]) -> str:
        """The article as the template makes it, not yet cleaned. The template sees `components` (texts by name),
        `item` and `page_type`.

        The first of these is taken: the team's for the page type, the team's default, the built-in for the page type,
        the built-in default. Raises `TemplateFault` where it is wrong, or wants more than it may: 1 MB of text, 5000
        steps.
        """
        name = self._chosen(page_type)
        template = self._compiled(name)
        token = BUDGET.set(Budget(self._step_work))
        try:
            return _written(template, components=components, item=item, page_type=page_type)
        except Exception as error:
            raise self._fault(name, error) from None
        finally:
            BUDGET.reset(token)

    def check(self) -> list[TemplateFault]:
        """The faults of all templates that can be seen without running them."""
        faults = []
        for name in sorted(self._sources):
            try:
                self._compiled(name)
            except TemplateFault as fault:
                faults.append(fault)
        return faults

    def _chosen(self, page_type: str | None) -> str:
        wanted = f"{page_type}{SUFFIX}"
        return next(
            name for name in (wanted, DEFAULT, f"{BUILT_IN}{wanted}", f"{BUILT_IN}{DEFAULT}") if name in self._sources
        )

    def _source(self, name: str) -> tuple[str, str, None] | None:
        return (self._sources[name], name, None) if name in self._sources else None

    def _compiled(self, name: str) -> Template:
        try:
            template: Template = self._environment.get_template(name)
        except Exception as error:
            raise self._fault(name, error) from None
        return template

    def _fault(self, name: str, error: Exception) -> TemplateFault:
        """Any error of a template is its author's: what Python raises in it has no base class."""
        if isinstance(error, TemplateSyntaxError):
            return TemplateFault(error.name or name, error.lineno, _sentence(error.message))
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in self._sources]
        place = frames[-1] if frames else None
        reason = str(error) if isinstance(error, TemplateError) else f"{type(error).__name__}: {error}"
        if isinstance(error, RecursionError):
            reason = "it is nested too deeply or calls itself without end"
        return TemplateFault(place.filename if place else name, place.lineno if place else None, _sentence(reason))


def _written(template: Template, **values: Any) -> str:
    parts: list[str] = []
    left = MAX_CHARACTERS
    for part in template.generate(**values):
        left -= len(part)
        if left < 0:
            raise TemplateError(f"the article gets longer than {MAX_CHARACTERS // 2**20} MB")
        parts.append(part)
    return "".join(parts)


def _read(folder: Path) -> dict[str, str]:
    try:
        paths = sorted(path for path in folder.iterdir() if path.name.endswith(SUFFIX))
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
