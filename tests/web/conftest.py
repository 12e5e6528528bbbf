"""What tests of pages start from: a browser, and a Pressrun in which there is something to see."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser
from pymongo import AsyncMongoClient

from jobs.store import Document
from tests.web.browser import chromium
from tests.web.showcase import Showcase, showcase


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


@pytest.fixture(scope="session")
async def shown(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Showcase]:
    """Held still: no test may change anything in it."""
    database = f"pressrun_test_{secrets.token_hex(6)}"
    folder: Path = tmp_path_factory.mktemp("showcase")
    async with showcase(folder, mongodb_uri, database) as filled:
        yield filled
    client: AsyncMongoClient[Document] = AsyncMongoClient(mongodb_uri)
    async with client:
        await client.drop_database(database)
