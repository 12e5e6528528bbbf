"""What the benchmarks of order and limits play on: a database of its own, a timed generator, limits, worker processes.

Bulks are put into the database, not sent to a service: what is measured is what becomes of them. Workers are started
when that is done, so that the first claim finds everything.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from benchmarks.bench import Bench
from benchmarks.calls import Call
from benchmarks.deployment import environment_of
from benchmarks.inside import inside
from benchmarks.local_server import HOST
from benchmarks.seeding import Seeding
from jobs.system import System
from tests.support.processes import Process, start

LOOK_EVERY_SECONDS = 0.02
ROOT = Path(__file__).parent.parent


class GeneratorProcess:
    """A timed generator, used with `async with`. It can be killed, and started again on its port."""

    def __init__(self, folder: Path, job_seconds: float) -> None:
        self.calls: list[Call] = []
        self.ready_at = 0.0
        self._seconds = job_seconds
        self._log = folder / f"calls-{secrets.token_hex(6)}.log"
        self._by_number: dict[str, Call] = {}
        self._read_to = 0
        self._port = 0
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> GeneratorProcess:
        self._log.touch()
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.kill()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._port}"

    async def start(self) -> None:
        """Ready when this returns; since when, `ready_at` says."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "benchmarks.timed_generator",
            str(self._port),
            str(self._seconds),
            str(self._log),
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        assert self._process.stdout is not None
        port, ready_at = (await self._process.stdout.readline()).split()
        self._port, self.ready_at = int(port), float(ready_at)

    async def kill(self) -> list[Call]:
        """The calls that this cut."""
        if self._process is not None:
            self._process.kill()
            await self._process.wait()
            self._process = None
        moment = time.monotonic()
        cut = [call for call in self.look() if call.left is None]
        for call in cut:
            call.left = moment
        return cut

    def look(self) -> list[Call]:
        """All calls until now, in their order."""
        with self._log.open("rb") as log:
            log.seek(self._read_to)
            *lines, rest = log.read().split(b"\n")
            self._read_to = log.tell() - len(rest)
        for line in lines:
            what, number, moment, *facts = line.decode().split(" ")
            if what == "came":
                self._by_number[number] = call = Call(facts[0], facts[1], float(moment))
                self.calls.append(call)
            else:
                self._by_number[number].left = float(moment)
                self._by_number[number].answered = facts == ["answered"]
        return self.calls

    async def until(self, came: int = 0, answered: int = 0, *, within: float) -> list[Call]:
        """Wait until so many calls have come and been answered. Raises `TimeoutError` after so many seconds."""
        async with asyncio.timeout(within):
            while len(calls := self.look()) < came or sum(call.answered for call in calls) < answered:
                await asyncio.sleep(LOOK_EVERY_SECONDS)
        return calls


@dataclass
class Scene:
    bench: Bench
    name: str
    database: AsyncDatabase[dict[str, Any]]
    system: System
    generator: GeneratorProcess
    seeding: Seeding
    workers: list[Process] = field(default_factory=list)

    async def add_workers(self, count: int, slots: int, *, wait: bool = True, **settings: float) -> None:
        """Ready when this returns, unless it is not to `wait`. `settings` are those of the section WORKER."""
        given = {f"PRESSRUN_WORKER__{name.upper()}": str(value) for name, value in {"slots": slots, **settings}.items()}
        environment = environment_of(self.bench.uri, self.name, self.generator.url, given)
        added = [await start("worker", environment=environment, folder=self.bench.folder) for _ in range(count)]
        self.workers += added
        for worker in added if wait else []:
            await worker.said("worker_started")

    @property
    def ready_workers(self) -> list[Process]:
        return [worker for worker in self.workers if worker.told("worker_started")]

    async def kill(self, worker: Process) -> None:
        self.workers.remove(worker)
        await worker.kill()


@contextlib.asynccontextmanager
async def scene(bench: Bench, job_seconds: float, **limits: Any) -> AsyncIterator[Scene]:
    """Nothing is limited but what `limits` name. There are no workers yet."""
    async with (
        bench.database() as name,
        bench.client() as client,
        GeneratorProcess(bench.folder, job_seconds) as generator,
        inside(bench, name, generator.url) as parts,
    ):
        if limits:
            await parts.system.limits.change(limits)
        playing = Scene(bench, name, client[name], parts.system, generator, Seeding(client[name]))
        try:
            yield playing
        finally:
            for worker in list(playing.workers):
                await playing.kill(worker)
