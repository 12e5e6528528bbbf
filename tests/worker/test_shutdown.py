"""I8: how a worker is told to stop, and that one that runs nothing does so at once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from datetime import timedelta

import pytest

from jobs.system import System
from tests.support.faulty_store import FaultyStore
from tests.worker.working import LONG, Worker, a_worker
from worker.generator import GeneratorClient
from worker.shutdown import Shutdown

AT_ONCE = timedelta(seconds=5)


def test_the_first_request_asks_and_the_second_is_urgent() -> None:
    shutdown = Shutdown()
    shutdown.ask()
    assert (shutdown.asked.is_set(), shutdown.urgent.is_set()) == (True, False)
    shutdown.ask()
    assert shutdown.urgent.is_set()


def test_an_urgent_request_asks_as_well() -> None:
    shutdown = Shutdown()
    shutdown.ask_urgently()
    assert (shutdown.asked.is_set(), shutdown.urgent.is_set()) == (True, True)


@pytest.fixture
def _handlers_taken_off() -> Iterator[None]:
    """A test of signals must not leave this process deaf to them."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    loop = asyncio.get_event_loop_policy().get_event_loop()
    for number, handler in before.items():
        loop.remove_signal_handler(number)
        signal.signal(number, handler)


@pytest.mark.usefixtures("_handlers_taken_off")
@pytest.mark.parametrize(
    ("first_is_urgent", "sent", "urgent"),
    [
        (False, [signal.SIGTERM], False),
        (False, [signal.SIGTERM, signal.SIGTERM], True),
        (False, [signal.SIGINT], True),
        (True, [signal.SIGTERM], True),
    ],
)
async def test_signals_ask(first_is_urgent: bool, sent: list[signal.Signals], urgent: bool) -> None:
    shutdown = Shutdown()
    shutdown.on_signals(first_is_urgent=first_is_urgent)
    async with asyncio.timeout(5):
        for number in sent:
            os.kill(os.getpid(), number)
            await shutdown.asked.wait()
        if urgent:
            await shutdown.urgent.wait()
    assert shutdown.urgent.is_set() is urgent


async def test_an_idle_worker_ends_at_once(system: System, client: GeneratorClient, faulty: FaultyStore) -> None:
    async with a_worker(system, client, poll=LONG) as worker:
        worker.start()
        await faulty.did("bulk_jobs", "find_one", 1)
        worker.shutdown.ask()
        await worker.ended(within=AT_ONCE)


async def test_a_worker_that_waits_out_an_outage_ends_at_once(
    system: System, client: GeneratorClient, faulty: FaultyStore
) -> None:
    async with a_worker(system, client, poll=LONG) as worker:
        faulty.go_down()
        worker.start()
        await faulty.was_struck(1)
        worker.shutdown.ask()
        await worker.ended(within=AT_ONCE)


async def test_a_loop_whose_cancellation_the_driver_swallows_ends_all_the_same(
    worker: Worker, faulty: FaultyStore
) -> None:
    faulty.swallow_cancellation("bulk_jobs", "find_one")
    worker.start()
    await faulty.did("bulk_jobs", "find_one", 1)
    assert worker.running is not None
    worker.running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await worker.ended(within=AT_ONCE)
    assert worker.running.cancelled()
