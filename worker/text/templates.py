"""Puts an article together from its components by a Markdown template of its page type: a team's own, else a built-in.

Templates are read once, when `Templates` is made; nothing is read while they run, and nothing is cleaned here.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import FunctionLoader, Template

from worker.text.sandbox import BUDGET, BoundedEnvironment, Budget
from worker.text.template_files import TemplateFault, fault_of, read_folder, written

SUFFIX = ".md.j2"
DEFAULT = f"default{SUFFIX}"
BUILT_IN = "built-in/"


class Templates:
    """The templates in `folder` (all its `*.md.j2`), before the built-in ones, which are also there as
    `built-in/product.md.j2` and so on, to be included or extended. Raises `TemplateFault` for a folder or a file that
    cannot be read."""

    def __init__(self, folder: Path | None = None) -> None:
        built_in = files("worker.text") / "templates"
        self._sources = {f"{BUILT_IN}{each.name}": each.read_text("utf-8") for each in built_in.iterdir()}
        self._own = read_folder(folder, SUFFIX) if folder else {}
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
            return written(template, "the article", components=components, item=item, page_type=page_type)
        except Exception as error:
            raise fault_of(name, error, self._sources) from None
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
            raise fault_of(name, error, self._sources) from None
        return template
