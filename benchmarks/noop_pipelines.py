"""Pipelines whose stages do nothing, for the worker that `stages` measures: all that is left is what a stage costs.

Named in a worker's settings: `PRESSRUN_PIPELINES=benchmarks.noop_pipelines`. Nothing is called here.
"""

from __future__ import annotations

from pydantic import BaseModel

from worker.registry import Registry
from worker.stage import Pipeline, Product, Sofar, Stage, StageInput, Tools

MODULE = __name__
STAGES = 7


class Given(StageInput):
    topic: str


class Made(BaseModel):
    text: str


async def _do_nothing(given: Given, _: Tools) -> Made:
    return Made(text=given.topic)


def _given(sofar: Sofar) -> Given:
    return Given(topic=sofar.item["topic"])


def _pipeline(name: str, stages: int) -> Pipeline:
    made = (Stage(f"stage-{number}", _do_nothing, _given, Made) for number in range(1, stages + 1))
    return Pipeline(name, tuple(made), lambda sofar: Product(sofar.item["topic"]))


ONE = _pipeline("one-stage", 1)
SEVEN = _pipeline("seven-stages", STAGES)


def register(registry: Registry) -> None:
    """Called once when a worker starts."""
    registry.add(ONE)
    registry.add(SEVEN)
