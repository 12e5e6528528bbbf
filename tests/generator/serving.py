"""A generator on a real uvicorn server inside the test's loop, and the evidence to wait for. No tests here."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2
import uvicorn

from generator.app import create_app
from generator.calls import Calls
from generator.settings import Settings

TOPIC = {"topic": "office plants", "word_count": 60}
URL = "/api/content/generate/topic"


@dataclass
class Served:
    client: httpx2.AsyncClient
    calls: Calls
    port: int

    async def stats(self) -> dict[str, int]:
        numbers: dict[str, int] = (await self.client.get("/stats")).json()
        return numbers

    async def until(self, name: str, value: int) -> None:
        async with asyncio.timeout(5):
            while (await self.stats())[name] != value:
                await asyncio.sleep(0.002)

    async def open_call(self, *, key: str | None = None, url: str = URL) -> OpenCall:
        """A request on a bare socket, sent whole and not yet answered."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        body = json.dumps(TOPIC).encode()
        head = f"POST {url} HTTP/1.1\r\nHost: test\r\nContent-Length: {len(body)}\r\n"
        if key is not None:
            head += f"Idempotency-Key: {key}\r\n"
        writer.write(head.encode() + b"\r\n" + body)
        await writer.drain()
        return OpenCall(reader, writer)


@dataclass
class OpenCall:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def hang_up(self) -> None:
        self.writer.transport.abort()

    async def status(self) -> int:
        return int((await self.reader.readline()).split()[1])


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Served]:
    app = create_app(settings)
    config = uvicorn.Config(app, port=0, lifespan="on", ws="none", log_config=None)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            yield Served(client, app.state.calls, port)
    finally:
        await app.state.calls.close()
        await server.shutdown()


async def eventually(condition: Callable[[], bool], *, within: float = 5.0) -> None:
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.002)
