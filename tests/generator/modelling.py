"""A generator whose writer is a model, and the endpoint that plays the model. No tests here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from generator.settings import OpenAI, Settings
from tests.generator.openai_server import OpenAIServer, Script, openai_server
from tests.generator.serving import TOPIC, URL, Served, serving

KEY = "sk-very-secret-0123456789"
PRICES = {"writer-1": {"input": 1, "output": 10}, "painter-1": {"input": 5, "output": 40}}
COST = 100 * 1 / 1e6 + 2_000 * 10 / 1e6
"""Of the usage that the endpoint tells where nothing else is said."""


def model_settings(base_url: str, **others: Any) -> Settings:
    given = {"base_url": base_url, "model": "writer-1", "api_key": KEY, "prices": PRICES, **others}
    return Settings(store_file=None, openai=OpenAI.model_validate(given))


@dataclass
class Modelled:
    served: Served
    endpoint: OpenAIServer

    async def text(self, **fields: Any) -> tuple[int, dict[str, Any]]:
        """Status and body of the answer to an order for an article, or for what the fields ask for."""
        response = await self.served.client.post(URL, json={**TOPIC, **fields})
        body: dict[str, Any] = response.json()
        return response.status_code, body

    @property
    def prompt(self) -> str:
        """What the model was asked last."""
        messages: list[dict[str, str]] = self.endpoint.exchanges[-1].body["messages"]
        return messages[-1]["content"]


@asynccontextmanager
async def modelled(script: Script, **others: Any) -> AsyncIterator[Modelled]:
    async with openai_server(script) as endpoint, serving(model_settings(endpoint.base_url, **others)) as served:
        yield Modelled(served, endpoint)
