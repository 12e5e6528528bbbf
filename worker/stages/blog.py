"""The pipeline `blog`: ideas, a person's choice, the text, an image, and a target that it is published to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from pydantic import BaseModel

from jobs.pipelines import CONTENT, IDEAS
from jobs.storage.storable import size_of
from worker.failures import StageFailed
from worker.pipeline import MOST_OF_OPTIONS
from worker.stage import AskPerson, Instead, Pipeline, Product, Sofar, Stage, StageInput, Tools
from worker.stages.article import title_for
from worker.stages.content import markdown_in, path_of
from worker.stages.illustration import Illustration, illustration
from worker.stages.processing import Processed, markdown_beside, processed

HOURS_TO_CHOOSE = 24
USUAL_IDEAS = 5
MOST_IDEAS = 20

Idea = dict[str, Any]


class Brainstorm(StageInput):
    """`idea` where the item brings one; `told` is the body of the call."""

    told: dict[str, Any]
    idea: Idea | None


class Ideas(BaseModel):
    ideas: list[Idea]
    recommended: int = 0


async def think_up(given: Brainstorm, tools: Tools) -> Ideas:
    content = (await tools.call(IDEAS, "/api/content/ideas", given.told)).content
    told = content if isinstance(content, Mapping) else {}
    found = told.get("ideas")
    ideas = [idea for one in found if (idea := idea_of(one))] if isinstance(found, list) else []
    if not ideas:
        raise StageFailed("The generator of ideas gave none that can be read.", definite=True)
    recommended = told.get("recommended")
    ideas = ideas[:MOST_IDEAS]
    if size_of(ideas) > MOST_OF_OPTIONS:
        raise StageFailed(f"The generator of ideas gave more than {MOST_OF_OPTIONS // 2**20} MB.", definite=True)
    if not isinstance(recommended, int) or isinstance(recommended, bool) or not 0 <= recommended < len(ideas):
        recommended = 0
    return Ideas(ideas=ideas, recommended=recommended)


def _brainstorm(sofar: Sofar) -> Brainstorm:
    count = sofar.options.get("ideas") or USUAL_IDEAS
    return Brainstorm(told={**sofar.item, "mode": sofar.mode, "count": count}, idea=idea_of(sofar.item.get("idea")))


def _brings_idea(given: Brainstorm) -> Instead | None:
    return Instead(Ideas(ideas=[given.idea]), "the item brings its idea") if given.idea else None


class Question(StageInput):
    ideas: Ideas
    is_given: bool
    hours: float | None


async def ask(given: Question, _: Tools) -> AskPerson:
    within = timedelta(hours=given.hours) if given.hours is not None else None
    return AskPerson(given.ideas.ideas, given.ideas.recommended, within)


def _question(sofar: Sofar) -> Question:
    return Question(
        ideas=sofar.results["idea-generation"],
        is_given=idea_of(sofar.item.get("idea")) is not None,
        hours=sofar.options.get("select_within_hours", HOURS_TO_CHOOSE),
    )


def _nothing_to_choose(given: Question) -> Instead | None:
    return Instead(given.ideas.ideas[0], "the item brings its idea") if given.is_given else None


class Assignment(StageInput):
    mode: str
    told: dict[str, Any]


async def write(given: Assignment, tools: Tools) -> Any:
    return (await tools.call(CONTENT, path_of(given.mode), given.told)).content


def _assignment(sofar: Sofar) -> Assignment:
    told = {**sofar.item, "mode": sofar.mode, "idea": sofar.results["selection"]}
    return Assignment(mode=sofar.mode, told=told)


class Issue(StageInput):
    """What is published. `target` is the name of one that the job's owner has registered."""

    content: Any
    title: str
    language: str
    illustration: Illustration | None
    external_id: Any
    target: str | None


class Published(BaseModel):
    """`answer` is what the target said, if anything."""

    processed: Processed
    target: str | None
    answer: dict[str, Any] | None


async def publish(given: Issue, tools: Tools) -> Published:
    made = await processed(markdown_in(given.content), title=given.title, language=given.language)
    if given.target is None:
        return Published(processed=made, target=None, answer=None)
    body = made.model_dump(exclude={"sketch"}) | {
        "image": given.illustration.model_dump() if given.illustration else None,
        "external_id": given.external_id,
        "language": given.language,
    }
    return Published(processed=made, target=given.target, answer=dict(await tools.publish(given.target, body)))


def _issue(sofar: Sofar) -> Issue:
    made, item = sofar.results, sofar.item
    return Issue(
        content=made["content-generation"],
        title=str(made["selection"].get("title") or title_for(item)),
        language=str(item.get("language") or "en"),
        illustration=made["image-generation"],
        external_id=item.get("external_id"),
        target=sofar.options.get("publish_to"),
    )


def _product(sofar: Sofar) -> Product:
    made = sofar.results
    published: Published = made["publishing"]
    content, own = made["content-generation"], published.processed
    meta = own.model_dump(exclude={"sketch", "markdown"}) | {"idea": made["selection"]}
    meta |= markdown_beside(content, own)
    picture: Illustration | None = made["image-generation"]
    meta |= {"image": picture.model_dump() if picture else None}
    meta |= {"published": {"target": published.target, "answer": published.answer} if published.target else None}
    return Product(content, meta, own.sketch)


def blog(*, has_images: bool) -> Pipeline:
    """`has_images`: there is a generator of images."""
    stages: Sequence[Stage] = (
        Stage("idea-generation", think_up, _brainstorm, Ideas, generator=IDEAS, can_skip=_brings_idea),
        Stage("selection", ask, _question, Idea, can_skip=_nothing_to_choose),
        Stage("content-generation", write, _assignment, generator=CONTENT),
        illustration(there_is=has_images),
        Stage("publishing", publish, _issue, Published),
    )
    return Pipeline("blog", stages, _product)


def idea_of(told: Any) -> Idea | None:
    """An idea is an object with a title; a text is the title of one. None for anything else."""
    if isinstance(told, str):
        return {"title": told.strip()[:300]} if told.strip() else None
    if not isinstance(told, Mapping):
        return None
    title = told.get("title")
    return {**told, "title": title.strip()[:300]} if isinstance(title, str) and title.strip() else None
