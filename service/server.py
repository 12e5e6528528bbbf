"""Runs an ASGI application until it is told to stop; open requests are given a moment to end. Knows no routes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Awaitable, Callable, Iterator

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from jobs.errors import PressrunError
from service.wire.hanging_up import offer

CLOSE_SECONDS = 3
BACKLOG = 2048
MAX_HEAD_BYTES = 64 * 2**10


class Server(uvicorn.Server):
    """Uvicorn without its signal handlers: who composed the process decides what a signal means."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Protocol(HttpToolsProtocol):
    """Lets the application cut a connection that nobody reads from; takes heads of `MAX_HEAD_BYTES` at most, which
    would be kept without end otherwise, and nothing that follows a body as a header."""

    _in_head = True
    _head_bytes = 0
    _is_refused = False

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            return
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > MAX_HEAD_BYTES and not self._is_refused:
            self._refuse(b"431 Request Header Fields Too Large", "The address and headers are too long.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        offer(self.scope, self.transport.abort)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_head, self._head_bytes = True, 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse(b"400 Bad Request", "This is no HTTP request that can be read.")

    def _refuse(self, status: bytes, sentence: str) -> None:
        body = json.dumps({"error": sentence}).encode()
        head = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
        self.transport.write(head % (status, len(body)) + body)
        # closed at once, what is still on its way would take the answer away again
        self.transport.write_eof()
        self._is_refused = True
        self.loop.call_later(CLOSE_SECONDS, self.transport.abort)


class PortInUse(PressrunError):
    """{address} is in use already: stop what serves there, or choose another port."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, so that its port is known before anything is served. Raises `PortInUse`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(BACKLOG)  # who connects before the application serves waits, and is not refused
    except OSError:
        bound.close()
        raise PortInUse(f"{host}:{port}") from None
    return bound


async def serve(
    app: ASGIApp,
    bound: socket.socket,
    stop: asyncio.Event,
    on_stop: Callable[[], Awaitable[object]] | None = None,
) -> None:
    """Until `stop` is set and what is under way has ended, at most `CLOSE_SECONDS` after `on_stop`."""
    config = uvicorn.Config(
        app,
        http=Protocol,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=CLOSE_SECONDS,
    )
    server = Server(config)
    serving = asyncio.create_task(server.serve(sockets=[bound]), name="http server")
    stopping = asyncio.create_task(stop.wait(), name="http server stop")
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if on_stop is not None:
        await on_stop()
    server.should_exit = True
    await serving
