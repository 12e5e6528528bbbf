"""What any writer can do. The two writers, demo and model, are elsewhere and know nothing of one another."""

from __future__ import annotations

from typing import Protocol

from generator.answers import Answer
from generator.items import Item, Mode
from generator.pictures import Picture
from generator.wishes import Wishes


class Writer(Protocol):
    """Each method raises `GeneratorError`. Cancelling it stops the work, and the paying, at once."""

    async def write(self, mode: Mode, item: Item, wishes: Wishes) -> Answer:
        """An article, or the part or the format that is wished, as Markdown."""

    async def think_up(self, mode: Mode, item: Item, count: int) -> Answer:
        """So many ideas for articles, in the shape of `generator.ideas.Ideas`."""

    async def draw(self, picture: Picture) -> Answer:
        """A picture: its address (`url`), or its bytes in base64 (`data`, `content_type`), and `alt`."""

    async def close(self) -> None:
        """Lets go of what is open."""
