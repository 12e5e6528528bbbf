"""What a stage and a pipeline are: plain async functions of a frozen input, and the order they go in.

A stage sees neither store nor queue nor settings; all that it needs of the world comes through `Tools`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, TypeAdapter

from jobs.pipelines import PipelineSpec, StageSpec
from worker.failures import StageFailed
from worker.generator import Reply


class StageInput(BaseModel):
    """What a stage's result follows from. While its hash stays the same, a result that was kept is used again; fields
    declared with `exclude=True` do not count."""

    model_config = ConfigDict(frozen=True, extra="ignore")


@dataclass(frozen=True)
class SentBack:
    """The stage `by` found fault with what the earlier stage `to` had made; `first` is that."""

    by: str
    to: str
    findings: Sequence[str]
    first: Any = None


@dataclass(frozen=True)
class Sofar:
    """What inputs are made of: the request, and the results of the stages before, by name."""

    job_id: str
    bulk_id: str
    user_id: str
    position: int
    mode: str
    item: Mapping[str, Any]
    options: Mapping[str, Any] = field(default_factory=dict)
    results: Mapping[str, Any] = field(default_factory=dict)
    sent_back: SentBack | None = None


@dataclass(frozen=True)
class SendBack:
    """A stage's result: the job goes back to an earlier stage, once, with these findings."""

    to: str
    findings: Sequence[str]


@dataclass(frozen=True)
class AskPerson:
    """A stage's result: a person chooses one of `options`, and that is the result; after `within` the recommended one
    is chosen. None: it waits for ever."""

    options: Sequence[Mapping[str, Any]]
    recommended: int
    within: timedelta | None


@dataclass(frozen=True)
class Instead:
    """What stands for a stage's result where it is skipped or has failed, and why."""

    result: Any
    note: str


@dataclass(frozen=True)
class Product:
    """What a job comes to: the content, what is told beside it, and a sketch to tell it from its siblings."""

    content: Any
    meta: Mapping[str, Any] = field(default_factory=dict)
    sketch: Sequence[int] | None = None


@dataclass(frozen=True)
class Asset:
    """Bytes that were kept, and where they are served."""

    id: str
    path: str


@dataclass(frozen=True)
class Context:
    """What one context provider told for an item; where it told nothing, `note` says why in a sentence."""

    name: str
    slot: str
    text: str | None
    note: str | None = None


@dataclass(frozen=True)
class Sibling:
    """Another article of the same bulk, by position, and its sketch."""

    position: int
    sketch: Sequence[int]


class Tools(Protocol):
    """What a stage may use. Each is bound to its job, and stops with it."""

    async def call(
        self, generator: str, path: str, body: Mapping[str, Any], *, part: str = "", most_bytes: int = ...
    ) -> Reply:
        """One paid call, under a key of its own (I9). `part` tells a stage's several calls apart.

        Raises `StageFailed`.
        """

    async def fetch(self, url: str, *, types: Sequence[str], most_bytes: int) -> str:
        """The text behind a URL that a user gave, through the guard. Raises `StageFailed`."""

    async def context(self, item: Mapping[str, Any]) -> Sequence[Context]:
        """What all context providers tell for an item, in their order. One that fails fails nothing."""

    async def siblings(self) -> Sequence[Sibling]:
        """The finished articles of the same bulk."""

    async def keep_asset(self, data: bytes, content_type: str) -> Asset:
        """Safe to repeat: the same bytes of the same job are kept once."""

    async def publish(self, target: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Post to a target that the job's owner has registered, signed, under an id that makes repeating harmless.

        What the target answered. Raises `StageFailed`.
        """


Hook = Callable[[str, StageInput, Any], Awaitable[None]]
"""Called with the stage's name, its input, and its result (None before it)."""


async def _no_hook(stage: str, given: StageInput, result: Any) -> None:
    """Nothing."""


@dataclass(frozen=True)
class Stage:
    """`given` makes the input, `run` the result, which must be what JSON can say, or a model of type `result`.

    `can_skip` says what stands in its place, if it need not run. `on_error` may say so for a failure; it is told
    whether the job would fail for good with that. `quick`: it only computes, so it may run while the worker stops.
    `several_calls`: each answer is kept at once.
    """

    name: str
    run: Callable[[Any, Tools], Awaitable[Any]]
    given: Callable[[Sofar], StageInput]
    result: Any = Any
    generator: str | None = None
    quick: bool = False
    several_calls: bool = False
    can_skip: Callable[[Any], Instead | None] = lambda _: None
    on_error: Callable[[Any, StageFailed, bool], Instead | None] = lambda _given, _failure, _final: None
    before: Hook = _no_hook
    after: Hook = _no_hook

    @cached_property
    def adapter(self) -> TypeAdapter[Any]:
        """To and from what is stored of a result."""
        return TypeAdapter(self.result)


def last_result(sofar: Sofar) -> Product:
    return Product(list(sofar.results.values())[-1])


@dataclass(frozen=True)
class Pipeline:
    """Its hooks are called around each of its stages. `product` makes what the job comes to of all results."""

    name: str
    stages: Sequence[Stage]
    product: Callable[[Sofar], Product] = last_result
    before: Hook = _no_hook
    after: Hook = _no_hook

    @property
    def spec(self) -> PipelineSpec:
        return PipelineSpec(self.name, tuple(StageSpec(stage.name, stage.generator) for stage in self.stages))
