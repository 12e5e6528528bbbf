"""A real HTTP server that speaks the OpenAI protocol as a test tells it to, well or badly. No tests here."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

Event = dict[str, Any] | str | bytes
"""A chunk, or the value of a data line, or bytes that are sent as they are."""


@dataclass
class Exchange:
    """One request and the connection that it came on; `hung_up` is set when the caller has closed it."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    writer: asyncio.StreamWriter
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, *pieces: bytes) -> None:
        self.writer.write(b"".join(pieces))
        await self.writer.drain()

    async def begin_stream(self, content_type: str = "text/event-stream") -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n\r\n"
        await self.send(head.encode())

    async def event(self, event: Event) -> None:
        match event:
            case bytes():
                data = event
            case str():
                data = f"data: {event}\n\n".encode()
            case _:
                data = f"data: {json.dumps(event)}\n\n".encode()
        await self.send(f"{len(data):x}\r\n".encode(), data, b"\r\n")

    async def end_stream(self) -> None:
        await self.send(b"0\r\n\r\n")

    def cut(self) -> None:
        self.writer.transport.abort()


Script = Callable[[Exchange], Awaitable[None]]


@dataclass
class OpenAIServer:
    """Answers every request as `script` does; `exchanges` is what has come in so far."""

    script: Script
    port: int = 0
    exchanges: list[Exchange] = field(default_factory=list)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            exchange = await _read(reader, writer)
            self.exchanges.append(exchange)
            watching = asyncio.create_task(_watch(reader, exchange), name="watch the caller")
            try:
                await self.script(exchange)
            finally:
                watching.cancel()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the caller is gone, which is what some tests are about
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Exchange:
    request, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
    body = await reader.readexactly(int(headers["content-length"]))
    return Exchange(request.split()[1], headers, json.loads(body), writer)


async def _watch(reader: asyncio.StreamReader, exchange: Exchange) -> None:
    try:
        await reader.read()
    except OSError:
        pass
    exchange.hung_up.set()


@asynccontextmanager
async def openai_server(script: Script) -> AsyncIterator[OpenAIServer]:
    server = OpenAIServer(script)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


def words(text: str) -> dict[str, Any]:
    return {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": text}}]}


def ending(reason: str = "stop") -> dict[str, Any]:
    return {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}


def usage(prompt_tokens: int, completion_tokens: int) -> dict[str, Any]:
    counts = {"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens}
    return {"object": "chat.completion.chunk", "choices": [], "usage": {**counts, "total_tokens": sum(counts.values())}}


USAGE = usage(100, 2_000)
DONE = "[DONE]"


def streaming(*events: Event, cut: bool = False) -> Script:
    """The events one after the other; `cut` breaks the connection off behind them."""

    async def script(exchange: Exchange) -> None:
        await exchange.begin_stream()
        for event in events:
            await exchange.event(event)
        if cut:
            exchange.cut()
        else:
            await exchange.end_stream()

    return script


def writing(text: str) -> Script:
    """As a model does it that works: a few words at a time, then why it ended, what it took, and the end."""
    pieces: Iterable[str] = (text[at : at + 7] for at in range(0, len(text), 7))
    return streaming(*map(words, pieces), ending(), USAGE, DONE)


def answering(
    status: int, body: object, headers: Mapping[str, str] | None = None, content_type: str = "application/json"
) -> Script:
    """One answer in one piece; a body that is no string or bytes is sent as JSON."""
    data = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()

    async def script(exchange: Exchange) -> None:
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Type: {content_type}", f"Content-Length: {len(data)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        await exchange.send("\r\n".join(lines).encode(), b"\r\n\r\n", data)

    return script


def complaint(message: str, code: str | None = None, kind: str = "invalid_request_error") -> dict[str, Any]:
    """An error body as OpenAI words it."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}
