"""A span for each stage of a pipeline, around nothing but the stage's own work. No pipeline knows of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from jobs.tracing import Tracer
from worker.stage import Pipeline, Stage, Tools


def traced(pipelines: Mapping[str, Pipeline], tracer: Tracer) -> Mapping[str, Pipeline]:
    """The same pipelines, each stage within a span `pressrun.stage NAME`."""
    return {
        name: replace(pipeline, stages=tuple(_traced(stage, tracer) for stage in pipeline.stages))
        for name, pipeline in pipelines.items()
    }


def _traced(stage: Stage, tracer: Tracer) -> Stage:
    async def run(given: Any, tools: Tools) -> Any:
        with tracer.span(f"pressrun.stage {stage.name}", facts={"stage": stage.name}):
            return await stage.run(given, tools)

    return replace(stage, run=run)
