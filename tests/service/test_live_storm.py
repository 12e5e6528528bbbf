"""Readers whose connections are cut, and a service that is restarted, at random: revisions never fall, and the last
state always arrives."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from jobs.controls import Pause
from jobs.storage.store import Store
from jobs.system import System
from service.app import create_app
from service.live.broadcast import Broadcast
from service.live.pace import Rhythm
from service.server import listen, serve
from tests.service.listening import AS_OWNER, Heard, Listener, live_system
from tests.service.requesting import BULKS, DONE, FAILED, OWNER, as_bulk_id, get, settings, submit_quick
from tests.support.eventually import eventually

CUTS = 200
READERS = 4
SEED = 20261122


class Replica:
    """A service on one port, which can be stopped in good order or cut off, and is then another process as far as
    streams can tell: nothing is kept but what the store keeps."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._port = 0
        self._stack = contextlib.AsyncExitStack()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        app: FastAPI = create_app(settings(), self._system)
        app.state.broadcast = broadcast = Broadcast(self._system, 100, Rhythm(look=0.02, tell=0.02, refresh=0.5))
        bound = listen("127.0.0.1", self._port)
        self._port = bound.getsockname()[1]
        stop = asyncio.Event()
        serving = asyncio.create_task(serve(app, bound, stop, broadcast.stop), name="served app")

        async def ended() -> None:
            stop.set()
            await serving

        self._stack.push_async_callback(ended)

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def stop(self) -> None:
        await self._stack.aclose()


@dataclass
class Reader:
    """As EventSource: it comes back with the last id for as long as it is told to, and remembers the last state."""

    path: str
    bulk: dict[str, Any] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    resumed: int = 0
    last_id: str | None = None
    hears: bool = False
    _connection: asyncio.Task[None] | None = None
    _revs: dict[str, int] = field(default_factory=dict)

    async def read(self, replica: Replica) -> None:
        async with httpx2.AsyncClient(base_url=replica.url, headers=AS_OWNER, timeout=20) as client:
            while True:
                self._connection = asyncio.create_task(self._listen(client), name="connection")
                try:
                    await asyncio.wait({self._connection})
                finally:
                    self.cut()
                if not self._connection.cancelled():
                    self._connection.result()
                await asyncio.sleep(0.005)  # EventSource's retry

    def cut(self) -> None:
        self.hears = False
        if self._connection is not None:
            self._connection.cancel()

    async def _listen(self, client: httpx2.AsyncClient) -> None:
        headers = {"Last-Event-ID": self.last_id} if self.last_id else {}
        with contextlib.suppress(httpx2.TransportError):
            async with client.stream("GET", self.path, headers=headers) as response:
                assert response.status_code == 200
                stream = Listener(response)
                while (event := await stream.event()) is not None:
                    self.resumed += not self.hears and event.name != "snapshot"
                    self.hears = True
                    self.last_id = stream.last_id or self.last_id
                    self._heard(event)

    def _heard(self, event: Heard) -> None:
        told = event.data
        if event.name == "job":
            self._rises(told["job"]["id"], told["rev"])
            self.jobs[told["job"]["id"]] = told["job"]
            return
        self._rises("bulk", told["rev"])
        self.bulk = {"bulk_job": told["bulk_job"], "progress": told["progress"]}
        if event.name == "snapshot":
            self.jobs = {job["id"]: job for job in told["jobs"]}

    def _rises(self, document: str, rev: int) -> None:
        assert rev >= self._revs.get(document, 0), (document, rev, self._revs)
        self._revs[document] = rev


@pytest.mark.serial
async def test_nobody_sees_a_revision_fall_and_everybody_hears_the_end(store: Store) -> None:
    system = await live_system(store)
    rng = random.Random(SEED)
    replica = Replica(system)
    await replica.start()
    async with httpx2.AsyncClient(base_url=replica.url, headers=AS_OWNER, timeout=20) as api:
        bulk_id = await submit_quick(api, 30)
    readers = [Reader(f"{BULKS}/{bulk_id}/events") for _ in range(READERS)]
    reading = [asyncio.create_task(reader.read(replica), name="reader") for reader in readers]
    changing = asyncio.create_task(_change(system, bulk_id, rng), name="changes")
    try:
        for number in range(CUTS):
            await _misfortune(number, replica, rng, readers)
            for task in [*reading, changing]:
                assert not task.done(), task.exception()
        changing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await changing
        await _turn(system, bulk_id)
        async with httpx2.AsyncClient(base_url=replica.url, headers=AS_OWNER, timeout=20) as api:
            last = await get(api, f"{BULKS}/{bulk_id}")
        await _until_all_know(last, readers, reading)
    finally:
        for task in [*reading, changing]:
            task.cancel()
        await asyncio.gather(*reading, changing, return_exceptions=True)
        await replica.stop()

    assert sum(reader.resumed for reader in readers) >= CUTS // 4


async def _misfortune(number: int, replica: Replica, rng: random.Random, readers: list[Reader]) -> None:
    """At any moment once the one that it happens to has heard something; every twentieth is a restart."""
    if number % 20 == 0:
        await replica.restart()
        return
    reader = rng.choice(readers)
    await eventually(lambda: _hears(reader))
    await asyncio.sleep(rng.uniform(0, 0.06))
    reader.cut()


async def _hears(reader: Reader) -> bool:
    return reader.hears


async def _change(system: System, bulk_id: str, rng: random.Random) -> None:
    """Jobs run and end, people pause, resume, retry and rename; without an end."""
    of_bulk = as_bulk_id(bulk_id)
    while True:
        claim = await system.queue.claim("worker-1")
        if claim is not None:
            await system.queue.finish(claim, DONE if rng.random() < 0.2 else FAILED)
        if rng.random() < 0.1 and not await _over(system, bulk_id):
            await system.controls.pause(OWNER, of_bulk, Pause())
        if claim is None:
            if not await _over(system, bulk_id):
                await system.controls.resume(OWNER, of_bulk)
            elif not (await system.controls.retry(OWNER, of_bulk))[1]:
                await system.controls.change(OWNER, of_bulk, {"name": str(rng.random())})  # all jobs are completed
        await asyncio.sleep(0.005)


async def _turn(system: System, bulk_id: str) -> None:
    """One last change, whatever has become of it."""
    if not await _over(system, bulk_id):
        await system.controls.cancel(OWNER, as_bulk_id(bulk_id))
    await system.controls.change(OWNER, as_bulk_id(bulk_id), {"name": "the last"})


async def _over(system: System, bulk_id: str) -> bool:
    return (await system.lookup.bulk(OWNER, as_bulk_id(bulk_id)))["status"] in ("completed", "cancelled")


async def _until_all_know(last: Any, readers: list[Reader], reading: list[asyncio.Task[None]]) -> None:
    rows = {job["id"]: job for job in last["jobs"]}
    known = {"bulk_job": last["bulk_job"], "progress": last["progress"]}
    async with asyncio.timeout(15):
        for reader, task in zip(readers, reading, strict=True):
            while (reader.bulk, _stripped(reader.jobs)) != (known, _stripped(rows)):
                assert not task.done(), task.exception()
                await asyncio.sleep(0.02)


def _stripped(rows: dict[str, Any]) -> dict[str, Any]:
    """`waiting` of a row is as it was when its job last changed."""
    return {job_id: {**row, "waiting": None} for job_id, row in rows.items()}
