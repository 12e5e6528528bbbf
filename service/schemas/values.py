"""The kinds of values that request bodies hold: texts, numbers and moments within their bounds. No body is here."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StrictInt,
    StringConstraints,
    Tag,
)
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from jobs.priority import MOST_STEPS

MOST_ITEMS = 10_000
"""The most that any settings allow in a bulk."""

Mode = TypeAliasType("Mode", Literal["topic", "keywords", "trends", "spin"])
Short = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=200)]
Line = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=2_000)]
Text = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=100_000)]
Url = Annotated[str, StringConstraints(strict=True, max_length=2_000, pattern=r"^https?://[^\s/?#]+\S*$")]
Count = Annotated[StrictInt, Field(ge=0, le=2**53)]
Seconds = Annotated[float, Field(strict=True, ge=0, le=3600, allow_inf_nan=False)]
Cost = Annotated[float, Field(strict=True, gt=0, le=10_000_000, allow_inf_nan=False)]
Percent = Annotated[float, Field(strict=True, ge=0, le=100, allow_inf_nan=False)]
Parallelism = Annotated[StrictInt, Field(ge=1, le=1000)]
Milliseconds = Annotated[StrictInt, Field(ge=0, le=60_000)]
Some = Annotated[StrictInt, Field(ge=1, le=MOST_ITEMS)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


def _text_or_list(value: object) -> str | None:
    return "$text" if isinstance(value, str) else "$list" if isinstance(value, list) else None


Keywords = Annotated[
    Annotated[Line, Tag("$text")] | Annotated[list[Short], Field(min_length=1, max_length=100), Tag("$list")],
    Discriminator(_text_or_list, custom_error_type="keywords", custom_error_message="must be text or a list of texts"),
]


def _name_or_number(value: object) -> str | None:
    if isinstance(value, str):
        return "$name" if value in PRIORITY_NAMES else None
    return "$number" if isinstance(value, int | float) and not isinstance(value, bool) else None


PriorityName = TypeAliasType("PriorityName", Literal["high", "normal", "low"])
PRIORITY_NAMES = get_args(PriorityName.__value__)
PriorityGiven = Annotated[
    Annotated[PriorityName, Tag("$name")]
    | Annotated[float, Field(strict=True, ge=0, le=MOST_STEPS, allow_inf_nan=False), Tag("$number")],
    Discriminator(
        _name_or_number,
        custom_error_type="priority",
        custom_error_message=f"must be high, normal, low or a number from 0 to {MOST_STEPS}",
    ),
]


def _dated(value: object) -> object:
    """Only ISO 8601: pydantic would also take a number, as seconds or as milliseconds by its size."""
    if not isinstance(value, str) or "-" not in value[1:]:
        raise PydanticCustomError("moment", "must be a date and time as ISO 8601 text, with its offset from UTC")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_dated)]
