"""A proxy between processes and MongoDB that reads each message on its way. What is made of them is its listener's
affair; nothing is changed.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from typing import Protocol
from urllib.parse import urlsplit

HEADER = struct.Struct("<iiii")
OP_MSG = 2013
HOST = "127.0.0.1"


class Listener(Protocol):
    """Each is awaited before what it tells of is passed on: who does not return holds it up."""

    async def request(self, body: bytes) -> None: ...

    async def answer(self) -> None: ...


@contextlib.asynccontextmanager
async def proxied(server_uri: str, listener: Listener) -> AsyncIterator[str]:
    """The URI that leads through the proxy. Raises `ValueError` for a server that a plain proxy cannot stand before
    (several hosts, TLS, SRV, a user)."""
    parts = urlsplit(server_uri)
    if parts.scheme != "mongodb" or "," in parts.netloc or "@" in parts.netloc or "tls=true" in parts.query:
        raise ValueError(
            "only a server at mongodb://HOST:PORT, without a user and TLS, can be listened to from outside"
        )
    links: set[asyncio.Task[None]] = set()

    async def linked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        links.add(task)
        try:
            there = await asyncio.open_connection(parts.hostname, parts.port or 27017)
            async with asyncio.TaskGroup() as both:
                both.create_task(_requests(reader, there[1], listener))
                both.create_task(_answers(there[0], writer, listener))
        except* (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # one side is gone
        finally:
            writer.close()
            links.discard(task)

    server = await asyncio.start_server(linked, HOST, 0)
    try:
        yield f"mongodb://{HOST}:{server.sockets[0].getsockname()[1]}/?directConnection=true"
    finally:
        server.close()
        for link in list(links):
            link.cancel()
        await asyncio.gather(*links, return_exceptions=True)


async def _requests(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener: Listener) -> None:
    while True:
        header = await reader.readexactly(HEADER.size)
        length, _, _, operation = HEADER.unpack(header)
        body = await reader.readexactly(length - HEADER.size)
        if operation == OP_MSG:
            await listener.request(body)
        writer.write(header + body)
        await writer.drain()


async def _answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener: Listener) -> None:
    while chunk := await reader.read(65536):
        await listener.answer()
        writer.write(chunk)
        await writer.drain()
    raise ConnectionError
