"""The demo writer: texts, ideas and pictures without any model, late on purpose. No HTTP, keys or stores here."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import math
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

from generator import formats, parts
from generator.answers import Answer, Usage
from generator.article import write_article
from generator.brainstorm import think_up
from generator.ideas import about
from generator.items import Item, Mode
from generator.phrases import Phrases
from generator.pictures import Picture
from generator.png import drawn
from generator.wishes import NO_WISHES, Wishes

CHARACTERS_PER_TOKEN = 4
A_MILLION = 1_000_000
SHARE_OF_THE_TIME = 0.25
"""What a component, a list of ideas or a picture takes of an article's time."""
PICTURE_SIZE = "640x360"


@dataclass(frozen=True)
class DemoWriter:
    """`latency` is the mean, `latency_jitter` a fraction of it; prices are for a million tokens.

    The same request is answered by the same content after the same time.
    """

    phrases: Phrases
    latency: timedelta
    latency_jitter: float
    price_input: float
    price_output: float

    async def write(self, mode: Mode, item: Item, wishes: Wishes = NO_WISHES) -> Answer:
        """Components of one item are parts of one article; with findings, all is worded anew."""
        said = wishes.model_dump(mode="json", exclude={"component"}, exclude_defaults=True)
        asked = _asked(mode.value, item.model_dump(mode="json"), *([said] if said else []))
        rng = _random(asked)
        await self._take_time(rng, SHARE_OF_THE_TIME if wishes.component else 1)
        content = await asyncio.to_thread(self._written, mode, item, wishes, rng)
        return Answer(content=content, usage=self._usage(asked, content))

    async def think_up(self, mode: Mode, item: Item, count: int) -> Answer:
        asked = _asked("ideas", mode.value, item.model_dump(mode="json"), count)
        rng = _random(asked)
        await self._take_time(rng, SHARE_OF_THE_TIME)
        content = think_up(mode, item, count, self.phrases, rng).content()
        return Answer(content=content, usage=self._usage(asked, json.dumps(content)))

    async def draw(self, picture: Picture) -> Answer:
        asked = _asked("image", picture.model_dump(mode="json"))
        await self._take_time(_random(asked), SHARE_OF_THE_TIME)
        width, height = map(int, (picture.size or PICTURE_SIZE).split("x"))
        data = await asyncio.to_thread(drawn, asked, width, height)
        content: dict[str, Any] = {
            "data": base64.b64encode(data).decode(),
            "content_type": "image/png",
            "width": width,
            "height": height,
            "alt": picture.alt,
        }
        return Answer(content=content, usage=self._usage(asked, ""))

    async def close(self) -> None:
        """Nothing is open."""

    async def _take_time(self, rng: Random, share: float) -> None:
        await asyncio.sleep(self.latency.total_seconds() * share * (1 + self.latency_jitter * rng.uniform(-1, 1)))

    def _written(self, mode: Mode, item: Item, wishes: Wishes, rng: Random) -> str:
        item = about(item, wishes.idea) if wishes.idea else item
        if wishes.component is not None:
            longer = item.model_copy(update={"word_count": parts.words_for(wishes.component, item.word_count)})
            return parts.taken_apart(write_article(mode, longer, self.phrases, rng)).component(wishes.component)
        if wishes.template:
            fitting = item.model_copy(update={"word_count": formats.words_for(item, wishes)})
            return formats.formatted(parts.taken_apart(write_article(mode, fitting, self.phrases, rng)), item, wishes)
        return write_article(mode, item, self.phrases, rng)

    def _usage(self, asked: str, content: str) -> Usage:
        tokens_in = math.ceil(len(asked) / CHARACTERS_PER_TOKEN)
        tokens_out = math.ceil(len(content) / CHARACTERS_PER_TOKEN)
        cost = (tokens_in * self.price_input + tokens_out * self.price_output) / A_MILLION
        return Usage(input_tokens=tokens_in, output_tokens=tokens_out, cost=round(cost, 6))


def _asked(*said: object) -> str:
    return json.dumps(said, sort_keys=True)


def _random(asked: str) -> Random:
    return Random(hashlib.sha256(asked.encode()).digest())  # noqa: S311  a text, not a secret
