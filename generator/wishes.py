"""What a caller may ask for beside the item: one component, a format, an idea to follow, findings to mend.

Checked here, fulfilled elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from generator.errors import InvalidItem
from generator.ideas import GivenIdea
from generator.items import Line, Mode, read_fields

MOST_IDEAS = 10


class Component(StrEnum):
    TITLE = "title"
    INTRO = "intro"
    SECTIONS = "sections"
    CONCLUSION = "conclusion"
    FAQ = "faq"
    META_DESCRIPTION = "meta_description"


class Wishes(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    component: Component | None = None
    findings: Annotated[tuple[Line, ...], Field(max_length=100)] = ()
    idea: GivenIdea | None = None
    template: Line = ""
    verbosity: Line = ""
    processing_mode: Line = ""


NO_WISHES = Wishes()


class Number(BaseModel):
    count: Annotated[int, Field(ge=1, le=MOST_IDEAS)] = 5


def read_wishes(body: Mapping[str, Any]) -> Wishes:
    """The wishes in a request's body. Raises `InvalidItem`."""
    return read_fields(Wishes, body)


def read_count(body: Mapping[str, Any]) -> int:
    """How many ideas are asked for: `count`, 5 where it is not given. Raises `InvalidItem`."""
    return read_fields(Number, body).count


def read_mode_field(body: Mapping[str, Any]) -> Mode:
    """The mode, where it is a field of the body and no part of the path. Raises `InvalidItem`."""
    try:
        return Mode(str(body.get("mode")))
    except ValueError as error:
        raise InvalidItem(f"mode: must be one of {', '.join(Mode)}.") from error
