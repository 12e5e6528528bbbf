"""One stream on the wire: server-sent events, heartbeats, and an end to readers that do not read. What is told, and in
which words, is decided elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from fastapi import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from jobs.errors import NotFound, PressrunError, StoreUnavailable
from jobs.reading.changes import LATE
from service.auth.caller import Caller
from service.auth.callers import Authentication
from service.live.broadcast import Broadcast
from service.live.events import QueueSubject, Renderer, Subject
from service.live.positions import event_id, moment_of
from service.live.subscriptions import Batch, Subscription
from service.refusals import Unauthorized
from service.wire.hanging_up import hang_up_of

log = structlog.get_logger()
MOST_AGE = timedelta(minutes=10)
"""Of an event id: a reader that was away for longer is given a snapshot."""

CHUNK_BYTES = 64 * 1024
RETRY = b"retry: 1000\n\n"
HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    # `no-transform`, or Next.js compresses the stream and holds all of it back to the end.
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}


@dataclass(frozen=True)
class Patience:
    """In seconds: between heartbeats, until what was sent must have been taken, between two looks at who listens."""

    heartbeat: float = 15.0
    send: float = 10.0
    recheck: float = 60.0


async def open_stream(request: Request, caller: Caller, subject: Subject, renderer: Renderer) -> Response:
    """The answer that is a stream. Raises `NotFound` for a subject that is not the caller's, and `TooManyStreams`.

    The caller is asked for again once a minute, as at first, and so is the subject: who may no longer look is told
    nothing more, and what was removed ends.
    """
    broadcast: Broadcast = request.app.state.broadcast
    bulk_id = await broadcast.views.check(subject)
    reader = broadcast.subscribe(caller.user, subject, bulk_id, _since(request, subject, broadcast.now()))

    async def is_still_there() -> bool:
        # An ended bulk that is removed changes nothing that a feed would hear of.
        try:
            await broadcast.views.check(subject)
        except NotFound:
            return False
        except StoreUnavailable:
            pass  # looked at again in a minute
        return True

    async def still_may_look() -> bool:
        authentication: Authentication = request.app.state.authentication
        try:
            known = await authentication.caller(request)
        except StoreUnavailable:
            return True  # who it is cannot be told just now; once it can, it is asked again
        except Unauthorized:
            return False
        of_all = isinstance(subject, QueueSubject) and subject.owner is None
        return known.user == caller.user and (known.is_admin or not of_all) and await is_still_there()

    return LiveStream(broadcast, reader, renderer, still_may_look, request.app.state.stream_patience)


def _since(request: Request, subject: Subject, now: datetime) -> datetime | None:
    """What the reader was told before it came back, where that says anything."""
    told_until = moment_of(request.headers.get("last-event-id", ""), subject)
    # Two processes' clocks differ by less than what is late; after it was put back, changes bear earlier dates.
    return told_until if told_until is not None and -LATE < now - told_until < MOST_AGE else None


class TooSlow(PressrunError):
    """The reader has not taken what was sent."""


class LiveStream(Response):
    def __init__(
        self,
        broadcast: Broadcast,
        reader: Subscription,
        renderer: Renderer,
        may_look: Callable[[], Awaitable[bool]],
        patience: Patience,
    ) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._broadcast = broadcast
        self._reader = reader
        self._renderer = renderer
        self._may_look = may_look
        self._patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reader = self._reader
        reader.hang_up = hang_up_of(scope)
        hearing = asyncio.create_task(_hung_up(receive), name="live stream reader")
        hearing.add_done_callback(lambda _: reader.end())
        try:
            await self._sent(send, {"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await self._sent(send, _body(RETRY))
            await self._tell(send)
            await self._sent(send, {"type": "http.response.body", "body": b""})
        except TooSlow:
            log.info("live_reader_dropped", subject=str(reader.subject))
            if reader.hang_up is not None:
                reader.hang_up()
                await hearing
        finally:
            self._broadcast.unsubscribe(reader)
            hearing.cancel()
            with suppress(asyncio.CancelledError):
                await hearing

    async def _tell(self, send: Send) -> None:
        loop = asyncio.get_running_loop()
        recheck_at = loop.time() + self._patience.recheck
        while not self._reader.ended:
            batch = await self._reader.batch(timedelta(seconds=self._patience.heartbeat))
            if loop.time() >= recheck_at:
                if not await self._may_look():
                    return
                recheck_at = loop.time() + self._patience.recheck
            if self._reader.ended:
                return
            for chunk in self._chunks(batch):
                await self._sent(send, _body(chunk))

    def _chunks(self, batch: Batch) -> list[bytes]:
        """The last event has the id: who loses the connection before it is told all of them again."""
        frames = [frame for event in batch.events if (frame := event.frame(self._renderer))]
        if not frames:
            frames = [b":\n"]  # a heartbeat; one with an id moves the reader on, and is heard by nobody
        last_id = event_id(self._reader.subject, batch.told_until) if batch.told_until else ""
        frames[-1] += f"id: {last_id}\n".encode() if last_id else b""
        chunks, size = [b""], 0
        for frame in frames:
            if size > CHUNK_BYTES:
                chunks.append(b"")
                size = 0
            chunks[-1] += frame + b"\n"
            size += len(frame)
        return chunks

    async def _sent(self, send: Send, message: dict[str, Any]) -> None:
        try:
            async with asyncio.timeout(self._patience.send):
                await send(message)
        except TimeoutError:
            raise TooSlow from None


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _body(chunk: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": chunk, "more_body": True}
