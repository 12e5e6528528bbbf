"""Counts what processes ask of MongoDB, from outside: on the wire between them and the server."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import AsyncIterator

from bson.raw_bson import RawBSONDocument

from benchmarks.wire import proxied

DRIVERS_OWN = {"hello", "isMaster", "ismaster", "endSessions"}
"""What each driver says to the server by itself, and a clock's few hellos a minute with it."""


class WireCount:
    """`uri` leads through the proxy; `counts` is by command and collection, and may be cleared at any time."""

    def __init__(self) -> None:
        self.uri = ""
        self.counts: Counter[str] = Counter()

    async def request(self, body: bytes) -> None:
        # four bytes of flags, one for the kind of the first section, then the command
        size = int.from_bytes(body[5:9], "little")
        command = RawBSONDocument(body[5 : 5 + size])
        name, about = next(iter(command.items()))
        if name not in DRIVERS_OWN:
            self.counts[f"{name} {about}" if isinstance(about, str) else name] += 1

    async def answer(self) -> None:
        """Answers are not counted."""


@contextlib.asynccontextmanager
async def counting(server_uri: str) -> AsyncIterator[WireCount]:
    """Raises `ValueError` for a server that a plain proxy cannot stand before."""
    count = WireCount()
    async with proxied(server_uri, count) as count.uri:
        yield count
