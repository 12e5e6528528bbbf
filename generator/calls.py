"""Calls under way: who waits for which answer, who joins whom, and what stops when nobody waits any more.

Nothing here knows of HTTP or of how an article is written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from generator.answers import Answer
from generator.errors import KeyReused, ShuttingDown
from generator.results import Record, Results

Write = Callable[[], Awaitable[Answer]]


@dataclass
class Counts:
    """`calls` arrived, `generated` texts, calls answered `from_store` or `joined`, texts `abandoned` half-written."""

    calls: int = 0
    generated: int = 0
    from_store: int = 0
    joined: int = 0
    abandoned: int = 0
    failed_on_request: int = 0


@dataclass(eq=False)
class Flight:
    """One text being written, and how many wait for it."""

    task: asyncio.Task[Answer]
    body_hash: str
    waiters: int = 0


class Calls:
    def __init__(self, results: Results, counts: Counts) -> None:
        self._results = results
        self._counts = counts
        self._flights: set[Flight] = set()
        self._by_key: dict[str, Flight] = {}
        self._closing = asyncio.Event()

    @property
    def in_flight(self) -> int:
        """Texts being written at this moment."""
        return len(self._flights)

    async def answer(self, key: str | None, body_hash: str, write: Write) -> Answer:
        """What `write` makes, or made or is making for the same key. Cancel this to stop waiting.

        The writing is cancelled with its last waiter. Raises `KeyReused` and `ShuttingDown`.
        """
        if self._closing.is_set():
            raise ShuttingDown
        known = (self._by_key.get(key) or self._results.find(key)) if key is not None else None
        if known is not None and known.body_hash != body_hash:
            raise KeyReused
        match known:
            case Record():
                self._counts.from_store += 1
                return known.answer
            case Flight():
                self._counts.joined += 1
                return await self._wait(known, key)
            case None:
                return await self._wait(self._take_off(key, body_hash, write), key)

    async def hang(self) -> None:
        """Never returns. Raises `ShuttingDown`."""
        await self._closing.wait()
        raise ShuttingDown

    async def close(self) -> None:
        """Takes no more calls, stops all there are and returns when they have stopped. May be called again."""
        self._closing.set()
        tasks = [flight.task for flight in self._flights]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _take_off(self, key: str | None, body_hash: str, write: Write) -> Flight:
        task = asyncio.create_task(self._written(key, body_hash, write), name=f"generate {key or 'without key'}")
        flight = Flight(task, body_hash)
        self._flights.add(flight)
        if key is not None:
            self._by_key[key] = flight
        task.add_done_callback(lambda _: self._land(flight, key))
        return flight

    async def _written(self, key: str | None, body_hash: str, write: Write) -> Answer:
        answer = await write()
        self._counts.generated += 1
        if key is not None:
            await self._results.keep(Record(key=key, body_hash=body_hash, answer=answer))
        return answer

    async def _wait(self, flight: Flight, key: str | None) -> Answer:
        flight.waiters += 1
        try:
            await asyncio.wait([flight.task])
        finally:
            flight.waiters -= 1
            if not flight.waiters and not flight.task.done():
                self._counts.abandoned += 1
                flight.task.cancel()
                # A repeat that comes before the cancellation has arrived must not join a dying flight.
                self._land(flight, key)
        if flight.task.cancelled():
            raise ShuttingDown
        return flight.task.result()

    def _land(self, flight: Flight, key: str | None) -> None:
        self._flights.discard(flight)
        if key is not None and self._by_key.get(key) is flight:
            del self._by_key[key]
