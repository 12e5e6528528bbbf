"""What tests of pages start from: a browser, and a Pressrun in which there is something to see."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser
from pymongo import AsyncMongoClient

from jobs.storage.store import Document
from tests.web.browser import chromium
from tests.web.showcase import Showcase, filled
from tests.web.workshop import EDITOR, Desk, Workshop, workshop


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as started:
        yield started


@pytest.fixture(scope="session")
async def shared_workshop(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Workshop]:
    """For journeys that leave its processes alone."""
    folder = tmp_path_factory.mktemp("workshop")
    async with database_of_its_own(mongodb_uri) as database, workshop(folder, mongodb_uri, database) as built:
        yield built


@pytest.fixture(scope="session")
async def shown(shared_workshop: Workshop) -> AsyncIterator[Showcase]:
    """An editor's, and held still: no test may change anything of theirs."""
    async with shared_workshop.desk(EDITOR) as desk:
        yield await filled(desk)


@pytest.fixture
async def desk(shared_workshop: Workshop) -> AsyncIterator[Desk]:
    async with shared_workshop.desk() as own:
        yield own


@contextlib.asynccontextmanager
async def database_of_its_own(uri: str) -> AsyncIterator[str]:
    name = f"pressrun_test_{secrets.token_hex(6)}"
    try:
        yield name
    finally:
        client: AsyncMongoClient[Document] = AsyncMongoClient(uri)
        async with client:
            await client.drop_database(name)
