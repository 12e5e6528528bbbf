"""The pipelines that this worker can run: those that come with Pressrun, and a team's own.

A team's module, named in the settings, has a function `register(registry)`, which adds its pipelines, and its context
providers if it has any.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from jobs.errors import PressrunError
from jobs.pipelines import GENERATORS, NAME
from worker.contexts import Contexts
from worker.stage import Pipeline
from worker.stages.article import article
from worker.stages.blog import blog
from worker.stages.content import PLAIN_STAGE
from worker.stages.formats import FORMATS
from worker.stages.writing import Components
from worker.text.templates import Templates

MOST_STAGES = 50


@dataclass(eq=False)
class WrongPipelines(PressrunError):
    """The pipelines of {module} cannot be used: {reason}."""

    module: str
    reason: str


@dataclass(frozen=True)
class Kit:
    """What the pipelines that come with Pressrun are made of."""

    templates: Templates
    components: Components = Components()
    has_images: bool = False


class Registry:
    """`pipelines` are those registered so far, by name; `contexts` takes context providers as well."""

    def __init__(self, pipelines: Iterable[Pipeline] = (), contexts: Contexts | None = None) -> None:
        self.pipelines: dict[str, Pipeline] = {pipeline.name: pipeline for pipeline in pipelines}
        self.contexts = contexts or Contexts()

    def add(self, pipeline: Pipeline) -> None:
        """Raises `ValueError` with a sentence for one that could not run."""
        reason = _why_unusable(pipeline)
        if reason is None and pipeline.name in self.pipelines:
            reason = f"there is a pipeline {pipeline.name!r} already"
        if reason is not None:
            raise ValueError(reason)
        self.pipelines[pipeline.name] = pipeline


def built_in(kit: Kit | None = None) -> Mapping[str, Pipeline]:
    kit = kit or Kit(Templates())
    made = (
        article(kit.templates, kit.components),
        blog(has_images=kit.has_images),
        FORMATS,
        Pipeline("plain", (PLAIN_STAGE,)),
    )
    return {pipeline.name: pipeline for pipeline in made}


def registered(kit: Kit, modules: Iterable[str], contexts: Contexts | None = None) -> Mapping[str, Pipeline]:
    """Those that come with Pressrun, and those that the modules add. Raises `WrongPipelines` with its reason."""
    registry = Registry(built_in(kit).values(), contexts)
    for module in modules:
        try:
            importlib.import_module(module).register(registry)
        except Exception as error:
            said = " ".join(str(error).split()).rstrip(".")[:300]
            kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
            raise WrongPipelines(module, f"{kind}{said}") from error
    return registry.pipelines


def _why_unusable(pipeline: Pipeline) -> str | None:
    names = [stage.name for stage in pipeline.stages]
    for name in (pipeline.name, *names):
        if not NAME.fullmatch(name):
            return f"{name!r} is no name: up to 60 lower-case letters, digits and hyphens, a letter first"
    if not 1 <= len(names) <= MOST_STAGES:
        return f"the pipeline {pipeline.name!r} has {len(names)} stages, and must have 1 to {MOST_STAGES}"
    if len(set(names)) < len(names):
        return f"the pipeline {pipeline.name!r} has two stages of one name"
    for stage in pipeline.stages:
        if stage.generator not in (None, *GENERATORS):
            return f"the stage {stage.name!r} names a generator that there is not: use {', '.join(GENERATORS)}"
    return None
