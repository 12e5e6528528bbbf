"""The connection itself: resolved, judged and made in one place, so that no name can change between check and use.

Nothing here knows of HTTP. Whatever host it is asked for, it connects to its target.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpcore2

from outbound.errors import Kind, OutboundFailed
from outbound.resolving import RESOLVE_WITHIN, Resolver, resolve
from outbound.urls import Target

PIECE_BYTES = 16 * 2**10
MOST_TRIED = 4


@dataclass(frozen=True)
class Patience:
    """How long the parts of a connection may take: the name's resolution, and the connection to one address."""

    resolving: timedelta = RESOLVE_WITHIN
    connecting: timedelta = timedelta(seconds=5)


class Guard(httpcore2.AsyncNetworkBackend):
    """For one request. At most `most_bytes` come in over its connection, headers and framing counted.

    TLS is begun by the caller, with the name from the URL: only where the bytes go is decided here.
    """

    def __init__(self, target: Target, resolver: Resolver, patience: Patience, most_bytes: int) -> None:
        self._target = target
        self._resolver = resolver
        self._patience = patience
        self._most_bytes = most_bytes
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Raises `UrlRefused`, and httpcore2's errors of connecting."""
        failure: httpcore2.ConnectError | httpcore2.ConnectTimeout | None = None
        within = self._patience.connecting.total_seconds()
        for address in (await resolve(self._target, self._resolver, self._patience.resolving))[:MOST_TRIED]:
            try:
                stream = await self._network.connect_tcp(str(address), self._target.port, within)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                return Bounded(stream, self._most_bytes)
        assert failure is not None, "a target has at least one address"
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        raise httpcore2.ConnectError("no user's URL leads to a socket of this machine")


class Bounded(httpcore2.AsyncNetworkStream):
    """A stream that gives small pieces, and breaks off when too much has come.

    The body's size is bounded elsewhere; this bounds what is none of the body: headers without end, interim answers,
    chunks of a single byte. Small pieces, as one of them is parsed without giving way to anything else on the loop.
    """

    def __init__(self, stream: httpcore2.AsyncNetworkStream, left: int) -> None:
        self._stream = stream
        self._left = left

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data = await self._stream.read(min(max_bytes, PIECE_BYTES), timeout)
        self._left -= len(data)
        if self._left < 0:
            raise OutboundFailed("The server sent too many bytes around its answer.", Kind.TOO_LARGE)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.AsyncNetworkStream:
        try:
            stream = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except asyncio.CancelledError:
            # httpcore2 closes what fails here, but not what is cancelled; the caller does not know the stream yet.
            await self._stream.aclose()
            raise
        return Bounded(stream, self._left)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
