"""A generation endpoint in a process of its own that takes a given time for each answer, of ideas and images too, and
writes down who came when.

`python -m benchmarks.timed_generator PORT SECONDS LOG` says its port and the moment when it is ready. A line of the log
is `came` or `left`, the call, the moment (`time.monotonic`, the same clock in all processes), and then whose job it is,
or whether it was answered. A call that its caller drops has left.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
import time
from pathlib import Path
from typing import TextIO

from benchmarks.instant_generator import ARTICLE, LENGTH
from benchmarks.local_server import HOST

BACKLOG = 1024
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
IDEAS = {"ideas": [{"title": f"Boots for weather number {number}"} for number in range(5)], "recommended": 2}
IMAGE = {"url": "https://images.example/boots.png", "alt": "Boots"}


def _answer(content: object) -> bytes:
    told = {"success": True, "content": content, "usage": {"output_tokens": 900, "cost": 0.01}}
    body = json.dumps(told).encode()
    return OK % len(body) + body


ANSWERS = {b"/api/content/ideas": _answer(IDEAS), b"/api/content/image": _answer(IMAGE)}
ARTICLE_ANSWER = _answer(ARTICLE)
"""To every other path."""

NOT_ALLOWED = b"HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class TimedGenerator:
    def __init__(self, seconds: float, log: TextIO) -> None:
        self._seconds = seconds
        self._log = log
        self._numbers = itertools.count(1)

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"POST "):
                writer.write(NOT_ALLOWED)  # a probe of one that was down
                return
            length = LENGTH.search(head)
            body = json.loads(await reader.readexactly(int(length[1]) if length else 0))
            call = f"{os.getpid()}.{next(self._numbers)}"
            self._write("came", call, body["job_id"], body["user_id"])
            was_dropped = await self._dropped(reader)
            # before the answer, for it may bring the next call
            self._write("left", call, "dropped" if was_dropped else "answered")
            if not was_dropped:
                writer.write(ANSWERS.get(head.split(b" ")[1], ARTICLE_ANSWER))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the caller is gone
        finally:
            writer.close()

    async def _dropped(self, reader: asyncio.StreamReader) -> bool:
        """Whether the caller hung up while its answer was made."""
        try:
            async with asyncio.timeout(self._seconds):
                await reader.read()
        except TimeoutError:
            return False
        except ConnectionError:
            pass
        return True

    def _write(self, what: str, call: str, *facts: str) -> None:
        self._log.write(f"{what} {call} {time.monotonic():.6f} {' '.join(facts)}\n")


async def serve(port: int, seconds: float, log: Path) -> None:
    with log.open("a", buffering=1) as lines:  # a line that is written survives a kill
        generator = TimedGenerator(seconds, lines)
        server = await asyncio.start_server(generator.connected, HOST, port, backlog=BACKLOG)
        print(server.sockets[0].getsockname()[1], time.monotonic(), flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3])))
