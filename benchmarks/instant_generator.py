"""A generation endpoint that answers at once, or holds every call: the least that a worker can wait for.

It keeps when each job's call came, and nothing else: the scripted generator of the tests remembers too much to be fast.
"""

from __future__ import annotations

import asyncio
import json
import re
import time

from benchmarks.local_server import LocalServer

LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
ARTICLE = "Good boots keep the water out and let the foot breathe. " * 100


def _message(content: str) -> bytes:
    body = json.dumps({"success": True, "content": content, "usage": {"output_tokens": 900, "cost": 0.01}}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


class InstantGenerator(LocalServer):
    """Used with `async with`. While `holds` is set, calls are taken and never answered.

    `first_calls` and `last_calls` tell by job id when a call came in (`time.perf_counter`).
    """

    def __init__(self, *, holds: bool = False, article: str = ARTICLE) -> None:
        self.holds = holds
        self.calls = 0
        self.first_calls: dict[str, float] = {}
        self.last_calls: dict[str, float] = {}
        self.called = asyncio.Condition()
        self._answer = _message(article)
        super().__init__()

    async def until(self, calls: int) -> None:
        """Wait until there have been this many calls."""
        async with self.called:
            await self.called.wait_for(lambda: self.calls >= calls)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                came = time.perf_counter()
                length = LENGTH.search(head)
                body = json.loads(await reader.readexactly(int(length[1]) if length else 0))
                await self._note(body["job_id"], came)
                if self.holds:
                    await reader.read()  # until the caller hangs up
                    return
                writer.write(self._answer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the caller is gone
        finally:
            writer.close()

    async def _note(self, job_id: str, came: float) -> None:
        self.first_calls.setdefault(job_id, came)
        self.last_calls[job_id] = came
        async with self.called:
            self.calls += 1
            self.called.notify_all()
