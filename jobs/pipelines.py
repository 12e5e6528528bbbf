"""Which pipelines there are, and of which stages: all that service and queue know of them. What a stage does is the
worker's affair.

Workers store what they can run, a team's own pipelines included, and the service reads it there: so the two need not
share any code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from jobs.errors import Fault, InvalidInput
from jobs.storage.store import Document, Store

CONTENT = "default"
IDEAS = "ideas"
IMAGES = "images"
GENERATORS = (CONTENT, IDEAS, IMAGES)
"""The generation endpoints that a stage may call; each has a rate and a breaker of its own."""

NAME = re.compile(r"[a-z][a-z0-9-]{0,59}")


@dataclass(frozen=True)
class StageSpec:
    """`generator` is the endpoint that it calls, if any."""

    name: str
    generator: str | None = None


@dataclass(frozen=True)
class PipelineSpec:
    name: str
    stages: tuple[StageSpec, ...]

    @property
    def stage_names(self) -> Sequence[str]:
        return [stage.name for stage in self.stages]


PLAIN = PipelineSpec("plain", (StageSpec("content-generation", CONTENT),))
"""The article as the generator gives it."""

ARTICLE = PipelineSpec(
    "article",
    (
        StageSpec("validation"),
        StageSpec("context-building"),
        StageSpec("component-generation", CONTENT),
        StageSpec("template-assembly"),
        StageSpec("quality-validation"),
        StageSpec("post-processing"),
        StageSpec("storage"),
    ),
)
BLOG = PipelineSpec(
    "blog",
    (
        StageSpec("idea-generation", IDEAS),
        StageSpec("selection"),
        StageSpec("content-generation", CONTENT),
        StageSpec("image-generation", IMAGES),
        StageSpec("publishing"),
    ),
)
FORMATS = PipelineSpec(
    "formats",
    (
        StageSpec("source-fetching"),
        StageSpec("format-generation", CONTENT),
        StageSpec("post-processing"),
    ),
)
BUILT_IN = (ARTICLE, BLOG, FORMATS, PLAIN)


def stages_of(spec: PipelineSpec) -> list[Document]:
    """As a bulk keeps them."""
    return [asdict(stage) for stage in spec.stages]


def next_generator(stages: Sequence[Document], stage: str | None) -> str | None:
    """The endpoint that a job which stands at this stage will call first; None where it calls none any more."""
    names = [entry["name"] for entry in stages]
    begins = names.index(stage) if stage in names else 0
    return next((entry["generator"] for entry in stages[begins:] if entry["generator"] is not None), None)


def percentage_at(stages: Sequence[Document], stage: str) -> int:
    """How much of the job is done when it comes to this stage."""
    names = [entry["name"] for entry in stages]
    return 100 * names.index(stage) // len(names) if stage in names else 0


def begun_again(job: Document, stages: Sequence[Document], from_stage: str) -> Document:
    """What changes in a job that is to begin again at this stage: the results of those from there on are forgotten.

    Raises `InvalidInput` for a stage that it has not come to.
    """
    names = [entry["name"] for entry in stages]
    stands_at = names.index(job["current_stage"]) if job["current_stage"] in names else 0
    reached = names[: stands_at + 1]
    if from_stage not in reached:
        there_are = f"must be a stage that the job has come to: {', '.join(reached)}"
        raise InvalidInput("The request is not valid.", (Fault("from_stage", there_are),))
    kept = reached[: reached.index(from_stage)]
    sent_back, selection = job["sent_back"], job["selection"]
    return {
        "current_stage": from_stage,
        "percentage": percentage_at(stages, from_stage),
        "checkpoints": {name: entry for name, entry in job["checkpoints"].items() if name in kept},
        "paid": {name: entry for name, entry in job["paid"].items() if name in kept},
        # What was made of the findings follows from them: without them its stage would be paid for again.
        "sent_back": sent_back if sent_back and sent_back["to"] in kept else None,
        "selection": selection if selection and selection["stage"] in kept else None,
    }


class PipelineStore:
    """What workers can run, as they last stored it."""

    def __init__(self, store: Store) -> None:
        self._pipelines = store.collection("pipelines")

    async def register(self, specs: Iterable[PipelineSpec]) -> None:
        """Safe to repeat; the last worker that starts says how a pipeline is made."""
        for spec in specs:
            changes = {"$set": {"stages": stages_of(spec)}}
            await self._pipelines.update_one({"_id": spec.name}, changes, upsert=True)

    async def all(self) -> dict[str, PipelineSpec]:
        """By name: those that come with Pressrun, and those that workers have stored."""
        stored = await self._pipelines.find({})
        return {spec.name: spec for spec in (*BUILT_IN, *(_read(document) for document in stored))}


def _read(document: Document) -> PipelineSpec:
    stages = (StageSpec(entry["name"], entry["generator"]) for entry in document["stages"])
    return PipelineSpec(document["_id"], tuple(stages))
