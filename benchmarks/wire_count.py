"""Counts what processes ask of MongoDB, from outside: a proxy between them and the server that reads each message."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections import Counter
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from bson.raw_bson import RawBSONDocument

HEADER = struct.Struct("<iiii")
OP_MSG = 2013
DRIVERS_OWN = {"hello", "isMaster", "ismaster", "endSessions"}
"""What each driver says to the server by itself, and a clock's few hellos a minute with it."""


class WireCount:
    """`uri` leads through the proxy; `counts` is by command and collection, and may be cleared at any time."""

    def __init__(self, port: int) -> None:
        self.uri = f"mongodb://127.0.0.1:{port}/?directConnection=true"
        self.counts: Counter[str] = Counter()

    def note(self, body: bytes) -> None:
        # four bytes of flags, one for the kind of the first section, then the command
        size = int.from_bytes(body[5:9], "little")
        command = RawBSONDocument(body[5 : 5 + size])
        name, about = next(iter(command.items()))
        if name not in DRIVERS_OWN:
            self.counts[f"{name} {about}" if isinstance(about, str) else name] += 1


@contextlib.asynccontextmanager
async def counting(server_uri: str) -> AsyncIterator[WireCount]:
    """Raises `ValueError` for a server that a plain proxy cannot stand before (several hosts, TLS, SRV, a user)."""
    parts = urlsplit(server_uri)
    if parts.scheme != "mongodb" or "," in parts.netloc or "@" in parts.netloc or "tls=true" in parts.query:
        raise ValueError("only a server at mongodb://HOST:PORT, without a user and TLS, can be counted from outside")
    links: set[asyncio.Task[None]] = set()

    async def linked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        links.add(task)
        try:
            there = await asyncio.open_connection(parts.hostname, parts.port or 27017)
            async with asyncio.TaskGroup() as both:
                both.create_task(_requests(reader, there[1], count))
                both.create_task(_answers(there[0], writer))
        except* (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # one side is gone
        finally:
            writer.close()
            links.discard(task)

    server = await asyncio.start_server(linked, "127.0.0.1", 0)
    count = WireCount(server.sockets[0].getsockname()[1])
    try:
        yield count
    finally:
        server.close()
        for link in list(links):
            link.cancel()
        await asyncio.gather(*links, return_exceptions=True)


async def _requests(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: WireCount) -> None:
    while True:
        header = await reader.readexactly(HEADER.size)
        length, _, _, operation = HEADER.unpack(header)
        body = await reader.readexactly(length - HEADER.size)
        if operation == OP_MSG:
            count.note(body)
        writer.write(header + body)
        await writer.drain()


async def _answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65536):
        writer.write(chunk)
        await writer.drain()
    raise ConnectionError
