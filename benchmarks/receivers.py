"""Webhook receivers that answer at once, or never, and keep when each message came. Nothing is measured here."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import defaultdict
from datetime import datetime

from benchmarks.local_server import LocalServer

LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
MESSAGE = re.compile(rb"webhook-id: *(\S+)", re.IGNORECASE)
TAKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Receiver(LocalServer):
    """Used with `async with`. `came` tells by id when messages came in (`time.time`); `told` what bulks an id told of,
    and when these were over."""

    def __init__(self, *, hangs: bool = False) -> None:
        self.came: dict[str, list[float]] = defaultdict(list)
        self.told: dict[str, set[tuple[str, float]]] = defaultdict(set)
        self._hangs = hangs
        self._news = asyncio.Condition()
        super().__init__()

    async def until(self, ids: int, seconds: float) -> bool:
        """Wait until so many different messages have come, for so long at most. Whether they have."""
        try:
            async with asyncio.timeout(seconds), self._news:
                await self._news.wait_for(lambda: len(self.came) >= ids)
        except TimeoutError:
            return False
        return True

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length, message = LENGTH.search(head), MESSAGE.search(head)
            body = json.loads(await reader.readexactly(int(length[1]) if length else 0))
            await self._note(message[1].decode() if message else "", body)
            if self._hangs:
                await reader.read()  # until the caller hangs up
                return
            writer.write(TAKEN)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the caller is gone
        finally:
            writer.close()

    async def _note(self, message: str, body: dict[str, object]) -> None:
        data = body["data"]
        assert isinstance(data, dict)
        self.came[message].append(time.time())
        self.told[message].add((data["bulk_job_id"], datetime.fromisoformat(str(body["timestamp"])).timestamp()))
        async with self._news:
            self._news.notify_all()
