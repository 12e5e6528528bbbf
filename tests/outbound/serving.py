"""A server that answers as a test tells it to: real HTTP, with or without TLS, on a port of its own. No tests here."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from tests.support.news import News

HOST = "127.0.0.1"


@dataclass(eq=False)
class Asked:
    """One request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass(eq=False)
class Server:
    """Used with `async with`. `answer` writes what it likes; the connection is closed when it returns."""

    answer: Answer
    tls: ssl.SSLContext | None = None
    asked: list[Asked] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    connections: int = 0
    hung_up: int = 0
    news: News = field(default_factory=News)
    port: int = 0
    _server: asyncio.Server | None = None
    _serving: set[asyncio.Task[Any]] = field(default_factory=set)

    async def __aenter__(self) -> Server:
        if self.tls is not None:
            self.tls.sni_callback = lambda _connection, name, _context: self.names.append(name)
        self._server = await asyncio.start_server(self._connected, HOST, 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        serving = list(self._serving)
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    async def until_asked(self, count: int = 1) -> Asked:
        await self.news.until(lambda: len(self.asked) >= count, f"request number {count}")
        return self.asked[count - 1]

    async def until_hung_up(self) -> None:
        """Wait until a caller has closed its connection before it was answered in full."""
        await self.news.until(lambda: self.hung_up, "the caller to hang up")

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        self.connections += 1
        try:
            self.asked.append(await _request(reader))
            self.news.tell()
            await self._answered(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the caller is gone
        except asyncio.CancelledError:
            pass  # the end of the test; asyncio made this task, and nobody awaits it
        finally:
            writer.transport.abort() if writer.is_closing() else writer.close()
            self._serving.discard(task)

    async def _answered(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering = asyncio.ensure_future(self.answer(self.asked[-1], writer))
        listening = asyncio.create_task(reader.read(1), name="listening")
        try:
            await asyncio.wait({answering, listening}, return_when=asyncio.FIRST_COMPLETED)
            if not answering.done() or isinstance(answering.exception(), ConnectionError):
                self.hung_up += 1
                self.news.tell()
        finally:
            for task in (answering, listening):
                task.cancel()
            await asyncio.gather(answering, listening, return_exceptions=True)


Answer = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


def message(
    body: bytes = b"hello", status: int = 200, headers: Mapping[str, str] | None = None, *, length: int | None = None
) -> bytes:
    """A whole answer; `text/plain` where no header says otherwise."""
    told = {"Content-Type": "text/plain", "Content-Length": str(len(body) if length is None else length)}
    lines = [f"{name}: {value}" for name, value in {**told, **(headers or {})}.items() if value]
    return "\r\n".join([f"HTTP/1.1 {status} Told", *lines]).encode() + b"\r\n\r\n" + body


def says(whole: bytes) -> Answer:
    """The same answer to everything."""

    async def answer(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(whole)
        await writer.drain()

    return answer


def endless(start: bytes, piece: bytes, pause: float = 0.0) -> Answer:
    """Begins with `start` and goes on with `piece` until the caller is gone."""

    async def answer(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)

    return answer


async def silence(_: Asked, __: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def _request(reader: asyncio.StreamReader) -> Asked:
    line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
    return Asked(line, headers, await reader.readexactly(int(headers.get("content-length", "0"))))
