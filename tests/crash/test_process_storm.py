"""Real processes on a server of their own: killed, stopped, told to stop, cut off, and nothing lost or doubled."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import signal
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest

from jobs.mongo import MongoStore
from tests.acceptance.conftest import FAST
from tests.acceptance.test_journey import assert_counted, finished, look, submit
from tests.support.deployment import Deployment, on_mongodb
from tests.support.eventually import eventually
from tests.support.invariants import assert_at_rest
from tests.support.mongo_server import COMMAND, MongoServer
from tests.support.processes import Process
from tests.support.replies import Reply, never, success
from tests.support.scripted_generator import Call, ScriptedGenerator

pytestmark = pytest.mark.serial
LEASE_SECONDS = 2.0
CALL_SECONDS = 1.5
BULKS = 30
BLOWS = 25
SEED = 20261122


@pytest.fixture(scope="module")
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
async def deployment(server: MongoServer, generator: ScriptedGenerator, tmp_path: Path) -> AsyncIterator[Deployment]:
    await server.up()
    settings = {
        **FAST,
        "PRESSRUN_LIMITS__MAX_RUNNING": "off",
        "PRESSRUN_WORKER__SLOTS": "3",
        "PRESSRUN_WORKER__LEASE_SECONDS": str(LEASE_SECONDS),
        "PRESSRUN_WORKER__SHUTDOWN_GRACE_SECONDS": "10",
    }
    database = f"storm_{secrets.token_hex(4)}"
    running = on_mongodb(settings, tmp_path, server.uri, database, workers=4, generator_url=generator.url)
    async with running as deployment:
        yield deployment


@pytest.fixture
async def api(deployment: Deployment) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=deployment.url, timeout=60, trust_env=False) as client:
        yield client


async def assert_nothing_owed(deployment: Deployment) -> None:
    database = deployment.settings["PRESSRUN_MONGODB__DATABASE"]
    store = MongoStore.connect(deployment.settings["PRESSRUN_MONGODB__URI"], database, 5, "pressrun-test")

    async def look() -> str | None:
        try:
            await assert_at_rest(store)
        except AssertionError as error:
            return str(error)
        return None

    try:
        await eventually(look, lambda wrong: wrong is None)
    finally:
        await store.close()


async def over(deployment: Deployment, api: httpx2.AsyncClient, bulk_id: str) -> dict[str, Any]:
    """The bulk once every job of it has ended, however often the database is away until then."""

    async def look() -> dict[str, Any]:
        try:
            answer = await api.get(f"/api/bulk-generate/{bulk_id}")
        except httpx2.HTTPError:
            return {}
        if answer.status_code not in (200, 503):
            await deployment.service.said("unexpected_error")
        assert answer.status_code in (200, 503), deployment.service.output[-3000:]
        seen: dict[str, Any] = answer.json() if answer.status_code == 200 else {}
        return seen

    return await eventually(look, lambda seen: bool(seen) and seen["progress"]["remaining"] == 0, patience=120)


class Storm:
    """Blows at random, from a seed, each with what brings things back."""

    def __init__(self, deployment: Deployment, server: MongoServer, dice: random.Random) -> None:
        self._deployment = deployment
        self._server = server
        self._dice = dice
        self.kills = 0

    async def blow(self) -> None:
        blows = [self._kill] * 5 + [self._stop, self._terminate_twice, self._cut, self._cut, self._fail]
        await self._dice.choice(blows)()

    def _worker(self) -> Process:
        return self._dice.choice(self._deployment.workers)

    async def _replace(self, worker: Process) -> None:
        await worker.ended()
        self._deployment.workers.remove(worker)
        await self._deployment.add_worker()

    async def _kill(self) -> None:
        self.kills += 1
        worker = self._worker()
        worker.send(signal.SIGKILL)
        await self._replace(worker)

    async def _stop(self) -> None:
        """Longer than a lease."""
        worker = self._worker()
        worker.send(signal.SIGSTOP)
        await asyncio.sleep(LEASE_SECONDS * 1.5)
        worker.send(signal.SIGCONT)

    async def _terminate_twice(self) -> None:
        worker = self._worker()
        worker.send(signal.SIGTERM)
        worker.send(signal.SIGTERM)
        await self._replace(worker)

    async def _cut(self) -> None:
        await self._server.cut()
        await self._server.up()

    async def _fail(self) -> None:
        how: dict[str, Any] = self._dice.choice(
            [{"errorCode": 10107}, {"errorCode": 112}, {"errorCode": 89}, {"closeConnection": True}]
        )
        await self._server.fail(["findAndModify", "update", "find", "aggregate"], times=5, **how)


async def test_a_storm_loses_nothing_and_doubles_nothing(
    api: httpx2.AsyncClient, deployment: Deployment, server: MongoServer, generator: ScriptedGenerator
) -> None:
    def slowly(_: Call) -> Reply:
        reply = success("An article.").held()
        asyncio.get_running_loop().call_later(CALL_SECONDS, reply.release)
        return reply

    generator.otherwise = slowly
    bulks = [await submit(api, max_retries=20) for _ in range(BULKS)]
    dice = random.Random(SEED)
    storm = Storm(deployment, server, dice)
    for _ in range(BLOWS):
        await storm.blow()
    completed = 0
    for bulk_id in bulks:
        seen = await over(deployment, api, bulk_id)
        assert_counted(seen)
        assert {job["error"] for job in seen["jobs"] if job["status"] == "failed"} <= {"worker died 3 times"}
        completed += sum(job["status"] == "completed" for job in seen["jobs"])
    await assert_nothing_owed(deployment)
    by_job: dict[str, set[str]] = {}
    for call in generator.calls:
        by_job.setdefault(call.body["job_id"], set()).add(call.key)
    assert len(by_job) == BULKS * 10
    assert {len(keys) for keys in by_job.values()} == {1}
    repeated = len(generator.calls) - len(by_job)
    print(
        f"storm: {BLOWS} blows, {storm.kills} kills, {completed} of {BULKS * 10} completed, {repeated} calls repeated"
    )


async def test_an_outage_of_two_leases_repeats_no_call(
    api: httpx2.AsyncClient, deployment: Deployment, server: MongoServer, generator: ScriptedGenerator
) -> None:
    held = never()
    generator.script(*[held] * 10)
    bulks = [await submit(api) for _ in range(10)]
    await generator.called(10)
    await server.cut()
    await asyncio.sleep(LEASE_SECONDS * 2)
    await server.up()
    held.release()
    for bulk_id in bulks:
        seen = await over(deployment, api, bulk_id)
        assert seen["progress"]["completed"] == 10
    assert len(generator.calls) == 100
    await assert_nothing_owed(deployment)


@pytest.mark.parametrize(
    "how",
    [{"errorCode": 10107}, {"errorCode": 112}, {"errorCode": 89}, {"closeConnection": True}],
    ids=["not primary", "write conflict", "network timeout", "closed connection"],
)
async def test_the_drivers_errors_in_mid_run_cost_nothing(
    api: httpx2.AsyncClient,
    deployment: Deployment,
    server: MongoServer,
    generator: ScriptedGenerator,
    how: dict[str, Any],
) -> None:
    bulk_id = await submit(api)
    await generator.called(2)
    await server.fail(["findAndModify", "update", "find", "aggregate"], times=30, **how)
    done = await finished(api, bulk_id)
    assert done["progress"]["completed"] == 10
    assert_counted(done)
    assert len(set(generator.keys)) == 10
    await assert_nothing_owed(deployment)


async def test_a_database_that_blocks_for_longer_than_the_driver_waits_stops_nothing(
    api: httpx2.AsyncClient, deployment: Deployment, server: MongoServer, generator: ScriptedGenerator
) -> None:
    held = never()
    generator.script(held)
    bulk_id = await submit(api)
    await generator.called()
    await server.fail(["update"], times=4, blockConnection=True, blockTimeMS=30_000)
    held.release()
    await eventually(partial(look, api, bulk_id), lambda seen: seen["progress"]["completed"] >= 1)
    done = await finished(api, bulk_id)
    assert done["progress"]["completed"] == 10
    assert len(set(generator.keys)) == 10
    await assert_nothing_owed(deployment)
