"""What the crash tests share: a server of their own to strike, and at the end how many points were explored."""

from __future__ import annotations

import os
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from tests.acceptance.conftest import FAST
from tests.support.deployment import Deployment, on_mongodb
from tests.support.mongo_server import COMMAND, MongoServer
from tests.support.scripted_generator import ScriptedGenerator

EXPLORED = "explored: "
STRUCK = {
    **FAST,
    "PRESSRUN_LIMITS__MAX_RUNNING": "off",
    "PRESSRUN_WORKER__SLOTS": "3",
    "PRESSRUN_WORKER__SHUTDOWN_GRACE_SECONDS": "10",
}
"""The settings of a deployment that is struck."""


@pytest.fixture(scope="session")
async def server() -> AsyncIterator[MongoServer]:
    command = os.environ.get(COMMAND)
    if not command:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{COMMAND} is not set: no storm was survived")
        pytest.skip(f"{COMMAND} is not set: these tests crash a server of their own")
    own = MongoServer(command)
    await own.reset()
    await own.up()
    yield own
    await own.reset()


@pytest.fixture
async def generator() -> AsyncIterator[ScriptedGenerator]:
    async with ScriptedGenerator() as scripted:
        yield scripted


@pytest.fixture
def workers() -> int:
    """How many a deployment has at first; a test module may want another number."""
    return 2


@pytest.fixture
async def deployment(
    server: MongoServer, generator: ScriptedGenerator, workers: int, tmp_path: Path
) -> AsyncIterator[Deployment]:
    await server.up()
    database = f"storm_{secrets.token_hex(4)}"
    running = on_mongodb(STRUCK, tmp_path, server.uri, database, workers=workers, generator_url=generator.url)
    async with running as deployment:
        yield deployment


@pytest.fixture
async def api(deployment: Deployment) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=deployment.url, timeout=60, trust_env=False) as client:
        yield client


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    explored: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, count in getattr(report, "user_properties", ()):
                if name.startswith(EXPLORED) and report.when == "call":
                    explored[name.removeprefix(EXPLORED)] += count
    for what, count in sorted(explored.items()):
        terminalreporter.write_line(f"explored {count:7,} {what}")
