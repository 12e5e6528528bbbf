"""The generator's settings, from the environment, read whole and once by who starts it.

`PRESSRUN_DEMO__...` is of the demo writer and of the endpoint itself, `PRESSRUN_OPENAI__...` of the model.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AnyHttpUrl, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from generator.prices import Amount, Prices, read_prices

PREFIX = "PRESSRUN_DEMO__"
MODEL_PREFIX = "PRESSRUN_OPENAI__"

Fraction = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


def _without_credentials(url: AnyHttpUrl) -> AnyHttpUrl:
    if url.username or url.password or url.query or url.fragment:
        raise ValueError("only scheme, host, port and path belong here, the key has a setting of its own")
    return url


def _sendable(key: SecretStr) -> SecretStr:
    """A key from a file often ends in a line break, which no header can carry."""
    bare = key.get_secret_value().strip()
    if not (bare.isascii() and bare.isprintable() and bare):
        raise ValueError("a key has printable ASCII characters only")
    return SecretStr(bare)


class OpenAI(BaseSettings):
    """A model behind an OpenAI-compatible endpoint."""

    model_config = SettingsConfigDict(
        env_prefix=MODEL_PREFIX,
        frozen=True,
        extra="forbid",
        env_ignore_empty=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    base_url: Annotated[AnyHttpUrl, AfterValidator(_without_credentials)]
    """Where `/chat/completions` is, as http://127.0.0.1:11434/v1. With it the model writes, without it the demo."""
    model: Name
    """Its name there."""
    api_key: Annotated[SecretStr, AfterValidator(_sendable)] | None = None
    """Never logged, never passed on in an error."""
    timeout_seconds: Annotated[float, Field(gt=0, le=3_600)] = 280.0
    """Seconds for a whole answer; less than the worker waits (`PRESSRUN_GENERATOR__TIMEOUT_SECONDS`), so that it hears
    the reason."""
    max_output_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """The most tokens of one answer; none: the endpoint's own limit."""
    output_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """What the endpoint calls that limit: most know the first, OpenAI's newer models only the second."""
    image_model: Name | None = None
    """Without it, orders for images are refused."""
    prices: Annotated[Prices, NoDecode, BeforeValidator(read_prices)] = Prices({})
    """For a million tokens, as JSON `{"MODEL": {"input": 0.5, "output": 1.5}}` or the name of a `.json` or `.toml`
    file. What a model that is not in it has cost is null."""


class Settings(BaseSettings):
    """Where nothing else is said, rates are fractions of the calls and prices are for a million tokens."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", use_attribute_docstrings=True)

    latency_seconds: Annotated[Amount, Field(le=3_600)] = 2.0
    """Mean seconds to write one article in the demo; components, ideas and images take a quarter of it."""
    latency_jitter: Fraction = 0.25
    """How far the time of one article may be from the mean, as a fraction of it."""
    rate_500: Fraction = 0.0
    """The share of calls that are answered 500, also with a model."""
    rate_429: Fraction = 0.0
    """The share of calls that are answered 429."""
    retry_after_seconds: Annotated[int, Field(ge=0, le=86_400)] = 5
    """Seconds in the `Retry-After` of these."""
    rate_hang: Fraction = 0.0
    """The share of calls that are never answered."""
    rate_garbage: Fraction = 0.0
    """The share of calls that are answered 200 with a page of HTML."""
    seed: int = 0
    """Which calls fail: the same seed, the same calls."""
    store_file: Annotated[Path | None, BeforeValidator(lambda path: path or None)] = Path(".pressrun/generator.jsonl")
    """Where answers of both writers are kept for a repeated `Idempotency-Key`; empty: in memory."""
    price_per_million_input_tokens: Amount = 3.0
    """What the demo says that a million tokens of a request cost."""
    price_per_million_output_tokens: Amount = 15.0
    """What it says that a million tokens of a text cost."""
    openai: Annotated[OpenAI | None, NoDecode] = None
    """The model that writes; None: the demo writer. Only `load_settings` reads it from the environment."""

    @model_validator(mode="after")
    def _rates_fit_together(self) -> Self:
        together = self.rate_500 + self.rate_429 + self.rate_hang + self.rate_garbage
        if together > 1:
            raise ValueError(f"the four failure rates add up to {together:g}, more than 1")
        return self


@dataclass(eq=False)
class InvalidSettings(Exception):
    """Settings that cannot be used: a sentence about each fault."""

    faults: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.faults)


def load_settings() -> Settings:
    """Raises `InvalidSettings` with every fault there is, unknown variables included, and no value of a model's."""
    faults = list(_unknown_variables())
    openai = None
    try:
        openai = OpenAI() if any(os.environ[name] for name in _named(MODEL_PREFIX)) else None
    except ValidationError as error:
        faults += _sentences_on_model(error)
    try:
        settings = Settings(openai=openai)
    except ValidationError as error:
        raise InvalidSettings((*faults, *_sentences(error))) from error
    if faults:
        raise InvalidSettings(tuple(faults))
    return settings


def _named(prefix: str) -> Iterator[str]:
    return (name for name in sorted(os.environ) if name.upper().startswith(prefix))


def _unknown_variables() -> Iterator[str]:
    for prefix, fields in ((PREFIX, Settings.model_fields.keys() - {"openai"}), (MODEL_PREFIX, OpenAI.model_fields)):
        known = {f"{prefix}{name}".upper() for name in fields}
        yield from (
            f"{name} is not a setting of the generator." for name in _named(prefix) if name.upper() not in known
        )


def _sentences(error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False):
        name = _name(PREFIX, fault["loc"])
        if fault["loc"]:
            yield f"{name} is {fault['input']!r}: {_reason(fault['msg'])}."
        else:
            yield f"{PREFIX}RATE_...: {fault['msg'].removeprefix('Value error, ')}."


def _sentences_on_model(error: ValidationError) -> Iterator[str]:
    """Without the values: a key may stand in any of them by mistake."""
    for fault in error.errors(include_url=False, include_input=False):
        name = _name(MODEL_PREFIX, fault["loc"])
        yield f"{name} must be set." if fault["type"] == "missing" else f"{name}: {_reason(fault['msg'])}."


def _name(prefix: str, path: tuple[int | str, ...]) -> str:
    first, *rest = path or ("",)
    return ".".join([f"{prefix}{first}".upper(), *map(str, rest)])


def _reason(message: str) -> str:
    reason = message.removeprefix("Value error, ")
    return f"{reason[:1].lower()}{reason[1:]}"
