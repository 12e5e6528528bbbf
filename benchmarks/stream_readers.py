"""Many readers of live streams in one process, cheap enough that the service is what is measured: raw sockets, no JSON.

A change carries the moment it was made as the bulk's name; a reader notes when that name reaches it.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Sequence

NAME = re.compile(rb'"name":"at ([0-9.]+)"')
AT_ONCE = 50


def name_of_now() -> str:
    return f"at {time.time():.6f}"


class Reader:
    """`seconds`: from each change to its arrival here."""

    def __init__(self, bulk_id: str) -> None:
        self.bulk_id = bulk_id
        self.seconds: list[float] = []
        self.opened = asyncio.Event()
        self._last = b""

    async def read(self, address: str, turn: asyncio.Semaphore) -> None:
        host, _, port = address.removeprefix("http://").partition(":")
        async with turn:
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(
                f"GET /api/bulk-generate/{self.bulk_id}/events HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()
            )
            head = await reader.readuntil(b"event: snapshot")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.partition(b"\r\n")[0].decode())
            self.opened.set()
        with contextlib.closing(writer):
            while chunk := await reader.read(2**16):
                self._note(chunk, time.time())

    def _note(self, chunk: bytes, now: float) -> None:
        for made in NAME.findall(chunk):
            if made != self._last:
                self._last = made
                self.seconds.append(now - float(made))


@contextlib.asynccontextmanager
async def reading(address: str, bulk_ids: Sequence[str]) -> AsyncIterator[list[Reader]]:
    """A reader for each id given, all connected and told where things stand."""
    turn = asyncio.Semaphore(AT_ONCE)
    readers = [Reader(bulk_id) for bulk_id in bulk_ids]
    tasks = [asyncio.create_task(reader.read(address, turn)) for reader in readers]
    try:
        async with asyncio.timeout(120):
            await asyncio.gather(*(reader.opened.wait() for reader in readers))
        yield readers
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
