"""What clients may say about pipelines: options, ideas, components, formats, choices. What no single field can tell is
in `pipeline_rules` and `formats`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, StrictBool, StrictInt, Tag
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from service.schemas.values import Body, Keywords, Line, Short, Text, Url

MOST_TEMPLATES = 1_000
MOST_IDEAS = 10
LONGEST_SELECTION_HOURS = 720

Hours = Annotated[float, Field(strict=True, gt=0, le=LONGEST_SELECTION_HOURS, allow_inf_nan=False)]
Component = TypeAliasType("Component", Literal["title", "intro", "sections", "conclusion", "faq", "meta_description"])
Verbosity = TypeAliasType("Verbosity", Literal["short", "medium", "long"])


def _without_repeats(values: list[str]) -> list[str]:
    if len(set(values)) < len(values):
        raise PydanticCustomError("repeated", "must name each only once")
    return values


def _few(value: object) -> object:
    """Before each is looked at: Pydantic alone takes a minute to list the faults of a million."""
    if isinstance(value, list) and len(value) > MOST_TEMPLATES:
        raise PydanticCustomError("too_long", "must have at most {most} entries", {"most": MOST_TEMPLATES})
    return value


Components = Annotated[list[Component], Field(min_length=1, max_length=20), AfterValidator(_without_repeats)]


class Idea(Body):
    """What an article is to be about, and from where it looks at that."""

    title: Line
    summary: Line | None = None
    angle: Line | None = None
    keywords: Keywords | None = None


def _text_or_object(value: object) -> str | None:
    if isinstance(value, str):
        return "$text"
    return "$object" if isinstance(value, Mapping | Body) else None


IdeaGiven = Annotated[
    Annotated[Line, Tag("$text")] | Annotated[Idea, Tag("$object")],
    Discriminator(_text_or_object, custom_error_type="idea", custom_error_message="must be text or an object"),
]


class PipelineOptions(Body):
    """A null `select_within_hours` waits for ever; any other null is as if it were not there."""

    ideas: Annotated[StrictInt, Field(ge=1, le=MOST_IDEAS)] | None = None
    select_within_hours: Hours | None = None
    image: StrictBool | None = None
    publish_to: Short | None = None
    skip_quality_check: StrictBool | None = None

    def given(self) -> dict[str, Any]:
        said = self.model_dump(exclude_unset=True)
        return {name: value for name, value in said.items() if value is not None or name == "select_within_hours"}


class Source(Body):
    """What all formats are made from: a URL or a text, and its title."""

    url: Url | None = None
    text: Text | None = None
    title: Line | None = None


Verbosities = Annotated[
    Annotated[Verbosity, Tag("$level")] | Annotated[list[Verbosity], Field(min_length=1, max_length=20), Tag("$list")],
    Discriminator(
        lambda value: "$level" if isinstance(value, str) else "$list" if isinstance(value, list) else None,
        custom_error_type="verbosity",
        custom_error_message="must be short, medium, long or a list of these",
    ),
]


class Template(Body):
    template: Short
    verbosity: Verbosities | None = None


TemplateGiven = Annotated[
    Annotated[Short, Tag("$text")] | Annotated[Template, Tag("$object")],
    Discriminator(_text_or_object, custom_error_type="template", custom_error_message="must be a name or an object"),
]
Templates = Annotated[list[TemplateGiven], Field(min_length=1), BeforeValidator(_few)]


class JobRetry(Body):
    """Without `from_stage` it goes on where it ended."""

    from_stage: Short | None = None


class JobSelect(Body):
    """The number of an option, from 0, or what a person made of one: exactly one of both."""

    choice: StrictInt | None = None
    edited: Idea | None = None


class SelectionsApprove(Body):
    bulk_job_id: Short
