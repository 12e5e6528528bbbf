"""Asking once for many: who waits together, what is remembered, and who is cancelled with whom."""

from __future__ import annotations

import asyncio

import pytest

from worker.single_flight import SingleFlight


class Asked:
    """Answers when it is let; `count` is how often it was asked."""

    def __init__(self) -> None:
        self.count = 0
        self.cancelled = 0
        self.began = asyncio.Event()
        self.let = asyncio.Event()

    async def __call__(self) -> str:
        self.count += 1
        self.began.set()
        try:
            await self.let.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return f"answer {self.count}"


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def ten_seconds(_: str) -> float:
    return 10.0


async def test_ten_who_want_the_same_ask_once() -> None:
    flights, asked = SingleFlight(ten_seconds, 5), Asked()
    waiting = [asyncio.create_task(flights.get("a", asked)) for _ in range(10)]
    await asked.began.wait()
    asked.let.set()
    assert await asyncio.gather(*waiting) == ["answer 1"] * 10
    assert asked.count == 1


async def test_an_answer_is_remembered_for_its_time() -> None:
    time, asked = Time(), Asked()
    asked.let.set()
    flights = SingleFlight(ten_seconds, 5, time)
    assert await flights.get("a", asked) == "answer 1"
    time.now = 9.9
    assert await flights.get("a", asked) == "answer 1"
    assert await flights.get("b", asked) == "answer 2"
    time.now = 10.0
    assert await flights.get("a", asked) == "answer 3"


async def test_no_more_than_so_many_are_remembered_and_the_oldest_is_forgotten() -> None:
    flights, asked = SingleFlight(ten_seconds, 2), Asked()
    asked.let.set()
    for key in ("a", "b", "c"):
        await flights.get(key, asked)
    assert [await flights.get(key, asked) for key in ("b", "c", "a")] == ["answer 2", "answer 3", "answer 4"]


async def test_one_who_goes_leaves_the_others_their_answer() -> None:
    flights, asked = SingleFlight(ten_seconds, 5), Asked()
    first = asyncio.create_task(flights.get("a", asked))
    await asked.began.wait()
    second = asyncio.create_task(flights.get("a", asked))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    asked.let.set()
    assert await second == "answer 1"
    assert (asked.count, asked.cancelled, first.cancelled()) == (1, 0, True)


async def test_with_the_last_who_goes_it_is_given_up_and_who_comes_then_asks_anew() -> None:
    flights, asked = SingleFlight(ten_seconds, 5), Asked()
    first = asyncio.create_task(flights.get("a", asked))
    await asked.began.wait()
    first.cancel()
    await asyncio.wait([first])
    asked.let.set()
    assert await flights.get("a", asked) == "answer 2"
    assert asked.cancelled == 1


async def test_what_is_raised_is_raised_for_all_and_not_remembered() -> None:
    flights, asked = SingleFlight(ten_seconds, 5), Asked()

    async def fails() -> str:
        await asked()
        raise ValueError("no")

    waiting = [asyncio.create_task(flights.get("a", fails)) for _ in range(3)]
    await asked.began.wait()
    asked.let.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in results] == [ValueError] * 3
    with pytest.raises(ValueError, match="no"):
        await flights.get("a", fails)
    assert asked.count == 2
