"""A picture that is asked for: its prompt, style and size, checked. Nothing is drawn here."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from generator.items import Line, one_line, read_fields

ALT_LENGTH = 150
SMALLEST, LARGEST = 16, 2048


def _in_bounds(size: str) -> str:
    if size and not all(SMALLEST <= int(side) <= LARGEST for side in size.split("x")):
        raise ValueError(f"each side has {SMALLEST} to {LARGEST} pixels")
    return size


class Picture(BaseModel):
    """`size` is width x height in pixels, such as 1024x768; empty: whatever the writer prefers."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    prompt: Annotated[str, Field(max_length=4_000), AfterValidator(one_line), Field(min_length=1)]
    style: Line = ""
    size: Annotated[str, Field(pattern=r"^(\d{2,4}x\d{2,4})?$"), AfterValidator(_in_bounds)] = ""

    @property
    def alt(self) -> str:
        """What the picture shows, for those who cannot see it."""
        return textwrap.shorten(self.prompt, ALT_LENGTH, placeholder="…")


def read_picture(body: Mapping[str, Any]) -> Picture:
    """Raises `InvalidItem`."""
    return read_fields(Picture, body)
