"""What a writer gives back: content, and what it took to make it. Nothing is written, priced or sent here."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Usage(BaseModel):
    """`cost` is None where nobody knows the price."""

    model_config = ConfigDict(frozen=True)

    input_tokens: int
    output_tokens: int
    cost: float | None


class Answer(BaseModel):
    """`usage` is None where the model did not tell it."""

    model_config = ConfigDict(frozen=True)

    content: str | dict[str, Any]
    usage: Usage | None
