"""A whole Pressrun of real processes, and how to stop and start parts of it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.processes import Process, start, started

UNPACED = {"PRESSRUN_GENERATOR__REQUESTS_PER_MINUTE": "off"}
ADDRESS = r"(http://127\.0\.0\.1:\d+)"


@dataclass
class Deployment:
    """`settings` is the environment its processes were started with, `folder` where they run."""

    url: str
    service: Process
    settings: Mapping[str, str]
    folder: Path
    workers: list[Process] = field(default_factory=list)

    async def add_worker(self) -> Process:
        worker = await start("worker", environment=self.settings, folder=self.folder)
        self.workers.append(worker)
        await worker.said("worker_started")
        return worker

    async def start_service(self) -> None:
        """Anew, once it has ended: on the same port."""
        port = {"PRESSRUN_SERVICE__PORT": self.url.rpartition(":")[2]}
        self.service = await start("service", environment={**self.settings, **port}, folder=self.folder)
        await self.service.said("service_started")


@contextlib.asynccontextmanager
async def embedded(settings: Mapping[str, str], folder: Path) -> AsyncIterator[Deployment]:
    environment = UNPACED | dict(settings)
    dev = started("dev", "--port", "0", environment=environment, folder=folder, ready=f"serves {ADDRESS}")
    async with dev as (process, ready):
        yield Deployment(ready[1], process, environment, folder, [process])


@contextlib.asynccontextmanager
async def on_mongodb(
    settings: Mapping[str, str],
    folder: Path,
    uri: str,
    database: str,
    *,
    workers: int,
    generator_url: str | None = None,
) -> AsyncIterator[Deployment]:
    """Without `generator_url`, with the reference generator as a process of its own."""
    environment = {
        **UNPACED,
        "PRESSRUN_MONGODB__URI": uri,
        "PRESSRUN_MONGODB__DATABASE": database,
        "PRESSRUN_AUTH__MODE": "off",
        "PRESSRUN_SERVICE__PORT": "0",
        **settings,
    }
    async with contextlib.AsyncExitStack() as stack:
        if generator_url is None:
            generating = started(
                "generator",
                "--port",
                "0",
                environment=environment,
                folder=folder,
                ready=f"(?=.*generator_started).*{ADDRESS}",
            )
            generator_url = (await stack.enter_async_context(generating))[1][1]
        environment["PRESSRUN_GENERATOR__URL"] = generator_url
        serving = started("service", environment=environment, folder=folder, ready=f"(?=.*service_started).*{ADDRESS}")
        service, ready = await stack.enter_async_context(serving)
        deployment = Deployment(ready[1], service, environment, folder)
        try:
            for _ in range(workers):
                await deployment.add_worker()
            yield deployment
        finally:
            for worker in deployment.workers:
                await worker.kill()
            await deployment.service.kill()
