"""Ideas for articles: their shape, checked, whoever thought them up. Nothing is thought up here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from generator.items import Item, Keywords, Line, speaks


def _speaking(title: str) -> str:
    if not speaks(title):
        raise ValueError("a title has at least one letter or digit")
    return title


def _title_alone(value: object) -> object:
    match value:
        case str():
            return {"title": value}
        case Mapping():
            return {name: inner for name, inner in value.items() if inner is not None}
        case _:
            return value


class Idea(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    title: Annotated[Line, AfterValidator(_speaking)]
    summary: Line = ""
    angle: Line = ""
    keywords: Keywords = ()


GivenIdea = Annotated[Idea, BeforeValidator(_title_alone)]
"""A bare string is a title."""


class Ideas(BaseModel):
    """`recommended` is the place of the best one, from 0."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    ideas: Annotated[tuple[GivenIdea, ...], Field(min_length=1)]
    recommended: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _recommends_one_of_them(self) -> Self:
        if self.recommended >= len(self.ideas):
            raise ValueError("the recommended idea is not there")
        return self

    def content(self) -> dict[str, Any]:
        return self.model_dump(mode="json")


def about(item: Item, idea: Idea) -> Item:
    """The item with the idea as its subject; what the idea says beside its title becomes context."""
    said = "\n\n".join(filter(None, (idea.summary, idea.angle, item.context)))
    changes = {"topic": idea.title, "trend": idea.title, "context": said, "keywords": item.keywords or idea.keywords}
    return item.model_copy(update=changes)
