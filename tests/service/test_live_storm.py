"""Readers whose connections are cut, and a service that is restarted, at random: revisions never fall, and the last
state always arrives."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass, field
from typing import Any

import httpx2
from fastapi import FastAPI

from jobs.controls import Pause
from jobs.store import Store
from jobs.system import System
from service.app import create_app
from service.live.broadcast import Broadcast
from service.live.pace import Rhythm
from service.server import listen, serve
from tests.service.listening import AS_OWNER, Heard, Listener, live_system
from tests.service.requesting import BULKS, DONE, FAILED, OWNER, as_bulk_id, get, settings, submit_quick

CUTS = 200
READERS = 4
SEED = 20261122


class Replica:
    """A service on one port, which can be stopped in good order or cut off, and is then another process as far as
    streams can tell: nothing is kept but what the store keeps."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._port = 0
        self.restarts = 0
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
        self.restarts += 1
        await self.start()

    async def stop(self) -> None:
        await self._stack.aclose()


@dataclass
class Reader:
    """As EventSource: it comes back with the last id for as long as it is told to, and remembers the last state."""

    path: str
    random: random.Random
    bulk: dict[str, Any] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    cuts: int = 0
    resumed: int = 0
    last_id: str | None = None
    cut_soon: bool = False
    _revs: dict[str, int] = field(default_factory=dict)

    async def read(self, replica: Replica) -> None:
        while True:
            with contextlib.suppress(httpx2.TransportError):
                await self._connection(replica.url)
            await asyncio.sleep(0.005)  # EventSource's retry

    async def _connection(self, url: str) -> None:
        headers = AS_OWNER | ({"Last-Event-ID": self.last_id} if self.last_id else {})
        async with (
            httpx2.AsyncClient(base_url=url, headers=headers, timeout=20) as client,
            client.stream("GET", self.path) as response,
        ):
            if response.status_code != 200:
                return
            stream = Listener(response)
            first = True
            self.cut_soon = False
            while not self.cut_soon and (event := await stream.event()) is not None:
                self.resumed += first and event.name != "snapshot"
                first = False
                self.last_id = stream.last_id or self.last_id
                self._heard(event)
            self.cuts += self.cut_soon

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


async def test_nobody_sees_a_revision_fall_and_everybody_hears_the_end(store: Store) -> None:
    system = await live_system(store)
    rng = random.Random(SEED)
    replica = Replica(system)
    await replica.start()
    async with httpx2.AsyncClient(base_url=replica.url, headers=AS_OWNER, timeout=20) as api:
        bulk_id = await submit_quick(api, 30)
    readers = [Reader(f"{BULKS}/{bulk_id}/events", random.Random(rng.random())) for _ in range(READERS)]
    reading = [asyncio.create_task(reader.read(replica), name="reader") for reader in readers]
    changing = asyncio.create_task(_change(system, bulk_id, rng), name="changes")
    try:
        while sum(reader.cuts for reader in readers) + replica.restarts < CUTS:
            await _misfortune(replica, rng, readers)
            for task in [*reading, changing]:
                assert not task.done() or not task.exception()
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

    assert replica.restarts >= CUTS // 20
    assert sum(reader.resumed for reader in readers) >= CUTS // 4


async def _misfortune(replica: Replica, rng: random.Random, readers: list[Reader]) -> None:
    if rng.random() < 0.04:
        await replica.restart()
    else:
        rng.choice(readers).cut_soon = True
    await asyncio.sleep(rng.uniform(0, 0.06))


async def _change(system: System, bulk_id: str, rng: random.Random) -> None:
    """Jobs run and end, people pause, resume and retry; without an end."""
    of_bulk = as_bulk_id(bulk_id)
    while True:
        claim = await system.queue.claim("worker-1")
        if claim is not None:
            await system.queue.finish(claim, DONE if rng.random() < 0.2 else FAILED)
        if rng.random() < 0.1 and not await _over(system, bulk_id):
            await system.controls.pause(OWNER, of_bulk, Pause())
        if claim is None:
            if await _over(system, bulk_id):
                await system.controls.retry(OWNER, of_bulk)
            else:
                await system.controls.resume(OWNER, of_bulk)
        await asyncio.sleep(0.005)


async def _turn(system: System, bulk_id: str) -> None:
    """One last change, whatever has become of it."""
    if await _over(system, bulk_id):
        await system.controls.retry(OWNER, as_bulk_id(bulk_id))
    else:
        await system.controls.cancel(OWNER, as_bulk_id(bulk_id))


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
