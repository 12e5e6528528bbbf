"""The generator's settings, from the environment (`PRESSRUN_DEMO__...`), read whole and once by who starts it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "PRESSRUN_DEMO__"

Fraction = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Settings(BaseSettings):
    """Where nothing else is said, rates are fractions of the calls and prices are for a million tokens."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    latency_seconds: Annotated[Amount, Field(le=3_600)] = 2.0
    """Mean time to write one article."""
    latency_jitter: Fraction = 0.25
    """How far the time of one article may be from the mean, as a fraction of it."""
    rate_500: Fraction = 0.0
    rate_429: Fraction = 0.0
    retry_after_seconds: Annotated[int, Field(ge=0, le=86_400)] = 5
    rate_hang: Fraction = 0.0
    """Calls that are never answered."""
    rate_garbage: Fraction = 0.0
    """Calls that are answered 200 with a page of HTML."""
    seed: int = 0
    """Which calls fail: the same seed, the same calls."""
    store_file: Annotated[Path | None, BeforeValidator(lambda path: path or None)] = Path(".pressrun/generator.jsonl")
    """Where answers are kept for a repeated Idempotency-Key; empty: in memory."""
    price_per_million_input_tokens: Amount = 3.0
    price_per_million_output_tokens: Amount = 15.0

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
    """Raises `InvalidSettings` with every fault there is, unknown variables included."""
    faults = list(_unknown_variables())
    try:
        settings = Settings()
    except ValidationError as error:
        raise InvalidSettings((*faults, *_sentences(error))) from error
    if faults:
        raise InvalidSettings(tuple(faults))
    return settings


def _unknown_variables() -> Iterator[str]:
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    for name in sorted(os.environ):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            yield f"{name} is not a setting of the generator."


def _sentences(error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False):
        message = fault["msg"].removeprefix("Value error, ")
        name = f"{PREFIX}{'.'.join(str(part) for part in fault['loc'])}".upper()
        if fault["loc"]:
            yield f"{name} is {fault['input']!r}: {message[0].lower()}{message[1:]}."
        else:
            yield f"{PREFIX}RATE_...: {message}."
