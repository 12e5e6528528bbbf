"""What the generator's tests start from: the words, settings without delay or memory, and a served generator."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from generator.phrases import Phrases, load_phrases
from generator.settings import Settings
from tests.generator.serving import Served, serving


@pytest.fixture(scope="session")
def phrases() -> Phrases:
    return load_phrases()


@pytest.fixture
def quick() -> Settings:
    return Settings(latency_seconds=0, store_file=None)


@pytest.fixture
def slow() -> Settings:
    """Nobody waits for such an article: it shows what happens meanwhile."""
    return Settings(latency_seconds=3_000, store_file=None)


@pytest.fixture(scope="session")
async def shared() -> AsyncIterator[Served]:
    """One for all tests that neither count nor repeat."""
    async with serving(Settings(latency_seconds=0, store_file=None)) as served:
        yield served


@pytest.fixture
async def served(quick: Settings) -> AsyncIterator[Served]:
    async with serving(quick) as served:
        yield served


@pytest.fixture
async def served_slowly(slow: Settings) -> AsyncIterator[Served]:
    async with serving(slow) as served:
        yield served
