"""Which pipeline a request names, whether it can run here, and whether it has a use for the options. Nothing is made of
the request here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jobs.errors import Fault
from jobs.pipelines import ARTICLE, BUILT_IN, IDEAS, IMAGES, PipelineSpec
from service.rules.bulk_rules import BulkRules
from service.schemas.pipeline_requests import PipelineOptions
from service.schemas.requests import ItemCreate

IDEAS_STAGE, IMAGE_STAGE = "idea-generation", "image-generation"
STAGE_OF_OPTION = {
    "ideas": IDEAS_STAGE,
    "select_within_hours": "selection",
    "image": IMAGE_STAGE,
    "publish_to": "publishing",
    "skip_quality_check": "quality-validation",
}
"""For what stage of the pipelines that come with Pressrun each option is."""


def chosen(
    name: str | None,
    options: PipelineOptions | None,
    items: Sequence[ItemCreate],
    rules: BulkRules,
    pipelines: Mapping[str, PipelineSpec],
) -> tuple[PipelineSpec | None, list[Fault]]:
    """`article` where none is named. What is wrong with the options is not told of a pipeline that there is not."""
    pipeline = pipelines.get(ARTICLE.name if name is None else name)
    if pipeline is None:
        return None, [Fault("pipeline", f"there is no such pipeline; there are: {', '.join(sorted(pipelines))}")]
    return pipeline, _generator_faults(pipeline, items, rules) + _option_faults(pipeline, options, rules)


def _generator_faults(pipeline: PipelineSpec, items: Sequence[ItemCreate], rules: BulkRules) -> list[Fault]:
    has_ideas = bool(items) and all(item.idea is not None for item in items)
    spared = {IMAGE_STAGE, *([IDEAS_STAGE] if has_ideas else [])}
    needed = {stage.generator for stage in pipeline.stages if stage.generator and stage.name not in spared}
    missing = [name for name in sorted(needed) if name not in rules.endpoints]
    return [Fault("pipeline", _missing(pipeline, name)) for name in missing[:1]]


def _option_faults(pipeline: PipelineSpec, options: PipelineOptions | None, rules: BulkRules) -> list[Fault]:
    """A team's own pipeline takes all options: what it makes of them is not known here."""
    given = options.given() if options is not None else {}
    faults = [
        Fault(f"options.{name}", f"the pipeline {pipeline.name} has no use for it")
        for name in given
        if pipeline in BUILT_IN and STAGE_OF_OPTION[name] not in pipeline.stage_names
    ]
    if given.get("image") and not faults and IMAGES not in rules.endpoints:
        faults.append(Fault("options.image", "there is no generator of images here"))
    return faults


def _missing(pipeline: PipelineSpec, generator: str) -> str:
    if generator == IDEAS:
        return f"there is no generator of ideas here: for the pipeline {pipeline.name} give each item an idea"
    kind = "images" if generator == IMAGES else "contents"
    return f"the pipeline {pipeline.name} needs a generator of {kind}, and there is none here"
