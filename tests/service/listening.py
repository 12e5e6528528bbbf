"""A real server for streams, and a listener that reads them as a browser's EventSource does. No tests here."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
from fastapi import FastAPI

from jobs.capacity.limits import Limits
from jobs.storage.encryption import Cipher
from jobs.storage.store import Store
from jobs.system import Rules, System, start
from service.server import listen, serve
from tests.service.requesting import OWNER

PATIENCE = 15.0
AS_OWNER = {"X-Pressrun-User": OWNER}


async def live_system(store: Store) -> System:
    """With the database's own clock: changes are dated by it."""
    return await start(store, Rules(limits=Limits(max_running=None), cipher=Cipher(["a key of the tests"])))


@contextlib.asynccontextmanager
async def served(app: FastAPI, port: int = 0) -> AsyncIterator[str]:
    bound = listen("127.0.0.1", port)
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(app, bound, stop, app.state.broadcast.stop), name="served app")
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        stop.set()
        await serving


@dataclass(frozen=True)
class Heard:
    name: str
    data: Any


class Listener:
    """Remembers the last id as EventSource does: also one that comes without data."""

    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self.last_id: str | None = None
        self.heartbeats = 0
        self._lines = response.aiter_lines()

    async def event(self) -> Heard | None:
        """The next one; None at the end of the stream. Fails where none comes for long."""
        async with asyncio.timeout(PATIENCE):
            return await self._event()

    async def until(self, holds: Callable[[Heard], object]) -> list[Heard]:
        """All events up to the one that it holds for."""
        heard: list[Heard] = []
        while True:
            event = await self.event()
            assert event is not None, f"the stream ended after {heard}"
            heard.append(event)
            if holds(event):
                return heard

    async def to_the_end(self) -> list[Heard]:
        heard = []
        while (event := await self.event()) is not None:
            heard.append(event)
        return heard

    async def beat(self, times: int = 1) -> None:
        """Wait for so many heartbeats, with no event among them."""
        before = self.heartbeats
        async with asyncio.timeout(PATIENCE):
            while self.heartbeats < before + times:
                assert await self._event(stop_at_heartbeat=True) is None

    async def _event(self, *, stop_at_heartbeat: bool = False) -> Heard | None:
        name, data, beats = "message", list[str](), False
        async for line in self._lines:
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            match field:
                case "" if line:
                    beats = True
                    self.heartbeats += 1
                case "event":
                    name = value
                case "data":
                    data.append(value)
                case "id":
                    self.last_id = value
            if not line and data:
                return Heard(name, json.loads("\n".join(data)))
            if not line and beats and stop_at_heartbeat:
                return None
        return None


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


@contextlib.asynccontextmanager
async def listening(
    url: str, path: str, headers: Mapping[str, str] = AS_OWNER, last_id: str | None = None
) -> AsyncIterator[Listener]:
    resumed = {b"Last-Event-ID": last_id.encode("latin-1")} if last_id else {}
    async with (
        httpx2.AsyncClient(base_url=url, headers=[*_encoded(headers), *resumed.items()], timeout=PATIENCE) as client,
        client.stream("GET", path) as response,
    ):
        if response.status_code != 200:
            await response.aread()
        yield Listener(response)


def of_bulk(status: str) -> Callable[[Heard], bool]:
    return lambda heard: heard.name == "bulk" and heard.data["bulk_job"]["status"] == status


def of_job(job_id: str, status: str) -> Callable[[Heard], bool]:
    return lambda heard: (
        heard.name == "job" and heard.data["job"]["id"] == job_id and heard.data["job"]["status"] == status
    )
