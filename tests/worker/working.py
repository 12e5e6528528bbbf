"""A worker of this process around a scripted generator, in parts that a test can hold. No tests here."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from jobs.claims import Claim
from jobs.configuration.settings import Settings, load_settings
from jobs.pipelines import CONTENT
from jobs.storage.store import Document
from jobs.system import System
from outbound.client import Outbound
from worker.__main__ import generator_http
from worker.breaker import Breaker
from worker.generator import GeneratorClient
from worker.keeper import Keeper
from worker.loop import Loop
from worker.outside import Outside
from worker.record import Workbench
from worker.registry import built_in
from worker.runner import Runner
from worker.shutdown import Shutdown
from worker.stage import Pipeline

LEASE = timedelta(seconds=30)
SHORT = timedelta(milliseconds=10)
LONG = timedelta(minutes=5)
PATIENCE_SECONDS = 30
BACKOFF = timedelta(minutes=6)
OWNER = "owner"
WORKER = "w1"


def settings_for(url: str, *, timeout: timedelta = LONG, slots: int = 8) -> Settings:
    given = {
        "auth": {"mode": "off"},
        "generator": {"url": url, "timeout_seconds": timeout.total_seconds(), "headers": {"X-Key": "secret"}},
        "worker": {"slots": slots, "poll_seconds": 0.01, "sweep_seconds": 0.02},
    }
    return load_settings(given, environment={})


@asynccontextmanager
async def client_of(url: str, *, timeout: timedelta = LONG) -> AsyncIterator[GeneratorClient]:
    """The client that a worker would have, with a time limit of the test's."""
    async with generator_http(settings_for(url, timeout=timeout)) as http:
        yield GeneratorClient(http, timeout)


async def claimed(system: System, worker_id: str = WORKER) -> Claim:
    claim = await system.queue.claim(worker_id)
    assert claim is not None
    return claim


async def in_time(work: Coroutine[object, object, object]) -> None:
    """A test that would wait for ever fails instead."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        await work


@dataclass
class Worker:
    """Its keeper runs all the time, its loop once it is started."""

    system: System
    keeper: Keeper
    runner: Runner
    loop: Loop
    shutdown: Shutdown
    running: asyncio.Task[None] | None = None

    async def run_next(self) -> Document:
        """Claim the next job and run it to its outcome: the job as it then is."""
        claim = await claimed(self.system)
        await in_time(self.runner.run(claim))
        return await self.system.lookup.job(OWNER, claim.job_id)

    def start_next(self, claim: Claim) -> asyncio.Task[None]:
        return asyncio.create_task(in_time(self.runner.run(claim)), name="run a job")

    def start(self) -> None:
        self.running = asyncio.create_task(self.loop.run(), name="loop")

    async def ended(self, *, within: timedelta = timedelta(seconds=PATIENCE_SECONDS)) -> None:
        """Wait until the loop has come to its end; a loop that failed fails the test."""
        assert self.running is not None
        async with asyncio.timeout(within.total_seconds()):
            await self.running


def a_runner(
    system: System,
    clients: Mapping[str, GeneratorClient],
    breaker: Breaker,
    keeper: Keeper,
    shutdown: Shutdown,
    pipelines: Mapping[str, Pipeline] | None = None,
    outside: Outside | None = None,
) -> Runner:
    bench = Workbench.over(
        system, clients, breaker, outside or Outside.over(Outbound(), system.targets, system.clock), shutdown.asked
    )
    return Runner(system.queue, {**built_in(), **(pipelines or {})}, bench, keeper, random.Random(1))


@asynccontextmanager
async def a_worker(
    system: System,
    client: GeneratorClient,
    *,
    others: Mapping[str, GeneratorClient] | None = None,
    pipelines: Mapping[str, Pipeline] | None = None,
    outside: Outside | None = None,
    slots: int = 1,
    poll: timedelta = SHORT,
    grace: timedelta = LONG,
    worker_id: str = WORKER,
) -> AsyncIterator[Worker]:
    keeper = Keeper(system.queue, lease=LEASE, look_every=SHORT)
    clients = {CONTENT: client, **(others or {})}
    breaker = Breaker(system.generators, clients)
    shutdown = Shutdown()
    runner = a_runner(system, clients, breaker, keeper, shutdown, pipelines, outside)
    loop = Loop(
        system.queue, runner, keeper, breaker, shutdown, worker_id=worker_id, slots=slots, poll=poll, grace=grace
    )
    worker = Worker(system, keeper, runner, loop, shutdown)
    keeping = asyncio.create_task(keeper.run(), name="keeper")
    try:
        yield worker
    finally:
        shutdown.ask_urgently()
        if worker.running is not None:
            await asyncio.wait([worker.running], timeout=PATIENCE_SECONDS)
        assert not keeping.done(), "the keeper died"
        keeping.cancel()
        await asyncio.wait([keeping], timeout=PATIENCE_SECONDS)
        assert keeping.cancelled(), "the keeper did not end"
