"""What every ring of tests shares: a store of its own for each test, embedded or on a MongoDB server."""

from __future__ import annotations

import gc
import os
import secrets
from collections.abc import AsyncIterator
from typing import cast

import pytest
import structlog
from pymongo import AsyncMongoClient

from jobs.storage.embedded.store import EmbeddedStore
from jobs.storage.mongo import MongoStore
from jobs.storage.store import Document, Store
from tests.support.prepared_databases import PreparedDatabases

URI = "PRESSRUN_TEST_MONGODB_URI"


def pytest_configure() -> None:
    plain = structlog.dev.ConsoleRenderer(
        exception_formatter=structlog.dev.plain_traceback
    )  # rich's takes half a second
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])
    for name in [name for name in os.environ if name.startswith("PRESSRUN_") and not name.startswith("PRESSRUN_TEST_")]:
        del os.environ[name]  # a developer's own settings are not a test's


def pytest_collection_finish() -> None:
    """What nine thousand tests import stays: to go through it at each collection took a quarter of their time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def mongodb_uri() -> str:
    uri = os.environ.get(URI)
    if not uri:
        message = f"{URI} is not set: nothing was tested on a MongoDB server"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return uri


@pytest.fixture
async def fresh_mongodb_database(mongodb_uri: str) -> AsyncIterator[str]:
    """The name of a database that there never was, dropped afterwards."""
    name = f"pressrun_test_{secrets.token_hex(6)}"
    yield name
    client: AsyncMongoClient[Document] = AsyncMongoClient(mongodb_uri)
    async with client:
        await client.drop_database(name)


@pytest.fixture
async def fresh_mongodb_store(mongodb_uri: str, fresh_mongodb_database: str) -> AsyncIterator[Store]:
    """Of `fresh_mongodb_database`, with nothing in it at all."""
    store = MongoStore.connect(mongodb_uri, fresh_mongodb_database, 20, "pressrun-test")
    yield store
    await store.close()


@pytest.fixture(scope="session")
async def prepared_databases(mongodb_uri: str) -> AsyncIterator[PreparedDatabases]:
    databases = PreparedDatabases(mongodb_uri)
    yield databases
    await databases.drop()


@pytest.fixture
async def mongodb_database(prepared_databases: PreparedDatabases) -> AsyncIterator[str]:
    """The name of a database that nobody else uses meanwhile: no documents, every index of ours."""
    name = await prepared_databases.take()
    yield name
    await prepared_databases.give_back(name)


@pytest.fixture
async def mongodb_store(mongodb_uri: str, mongodb_database: str) -> AsyncIterator[Store]:
    store = MongoStore.connect(mongodb_uri, mongodb_database, 20, "pressrun-test")
    yield store
    await store.close()


@pytest.fixture
async def embedded_store() -> AsyncIterator[Store]:
    store = EmbeddedStore.in_memory()
    yield store
    await store.close()


@pytest.fixture(params=["embedded", "mongodb"])
def store(request: pytest.FixtureRequest) -> Store:
    """Each test runs on both."""
    return cast("Store", request.getfixturevalue(f"{request.param}_store"))
