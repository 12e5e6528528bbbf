"""The demo writer: an article without any model, late on purpose. Nothing here knows of HTTP, keys or stores."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from pydantic import BaseModel, ConfigDict

from generator.article import write_article
from generator.items import Item, Mode
from generator.phrases import Phrases

CHARACTERS_PER_TOKEN = 4
A_MILLION = 1_000_000


class Usage(BaseModel):
    model_config = ConfigDict(frozen=True)

    input_tokens: int
    output_tokens: int
    cost: float


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True)

    content: str
    usage: Usage


@dataclass(frozen=True)
class DemoWriter:
    """`latency` is the mean, `latency_jitter` a fraction of it; prices are for a million tokens."""

    phrases: Phrases
    latency: timedelta
    latency_jitter: float
    price_input: float
    price_output: float

    async def write(self, mode: Mode, item: Item) -> Answer:
        """The same item is answered by the same text after the same time."""
        asked = json.dumps([mode.value, item.model_dump(mode="json")], sort_keys=True)
        rng = Random(hashlib.sha256(asked.encode()).digest())  # noqa: S311  a text, not a secret
        await asyncio.sleep(self.latency.total_seconds() * (1 + self.latency_jitter * rng.uniform(-1, 1)))
        content = await asyncio.to_thread(write_article, mode, item, self.phrases, rng)
        return Answer(content=content, usage=self._usage(asked, content))

    def _usage(self, asked: str, content: str) -> Usage:
        tokens_in = math.ceil(len(asked) / CHARACTERS_PER_TOKEN)
        tokens_out = math.ceil(len(content) / CHARACTERS_PER_TOKEN)
        cost = (tokens_in * self.price_input + tokens_out * self.price_output) / A_MILLION
        return Usage(input_tokens=tokens_in, output_tokens=tokens_out, cost=round(cost, 6))
