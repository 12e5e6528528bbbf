"""`pressrun health`, with which a container asks after its process: real processes on a real server."""

from __future__ import annotations

import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.deployment import Deployment, on_mongodb
from tests.support.eventually import eventually
from tests.support.processes import run

QUICK = {"PRESSRUN_WORKER__LEASE_SECONDS": "2", "PRESSRUN_WORKER__SWEEP_SECONDS": "0.2"}


@pytest.fixture
async def deployment(mongodb_uri: str, mongodb_database: str, tmp_path: Path) -> AsyncIterator[Deployment]:
    async with on_mongodb(QUICK, tmp_path, mongodb_uri, mongodb_database, workers=1) as running:
        yield running


async def asked(deployment: Deployment, *arguments: str, **settings: str) -> tuple[int, str]:
    environment = {**deployment.settings, **settings}
    return await run("health", *arguments, environment=environment, folder=deployment.folder)


async def test_a_worker_is_well_while_its_heart_beats_and_not_once_it_hangs(deployment: Deployment) -> None:
    code, told = await asked(deployment, "worker")
    assert (code, told.endswith("is alive")) == (0, True), told
    deployment.workers[0].send(signal.SIGSTOP)

    async def is_missed() -> bool:
        return (await asked(deployment, "worker"))[0] == 1

    await eventually(is_missed)
    deployment.workers[0].send(signal.SIGCONT)

    async def is_back() -> bool:
        return (await asked(deployment, "worker"))[0] == 0

    await eventually(is_back)


async def test_a_worker_is_not_blamed_for_a_database_that_is_away(deployment: Deployment) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        uri = f"mongodb://127.0.0.1:{closed.getsockname()[1]}/?serverSelectionTimeoutMS=300"
        code, told = await asked(deployment, "worker", PRESSRUN_MONGODB__URI=uri)
    assert code == 0
    assert told.startswith("Whether the worker is well is not known. The database does not answer")


async def test_service_and_generator_are_asked_where_they_listen(deployment: Deployment) -> None:
    port = deployment.url.rpartition(":")[2]
    service = {"PRESSRUN_SERVICE__HOST": "0.0.0.0", "PRESSRUN_SERVICE__PORT": port}
    assert await asked(deployment, "service", **service) == (0, f"127.0.0.1:{port} answers 200")
    writer = deployment.settings["PRESSRUN_GENERATOR__URL"].rpartition(":")[2]
    assert await asked(deployment, "generator", "--port", writer) == (0, f"127.0.0.1:{writer} answers 200")
    await deployment.service.kill()
    code, told = await asked(deployment, "service", **service)
    assert (code, told.startswith(f"127.0.0.1:{port} does not answer: ")) == (1, True)
