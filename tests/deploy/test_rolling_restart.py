"""A roll-out with real processes under load: workers and services are replaced one after the other."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from tests.acceptance.conftest import FAST
from tests.acceptance.test_journey import finished, items, submit
from tests.service.listening import Heard, listening
from tests.support.deployment import ADDRESS, Deployment, on_mongodb
from tests.support.eventually import eventually
from tests.support.processes import Process, start
from tests.support.replies import Reply
from tests.support.scripted_generator import Call, ScriptedGenerator, article

USER = {"X-Pressrun-User": "reader"}
TWO_AT_ONCE = {"PRESSRUN_LIMITS__MAX_RUNNING": "2", "PRESSRUN_WORKER__SHUTDOWN_GRACE_SECONDS": "60"}
COUNT = 12


class HeldGenerator:
    """Every call waits until the test has seen it; then all that wait may be answered."""

    def __init__(self, generator: ScriptedGenerator) -> None:
        self.generator = generator
        self._held: list[Reply] = []
        generator.otherwise = self._hold

    def _hold(self, call: Call) -> Reply:
        self._held.append(article(call).held())
        return self._held[-1]

    async def is_busy(self) -> None:
        """Two calls are under way."""

        async def open_calls() -> int:
            return sum(call.is_open for call in self.generator.calls)

        await eventually(open_calls, lambda count: count == 2)

    def answer(self) -> None:
        while self._held:
            self._held.pop().release()

    def let_go(self) -> None:
        self.generator.otherwise = article
        self.answer()


@pytest.fixture
async def generator() -> AsyncIterator[ScriptedGenerator]:
    async with ScriptedGenerator() as scripted:
        yield scripted


@pytest.fixture
async def deployment(
    generator: ScriptedGenerator, mongodb_uri: str, mongodb_database: str, tmp_path: Path
) -> AsyncIterator[Deployment]:
    async with on_mongodb(
        FAST | TWO_AT_ONCE, tmp_path, mongodb_uri, mongodb_database, workers=2, generator_url=generator.url
    ) as running:
        yield running


class Reader:
    """An open page: it follows a bulk to its end, and comes back to whichever replica there is."""

    def __init__(self, path: str, replicas: list[str]) -> None:
        self.heard: list[Heard] = []
        self.opened = 0
        self._path = path
        self._replicas = replicas

    async def is_open(self, times: int) -> None:
        """For the so many-th time."""

        async def opened() -> int:
            return self.opened

        await eventually(opened, lambda count: count == times)

    async def follow(self) -> None:
        last_id: str | None = None
        while not self._is_over():
            try:
                async with listening(self._replicas[0], self._path, USER, last_id) as stream:
                    self.opened += 1
                    while not self._is_over() and (event := await stream.event()) is not None:
                        self.heard.append(event)
                        last_id = stream.last_id
            except httpx2.TransportError:
                await asyncio.sleep(0)  # the next replica

    def _is_over(self) -> bool:
        return bool(self.heard) and self.heard[-1].data.get("bulk_job", {}).get("status") == "completed"


async def replaced(old: Process, environment: dict[str, str], folder: Path, replicas: list[str]) -> Process:
    """First the new one, then the old one is taken out and told to stop."""
    new = await start("service", environment=environment, folder=folder)
    replicas[:] = [(await new.said(f"(?=.*service_started).*{ADDRESS}"))[1]]
    old.send(signal.SIGTERM)
    assert await old.ended() == 0
    return new


async def test_a_rolling_restart_under_load_loses_nothing_and_repeats_no_call(
    deployment: Deployment, generator: ScriptedGenerator
) -> None:
    held, replicas = HeldGenerator(generator), [deployment.url]
    async with httpx2.AsyncClient(base_url=deployment.url, headers=USER, timeout=20, trust_env=False) as api:
        bulk_id = await submit(api, items=items(COUNT), parallelism=2, pipeline="plain")
    reader = Reader(f"/api/bulk-generate/{bulk_id}/events", replicas)
    reading = asyncio.create_task(reader.follow(), name="reader")
    await reader.is_open(1)
    for old in list(deployment.workers):
        await held.is_busy()
        await deployment.add_worker()
        old.send(signal.SIGTERM)
        await old.said("draining")
        held.answer()
        assert await old.ended() == 0
    service, environment = deployment.service, {**deployment.settings, "PRESSRUN_SERVICE__PORT": "0"}
    try:
        for times in (2, 3):
            await held.is_busy()
            service = await replaced(service, environment, deployment.folder, replicas)
            await reader.is_open(times)
            held.answer()
        held.let_go()
        async with httpx2.AsyncClient(base_url=replicas[0], headers=USER, timeout=20, trust_env=False) as api:
            done = await finished(api, bulk_id)
        await reading
    finally:
        await service.kill()
    assert done["progress"]["completed"] == COUNT
    assert [job["retry_count"] for job in done["jobs"]] == [0] * COUNT
    assert sorted(call.topic for call in generator.calls) == sorted(item["topic"] for item in items(COUNT))
    assert reader.opened == 3  # one for each service, and no more
    assert [event.name for event in reader.heard].count("snapshot") == 1  # later it was told only what it had missed
