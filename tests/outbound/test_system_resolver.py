"""The machine's resolver: what it answers, and that a slow one holds up neither the loop nor the others."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from outbound.system_resolver import MOST_AT_ONCE, SystemResolver


async def test_a_name_of_this_machine_is_resolved() -> None:
    assert set(await SystemResolver()("localhost", 443)) <= {"127.0.0.1", "::1"}


@pytest.mark.parametrize("host", ["no-such-name.invalid", "a" * 64 + ".example", "a..example"])
async def test_a_name_that_is_none_is_an_os_error(host: str) -> None:
    with pytest.raises(OSError, match=r"."):
        await SystemResolver()(host, 443)


async def test_lookups_that_hang_take_no_more_than_their_places_and_leave_the_loops_threads_free() -> None:
    hanging = threading.Semaphore(0)
    started: list[str] = []

    def lookup(host: str, _: int) -> Sequence[str]:
        started.append(host)
        hanging.acquire()
        return [host]

    resolver = SystemResolver(lookup)
    asking = [asyncio.create_task(resolver(f"{number}.example", 443)) for number in range(MOST_AT_ONCE + 1)]
    assert await asyncio.get_running_loop().run_in_executor(None, lambda: "free") == "free"
    assert not any(task.done() for task in asking)
    assert len(started) == MOST_AT_ONCE
    hanging.release(MOST_AT_ONCE + 1)
    assert await asyncio.gather(*asking) == [[f"{number}.example"] for number in range(MOST_AT_ONCE + 1)]


async def test_a_lookup_that_nobody_waits_for_keeps_its_place_until_it_ends() -> None:
    hanging = threading.Semaphore(0)

    def lookup(host: str, _: int) -> Sequence[str]:
        if host == "slow.example":
            hanging.acquire()
        return [host]

    resolver = SystemResolver(lookup)
    slow = [asyncio.create_task(resolver("slow.example", 443)) for _ in range(MOST_AT_ONCE)]
    await asyncio.sleep(0)
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    next_one = asyncio.create_task(resolver("quick.example", 443))
    await asyncio.sleep(0)
    assert not next_one.done()
    hanging.release(MOST_AT_ONCE)
    assert await next_one == ["quick.example"]


async def test_a_fault_in_a_lookup_is_raised_where_it_is_awaited() -> None:
    def lookup(_: str, __: int) -> Sequence[str]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await SystemResolver(lookup)("a.example", 443)
