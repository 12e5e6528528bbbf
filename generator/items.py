"""What a caller asks for: one article's fields, checked. Nothing is written or looked up here."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from generator.errors import InvalidItem, UnknownMode


class Mode(StrEnum):
    TOPIC = "topic"
    KEYWORDS = "keywords"
    TRENDS = "trends"
    SPIN = "spin"


REQUIRED = {
    Mode.TOPIC: ("topic",),
    Mode.KEYWORDS: ("keywords",),
    Mode.TRENDS: ("trend",),
    Mode.SPIN: ("source_text", "source_url"),
}


def one_line(text: str) -> str:
    return " ".join(text.split())


def identifier(text: str) -> str:
    """`Social Post` and `social-post` are `social_post`."""
    return re.sub(r"\W+", "_", text.casefold()).strip("_")


def _strings(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for inner in value.values():
                yield from _strings(inner)
        case list() | tuple():
            for inner in value:
                yield from _strings(inner)


def _in_words(value: object) -> object:
    return "\n".join(_strings(value)) if isinstance(value, Mapping | list) else value


def _keyword_list(value: object) -> object:
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        return value
    unique = {one_line(each).casefold(): one_line(each) for each in value if speaks(each)}
    return tuple(unique.values())


def speaks(text: str) -> bool:
    return any(character.isalnum() for character in text)


Line = Annotated[str, Field(max_length=2_000), AfterValidator(one_line)]
Prose = Annotated[str, BeforeValidator(_in_words)]
Keyword = Annotated[str, Field(max_length=200)]
Keywords = Annotated[tuple[Keyword, ...], BeforeValidator(_keyword_list), Field(max_length=200)]
T = TypeVar("T", bound=BaseModel)


class Item(BaseModel):
    """The fields that decide what the article says; all others (`job_id`, `metadata`, ...) are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    topic: Line = ""
    keywords: Keywords = ()
    trend: Line = ""
    region: Line = ""
    source_text: Prose = ""
    source_url: Line = ""
    word_count: Annotated[int, Field(ge=50, le=10_000)] = 800
    tone: Line = ""
    language: Line = ""
    brand_voice: Annotated[Line, BeforeValidator(_in_words)] = ""
    page_type: Line = ""
    target_url: Annotated[Line, Field(pattern=r"^\s*((https?://|/)[^\s<>\"]*)?\s*$")] = ""
    context: Prose = ""


def read_mode(text: str) -> Mode:
    """Raises `UnknownMode`."""
    try:
        return Mode(text)
    except ValueError as error:
        raise UnknownMode(mode=text[:50], known=", ".join(Mode)) from error


def read_fields(model: type[T], body: Mapping[str, Any]) -> T:
    """What the model knows of a request's body, a field that is null counting as not given. Raises `InvalidItem`."""
    try:
        return model.model_validate({name: value for name, value in body.items() if value is not None})
    except ValidationError as error:
        raise InvalidItem(" ".join(_sentence(fault["loc"], fault["msg"]) for fault in error.errors())) from error


def read_item(mode: Mode, body: Mapping[str, Any]) -> Item:
    """The item in a request's body. Raises `InvalidItem`."""
    item = read_fields(Item, body)
    names = REQUIRED[mode]
    if not any(speaks(str(getattr(item, name))) for name in names):
        raise InvalidItem(f"Mode {mode} needs {' or '.join(names)}, with at least one letter or digit.")
    return item


def _sentence(path: tuple[int | str, ...], message: str) -> str:
    where = ".".join(str(part) for part in path)
    return f"{where}: {re.sub('^Value error, ', '', message)}."
