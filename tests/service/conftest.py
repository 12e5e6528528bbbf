"""What the API's tests start from: a system on each store, the real app over it, and clients that are somebody."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import timedelta

import httpx2
import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs
from structlog.typing import EventDict

from jobs.callers.keys import Scope
from jobs.capacity.limits import Limits
from jobs.indexes import INDEXES
from jobs.storage.embedded.store import EmbeddedStore
from jobs.storage.encryption import Cipher
from jobs.storage.store import Store
from jobs.system import Rules, System, assemble
from service.app import create_app
from tests.service.conforming import conforms
from tests.service.requesting import ENDPOINTS, OWNER, SECRET, settings
from tests.support.clock import MovableClock

As = Callable[..., httpx2.AsyncClient]
WithKey = Callable[..., Awaitable[httpx2.AsyncClient]]


@pytest.fixture
def logs() -> Iterator[list[EventDict]]:
    """What is logged, and not rendered: structlog's own way with a traceback takes seconds."""
    with capture_logs() as entries:
        yield entries


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
async def system(store: Store, clock: MovableClock) -> System:
    await store.create_indexes(INDEXES)
    parts = assemble(store, clock, Rules(lease=timedelta(seconds=30), cipher=Cipher(["a key of the tests"])))
    await parts.limits.seed(Limits(max_running=None))
    return parts


@pytest.fixture(scope="session")
def empty_store() -> Store:
    return EmbeddedStore.in_memory()


@pytest.fixture(scope="session")
async def refusing(empty_store: Store) -> AsyncIterator[httpx2.AsyncClient]:
    """For hundreds of requests that are all refused: they share an app, and a store that stays empty."""
    app = create_app(settings(), assemble(empty_store, MovableClock(), Rules()))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture(scope="session")
async def refusing_all(empty_store: Store) -> AsyncIterator[httpx2.AsyncClient]:
    """The same where every pipeline can run."""
    app = create_app(settings(**ENDPOINTS), assemble(empty_store, MovableClock(), Rules()))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture
def app(system: System) -> FastAPI:
    """Without authentication."""
    return create_app(settings(), system)


@pytest.fixture
def keyed_app(system: System) -> FastAPI:
    """With API keys; `boss` is an admin in the settings."""
    return create_app(settings(auth={"mode": "keys", "admins": ["boss"], "secrets": [SECRET]}), system)


@pytest.fixture
async def open_client() -> AsyncIterator[As]:
    """Clients of any app, without a socket; errors are seen as a client sees them, and every answer must be as the
    OpenAPI document says."""
    async with AsyncExitStack() as clients:

        def opened(app: FastAPI, headers: dict[str, str] | None = None) -> httpx2.AsyncClient:
            transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
            client = httpx2.AsyncClient(
                transport=transport,
                base_url="http://127.0.0.1:8000",
                headers=headers,
                event_hooks={"response": [conforms]},
            )
            clients.push_async_callback(client.aclose)
            return client

        yield opened


@pytest.fixture
def as_user(app: FastAPI, open_client: As) -> As:
    return lambda user: open_client(app, {"X-Pressrun-User": user})


@pytest.fixture
def api(as_user: As) -> httpx2.AsyncClient:
    """An ordinary user, who owns what the tests submit."""
    return as_user(OWNER)


@pytest.fixture
def blogger(system: System, open_client: As) -> httpx2.AsyncClient:
    """The same user, where there are generators for every pipeline."""
    return open_client(create_app(settings(**ENDPOINTS), system), {"X-Pressrun-User": OWNER})


@pytest.fixture
def admin(as_user: As) -> httpx2.AsyncClient:
    return as_user("developer")


@pytest.fixture
def with_key(system: System, keyed_app: FastAPI, open_client: As) -> WithKey:
    async def client(user: str = OWNER, scope: Scope = Scope.WRITE) -> httpx2.AsyncClient:
        _, text = await system.keys.create(user, scope)
        return open_client(keyed_app, {"Authorization": f"Bearer {text}"})

    return client
