"""What a model's tokens cost: the price table, read from a file or from the setting itself. Nothing is paid here."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, RootModel

A_MILLION = 1_000_000

Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Price(BaseModel):
    """For a million tokens, in the currency of all costs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: Amount
    output: Amount

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        return round((input_tokens * self.input + output_tokens * self.output) / A_MILLION, 6)


class Prices(RootModel[dict[str, Price]]):
    """By the name of the model."""

    def of(self, model: str) -> Price | None:
        return self.root.get(model)


def read_prices(given: object) -> object:
    """The table in a JSON object or in a .toml or .json file of that name. Raises `ValueError` with a sentence."""
    if not isinstance(given, str):
        return given
    if given.lstrip().startswith("{"):
        return _parsed("", given)
    path = Path(given)
    try:
        return _parsed(path.suffix, path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"the price table cannot be read: {error.strerror}") from error


def _parsed(suffix: str, text: str) -> object:
    try:
        return tomllib.loads(text) if suffix == ".toml" else json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the price table is not valid {'TOML' if suffix == '.toml' else 'JSON'}: {error}") from error
