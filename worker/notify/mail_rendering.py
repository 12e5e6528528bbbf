"""The texts of a mail from its templates: a team's own, each in the place of the built-in one of its name.

Templates run in the same sandbox as those of articles; in HTML what they print is escaped. Nothing is sent here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import structlog
from jinja2 import FunctionLoader

from worker.text.sandbox import BUDGET, BoundedEnvironment, Budget
from worker.text.template_files import TemplateFault, fault_of, read_folder, written

log = structlog.get_logger()
SUFFIX = ".j2"
HTML = f".html{SUFFIX}"
BUILT_IN = "built-in/"


@dataclass(frozen=True)
class Written:
    subject: str
    text: str
    html: str


class MailTemplates:
    """The templates in `folder` (all its `*.j2`) before the built-in ones, which are also there as
    `built-in/bulk.html.j2` and so on. Raises `TemplateFault` for a folder or a file that cannot be read."""

    def __init__(self, folder: Path | None = None) -> None:
        here = files("worker.notify") / "mail_templates"
        built_in = {each.name: each.read_text("utf-8") for each in here.iterdir()}
        self._own = read_folder(folder, SUFFIX) if folder else {}
        unknown = sorted(self._own.keys() - built_in.keys())
        if unknown:
            raise TemplateFault(unknown[0], None, f"there is none of this name: {', '.join(sorted(built_in))}")
        sources = {f"{BUILT_IN}{name}": source for name, source in built_in.items()} | built_in
        self._built_in = _Environment(sources)
        self._chosen = _Environment(sources | self._own) if self._own else self._built_in

    def write(self, template: str, view: Mapping[str, Any]) -> Written:
        """`template` is `bulk`, `job` or `digest`. Where a team's template fails the built-in ones are taken, since a
        mail that never comes is worse; the fault is logged."""
        try:
            return self._write(self._chosen, template, view)
        except TemplateFault as fault:
            if not self._own:
                raise
            log.error("mail_template_failed", template=fault.name, reason=str(fault))  # noqa: TRY400 - it is all there is
            return self._write(self._built_in, template, view)

    def check(self, views: Iterable[tuple[str, Mapping[str, Any]]]) -> list[TemplateFault]:
        """The faults of all templates that show when each is run with these: which template, and an example's view."""
        faults: dict[tuple[str, int | None], TemplateFault] = {}
        for template, view in views:
            for name in ("subject.txt.j2", f"{template}.txt.j2", f"{template}.html.j2"):
                try:
                    self._run(self._chosen, name, {"subject": "A subject", **view})
                except TemplateFault as fault:
                    faults[fault.name, fault.line] = fault
        return list(faults.values())

    def _write(self, environment: _Environment, template: str, view: Mapping[str, Any]) -> Written:
        subject = self._run(environment, "subject.txt.j2", view)
        title = {"subject": " ".join(subject.split())}
        text = self._run(environment, f"{template}.txt.j2", {**view, **title})
        html = self._run(environment, f"{template}.html.j2", {**view, **title})
        return Written(title["subject"], text.strip() + "\n", html)

    def _run(self, environment: _Environment, name: str, view: Mapping[str, Any]) -> str:
        token = BUDGET.set(Budget(environment.step_work))
        try:
            return written(environment.get_template(name), "the mail", **view)
        except Exception as error:
            raise fault_of(name, error, environment.sources) from None
        finally:
            BUDGET.reset(token)


class _Environment(BoundedEnvironment):
    def __init__(self, sources: Mapping[str, str]) -> None:
        super().__init__(FunctionLoader(lambda name: (sources[name], name, None) if name in sources else None))
        self.sources = frozenset(sources)
        self.step_work = max(map(len, sources.values()))
        self.autoescape = lambda name: name is not None and name.endswith(HTML)
