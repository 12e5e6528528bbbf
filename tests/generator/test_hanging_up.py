"""Callers who go away, and a server that goes away: what is being written stops, for those only who do not wait."""

from __future__ import annotations

import time

import pytest

from generator.answers import Answer, Usage
from generator.calls import Calls, Counts
from generator.results import Results
from generator.settings import Settings
from tests.generator.serving import URL, Served, eventually, serving


@pytest.mark.parametrize("key", [None, "k"])
async def test_writing_stops_when_the_caller_hangs_up(served_slowly: Served, key: str | None) -> None:
    call = await served_slowly.open_call(key=key)
    await eventually(lambda: served_slowly.calls.in_flight == 1)
    call.hang_up()
    await eventually(lambda: served_slowly.calls.in_flight == 0, within=1)
    stats = await served_slowly.stats()
    assert (stats["abandoned"], stats["generated"]) == (1, 0)


async def test_hanging_up_is_noticed_within_a_fifth_of_a_second(served_slowly: Served) -> None:
    noticed = []
    for _ in range(5):
        call = await served_slowly.open_call()
        await eventually(lambda: served_slowly.calls.in_flight == 1)
        call.hang_up()
        before = time.monotonic()
        await eventually(lambda: served_slowly.calls.in_flight == 0)
        noticed.append(time.monotonic() - before)
    assert min(noticed) < 0.2


async def test_a_caller_who_joined_keeps_the_writing_alive(served_slowly: Served) -> None:
    first = await served_slowly.open_call(key="k")
    await eventually(lambda: served_slowly.calls.in_flight == 1)
    second = await served_slowly.open_call(key="k")
    await served_slowly.until("joined", 1)
    first.hang_up()
    third = await served_slowly.open_call(key="k")
    await served_slowly.until("joined", 2)
    assert served_slowly.calls.in_flight == 1
    second.hang_up()
    third.hang_up()
    await eventually(lambda: served_slowly.calls.in_flight == 0)
    assert (await served_slowly.stats())["abandoned"] == 1


async def test_a_repeat_after_everybody_hung_up_starts_anew(served_slowly: Served) -> None:
    first = await served_slowly.open_call(key="k")
    await eventually(lambda: served_slowly.calls.in_flight == 1)
    first.hang_up()
    await served_slowly.until("abandoned", 1)
    second = await served_slowly.open_call(key="k")
    await eventually(lambda: served_slowly.calls.in_flight == 1)
    assert (await served_slowly.stats())["joined"] == 0
    second.hang_up()


async def test_closing_answers_every_open_call_with_a_passing_refusal(served_slowly: Served) -> None:
    calls = [await served_slowly.open_call(key=key) for key in ("a", "b")]
    await eventually(lambda: served_slowly.calls.in_flight == 2)
    await served_slowly.calls.close()
    assert [await call.status() for call in calls] == [503, 503]
    response = await served_slowly.client.post(URL, json={"topic": "late"})
    assert response.status_code == 503
    assert response.json()["retryable"] is True


async def test_a_hanging_call_does_not_keep_the_server_from_ending() -> None:
    async with serving(Settings(rate_hang=1, store_file=None)) as served:
        call = await served.open_call()
        await served.until("failed_on_request", 1)
    assert await call.status() == 503


async def test_what_crashes_is_told_to_its_waiter_and_not_kept() -> None:
    results = Results(None)
    await results.open()
    calls = Calls(results, Counts())
    answer = Answer(content="text", usage=Usage(input_tokens=1, output_tokens=1, cost=0))

    async def crash() -> Answer:
        raise OSError

    async def write() -> Answer:
        return answer

    with pytest.raises(OSError):  # noqa: PT011  nothing is said in it
        await calls.answer("k", "hash", crash)
    assert await calls.answer("k", "hash", write) == answer
    assert calls.in_flight == 0
    await results.close()
