"""Runs an ASGI application until it is told to stop; open requests are given a moment to end. Knows no routes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from jobs.errors import PressrunError
from service.hanging_up import offer

CLOSE_SECONDS = 3
BACKLOG = 2048


class Server(uvicorn.Server):
    """Uvicorn without its signal handlers: who composed the process decides what a signal means."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Protocol(HttpToolsProtocol):
    """Lets the application cut a connection that nobody reads from."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        offer(self.scope, self.transport.abort)


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
