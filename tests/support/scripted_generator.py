"""A generation endpoint that does what a test scripted: a real HTTP server on a port of its own, and what it saw.

Replies are taken from the script of the call's topic, else from the common one, else from `otherwise`.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from tests.support.news import News
from tests.support.replies import Reply, status, success

HOST = "127.0.0.1"
ROUTE = "/api/content/"
TASK = "generator"
"""How the names of its tasks begin."""

IDEAS = {"ideas": [{"title": f"Idea {number}"} for number in range(3)], "recommended": 1}


@dataclass(eq=False)
class Call:
    """One request as it came: `mode` is its path's end, `started` the loop's time."""

    mode: str
    body: dict[str, Any]
    key: str
    headers: dict[str, str]
    started: float
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def topic(self) -> str:
        return str(self.body.get("topic"))

    @property
    def is_open(self) -> bool:
        return not self.answered.is_set() and not self.hung_up.is_set()


def article(call: Call) -> Reply:
    """Also ideas and an image, of which `mode` tells."""
    if call.mode == "ideas":
        return success(IDEAS, {"cost": 0.001})
    if call.mode == "image":
        return success({"url": "https://images.example/a.png", "alt": "A picture"}, {"cost": 0.02})
    return success(f"An article on {call.topic}.", {"input_tokens": 100, "output_tokens": 900, "cost": 0.01})


class ScriptedGenerator:
    """Used with `async with`; `url` is its root. `otherwise` answers what no script does."""

    def __init__(self, otherwise: Callable[[Call], Reply] = article) -> None:
        self.otherwise = otherwise
        self.calls: list[Call] = []
        self.most_at_once = 0
        self.connections = 0
        self.to_probes = 405
        self._common: deque[Reply] = deque()
        self._by_topic: dict[str, deque[Reply]] = defaultdict(deque)
        self._news = News()
        self._port = 0
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> ScriptedGenerator:
        await self.come_back()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.go_down()

    async def come_back(self) -> None:
        """Listen, and on the same port as before."""
        self._server = await asyncio.start_server(self._connected, HOST, self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def go_down(self) -> None:
        """Break off every call and refuse every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        serving = list(self._serving)
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._port}"

    @property
    def keys(self) -> list[str]:
        return [call.key for call in self.calls]

    @property
    def open_calls(self) -> list[Call]:
        return [call for call in self.calls if call.is_open]

    def script(self, *replies: Reply, topic: str | None = None) -> None:
        """The next replies, in order: to any call, or only to those on `topic`."""
        (self._common if topic is None else self._by_topic[topic]).extend(replies)

    async def called(self, count: int = 1) -> Call:
        """Wait for the call of this number, from 1."""
        await self._news.until(lambda: len(self.calls) >= count, f"call number {count}")
        return self.calls[count - 1]

    async def answered(self, count: int = 1) -> None:
        """Wait until this many calls have been answered."""
        await self._news.until(
            lambda: len([call for call in self.calls if call.answered.is_set()]) >= count, f"{count} answers"
        )

    async def hung_up(self, key: str) -> Call:
        """Wait until a caller with this key has closed its connection unanswered."""

        def gone() -> list[Call]:
            return [call for call in self.calls if call.key == key and call.hung_up.is_set()]

        await self._news.until(gone, f"a caller to hang up on {key}")
        return gone()[0]

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.set_name(f"{TASK}: connection")
        self._serving.add(task)
        self.connections += 1
        ahead: bytes | None = b""
        try:
            while ahead is not None:
                ahead = await self._exchange(ahead, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the caller is gone
        except asyncio.CancelledError:
            pass  # going down; the server made this task, and nobody awaits it
        finally:
            writer.transport.abort()
            self._serving.discard(task)

    async def _exchange(self, ahead: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes | None:
        """One request and its reply: what was read ahead of the next one, None where there will be none."""
        method, path, headers, body = await _request(ahead, reader)
        if method != "POST" or not path.startswith(ROUTE):
            writer.write(status(404 if method == "POST" else self.to_probes).message())
            await writer.drain()
            return b""
        call = Call(
            mode=path.removeprefix(ROUTE).removeprefix("generate/"),
            body=json.loads(body),
            key=headers.get("idempotency-key", ""),
            headers=headers,
            started=asyncio.get_running_loop().time(),
        )
        reply = self._reply_to(call)
        self.calls.append(call)
        self.most_at_once = max(self.most_at_once, len(self.open_calls))
        self._news.tell()
        sending = asyncio.create_task(_send(reply, writer), name=f"{TASK}: sending")
        listening = asyncio.create_task(reader.read(1), name=f"{TASK}: listening")
        try:
            await asyncio.wait({sending, listening}, return_when=asyncio.FIRST_COMPLETED)
            if not sending.done() or sending.exception() is not None:
                call.hung_up.set()
                return None
            call.answered.set()
            ahead = listening.result() if listening.done() else b""
            return None if reply.cut is not None else ahead
        finally:
            if call.is_open:
                call.answered.set()  # broken off by this side
            for task in (sending, listening):
                task.cancel()
            await asyncio.gather(sending, listening, return_exceptions=True)
            self._news.tell()

    def _reply_to(self, call: Call) -> Reply:
        for script in (self._by_topic[call.topic], self._common):
            if script:
                return script.popleft()
        return self.otherwise(call)


async def _request(ahead: bytes, reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str], bytes]:
    head = ahead + await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    named = (line.split(":", 1) for line in lines if line)
    headers = {name.strip().lower(): value.strip() for name, value in named}
    method, path, _ = first.split()
    return method, path, headers, await reader.readexactly(int(headers.get("content-length", "0")))


async def _send(reply: Reply, writer: asyncio.StreamWriter) -> None:
    if reply.gate is not None:
        await reply.gate.wait()
    writer.write(reply.message()[: reply.cut])
    await writer.drain()
    if reply.stalls:
        await asyncio.Event().wait()
