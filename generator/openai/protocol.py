"""What an OpenAI-compatible endpoint answers, as far as it is read here. Nothing is asked or decided here."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

Count = Annotated[int, Field(ge=0, le=2**53)]


class Told(BaseModel):
    model_config = ConfigDict(extra="ignore")


def _or_none(value: object, handler: ValidatorFunctionWrapHandler) -> object:
    """A text that was paid for is not thrown away because what stands beside it cannot be read."""
    try:
        return handler(value)
    except ValidationError:
        return None


class Tokens(Told):
    """Of a text."""

    prompt_tokens: Count
    completion_tokens: Count


class Words(Told):
    content: str | None = None
    refusal: str | None = None


class Choice(Told):
    """`delta` in a stream, `message` in an answer in one piece."""

    index: int = 0
    delta: Words | None = None
    message: Words | None = None
    finish_reason: str | None = None


class Complaint(Told):
    message: str = ""
    type: str | None = None
    code: str | int | None = None
    metadata: dict[str, Any] | None = None


def _in_full(value: object, handler: ValidatorFunctionWrapHandler) -> object:
    """Some endpoints complain with a bare string, and some in a shape of their own."""
    if value is None:
        return None
    try:
        return handler({"message": value} if isinstance(value, str) else value)
    except ValidationError:
        return Complaint()


GivenComplaint = Annotated[Complaint | None, WrapValidator(_in_full)]


class Chunk(Told):
    """One piece of a streamed chat completion, or a whole one."""

    choices: list[Choice] | None = None
    usage: Annotated[Tokens | None, WrapValidator(_or_none)] = None
    error: GivenComplaint = None


class Refusal(Told):
    """The body of an answer that is no success; other servers than OpenAI's say `message` or `detail`."""

    error: GivenComplaint = None
    message: Annotated[str | None, WrapValidator(_or_none)] = None
    detail: Annotated[str | None, WrapValidator(_or_none)] = None


class DrawnImage(Told):
    url: str | None = None
    b64_json: str | None = None
    revised_prompt: str | None = None


class ImageTokens(Told):
    input_tokens: Count
    output_tokens: Count


class Images(Told):
    data: Annotated[list[DrawnImage], Field(min_length=1)]
    usage: Annotated[ImageTokens | None, WrapValidator(_or_none)] = None
