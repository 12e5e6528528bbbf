"""What tests of clients start from: the typed client built, and a Pressrun that it may call."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from jobs.callers.keys import Scope
from jobs.clock import DatabaseClock
from jobs.storage.store import Store
from jobs.system import Rules, assemble
from tests.clients.packages import CLIENT, alone, node, run
from tests.support.deployment import Deployment, on_mongodb
from tests.support.replies import Reply, failure
from tests.support.scripted_generator import Call, ScriptedGenerator, article

SETTINGS = {
    "PRESSRUN_AUTH__MODE": "keys",
    "PRESSRUN_WORKER__POLL_SECONDS": "0.05",
    "PRESSRUN_WORKER__LEASE_SECONDS": "5",
    "PRESSRUN_WORKER__SWEEP_SECONDS": "0.5",
    "PRESSRUN_WORKER__SLOTS": "4",
    "PRESSRUN_LIMITS__MAX_RUNNING": "off",
}


@pytest.fixture(scope="session")
def typescript_client() -> Path:
    """Its folder, with what is published in `dist` and its tests in `build/test`."""
    node()
    run(str(CLIENT / "build-once"))
    with alone(CLIENT):
        run("npx", "tsc", "-p", "tsconfig.test.json", "--incremental", folder=CLIENT)
    return CLIENT


@pytest.fixture
async def served(mongodb_uri: str, mongodb_database: str, tmp_path: Path) -> AsyncIterator[Deployment]:
    """A service without a worker, and a generator that fails once for each topic that begins with `broken`."""
    failed: set[str] = set()

    def once_broken(call: Call) -> Reply:
        if not call.topic.startswith("broken") or call.topic in failed:
            return article(call)
        failed.add(call.topic)
        return failure("The generator said no.", retryable=False)

    async with contextlib.AsyncExitStack() as stack:
        generator = await stack.enter_async_context(ScriptedGenerator(otherwise=once_broken))
        yield await stack.enter_async_context(
            on_mongodb(SETTINGS, tmp_path, mongodb_uri, mongodb_database, workers=0, generator_url=generator.url)
        )


@pytest.fixture
async def keys(mongodb_store: Store) -> dict[str, str]:
    """Of two users, as the client's tests want them in their environment."""
    clock = DatabaseClock(mongodb_store.server_time)
    await clock.measure()
    made = assemble(mongodb_store, clock, Rules()).keys
    names = {"PRESSRUN_TEST_KEY": "owner", "PRESSRUN_TEST_STRANGERS_KEY": "stranger"}
    return {name: (await made.create(user, Scope.WRITE))[1] for name, user in names.items()}
