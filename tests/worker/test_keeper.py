"""Keeping leases and hearing wishes: what interrupts a running job, and what must not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest

from jobs.claims import Claim
from jobs.controls import Pause, PauseMode
from jobs.outcomes import HandedBack
from jobs.system import System
from tests.support.clock import MovableClock
from tests.support.eventually import eventually
from tests.support.faulty_store import FaultyStore
from tests.support.invariants import assert_at_rest
from tests.worker.conftest import Logged, MakeBulk, events
from tests.worker.working import LEASE, OWNER, PATIENCE_SECONDS, SHORT, claimed
from worker.keeper import MAX_RUNNING_TIME, Keeper, Running
from worker.outcomes import Interruption

NEVER_RENEWING = timedelta(hours=1)


@asynccontextmanager
async def kept(
    system: System, *claims: Claim, lease: timedelta = NEVER_RENEWING, look_every: timedelta = SHORT, age: float = 0.0
) -> AsyncIterator[list[Running]]:
    """A running keeper, and under it a job for each claim that has begun `age` seconds ago and never ends by itself."""
    keeper = Keeper(system.queue, lease=lease, look_every=look_every)
    started = asyncio.get_running_loop().time() - age
    runnings = [Running(claim, started, asyncio.create_task(_endless(), name="work")) for claim in claims]
    keeping = asyncio.create_task(keeper.run(), name="keeper")
    async with asyncio.TaskGroup() as works:
        for running in runnings:
            works.create_task(_watched(keeper, running))
        await asyncio.sleep(0)
        yield runnings
        assert not keeping.done(), "the keeper died"
        for running in runnings:
            running.interrupt(Interruption.SHUTDOWN)
    keeping.cancel()
    await asyncio.wait([keeping], timeout=PATIENCE_SECONDS)


async def interruption_of(running: Running) -> Interruption | None:
    assert running.work is not None
    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.wait([running.work])
    return running.interruption


async def lease_end(system: System, claim: Claim) -> datetime:
    end: datetime = (await system.lookup.job(OWNER, claim.job_id))["lease"]["until"]
    return end


async def test_a_wish_to_cancel_interrupts_the_job_it_is_for_and_no_other(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    await make_bulk(2, parallelism=2)
    claims = [await claimed(system), await claimed(system)]
    async with kept(system, *claims) as (first, second):
        await system.controls.cancel_job(OWNER, claims[1].job_id)
        assert await interruption_of(second) is Interruption.CANCEL
        assert first.interruption is None


async def test_a_pause_with_abort_interrupts_and_one_that_lets_finish_does_not(
    system: System, make_bulk: MakeBulk, faulty: FaultyStore
) -> None:
    bulk_id = await make_bulk()
    async with kept(system, await claimed(system)) as (running,):
        await system.controls.pause(OWNER, bulk_id, Pause(PauseMode.FINISH))
        await faulty.did("generation_jobs", "find", faulty.done["generation_jobs", "find"] + 3)
        assert running.interruption is None
        await system.controls.pause(OWNER, bulk_id, Pause(PauseMode.ABORT))
        assert await interruption_of(running) is Interruption.ABORT


async def test_a_wish_is_heard_however_rarely_the_worker_polls(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk()
    async with kept(system, await claimed(system), look_every=timedelta(minutes=1)) as (running,):
        await system.controls.cancel(OWNER, bulk_id)
        assert await interruption_of(running) is Interruption.CANCEL


async def test_renewals_keep_a_lease_alive_and_no_other(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    await make_bulk(2, parallelism=2)
    ours, theirs = await claimed(system), await claimed(system, "another")
    await system.sweep.run()
    async with kept(system, ours, lease=SHORT * 3) as (running,):
        for _ in range(4):
            clock.move(LEASE / 2)
            await eventually(lambda: lease_end(system, ours), lambda end: end == clock.now() + LEASE)
        assert await system.sweep.run() == 1
        assert running.interruption is None
    assert (await system.lookup.job(OWNER, theirs.job_id))["attempts"][0]["outcome"] == "lost"


async def test_even_the_shortest_lease_is_renewed_before_it_ends(system: System) -> None:
    lease = timedelta(seconds=1)
    assert Keeper(system.queue, lease=lease, look_every=lease)._look_every <= 0.5


async def test_a_database_outage_interrupts_nothing_and_a_late_renewal_succeeds(
    system: System, make_bulk: MakeBulk, clock: MovableClock, faulty: FaultyStore, logged: Logged
) -> None:
    await make_bulk()
    claim = await claimed(system)
    await system.sweep.run()
    async with kept(system, claim, lease=SHORT * 3) as (running,):
        faulty.go_down()
        clock.move(LEASE * 3)
        await faulty.was_struck(5)
        assert running.interruption is None
        faulty.come_back()
        await eventually(lambda: lease_end(system, claim), lambda end: end == clock.now() + LEASE)
        assert await system.sweep.run() == 0
        assert running.interruption is None
    assert {entry["log_level"] for entry in events(logged, "keeper_database_away")} == {"warning"}
    await system.queue.finish(claim, HandedBack("the end of the test"))
    await assert_at_rest(system.store)


async def test_a_lost_lease_stops_the_work(system: System, make_bulk: MakeBulk, clock: MovableClock) -> None:
    await make_bulk()
    claim = await claimed(system)
    await system.sweep.run()
    async with kept(system, claim) as (running,):
        clock.move(LEASE * 2)
        assert await system.sweep.run() == 1
        assert await interruption_of(running) is Interruption.LEASE_LOST


async def test_a_job_that_was_deleted_under_its_worker_is_a_lost_one(system: System, make_bulk: MakeBulk) -> None:
    await make_bulk()
    claim = await claimed(system)
    async with kept(system, claim) as (running,):
        await system.store.collection("generation_jobs").delete_one({"_id": claim.job_id})
        assert await interruption_of(running) is Interruption.LEASE_LOST


async def test_a_job_may_run_for_half_an_hour(system: System, make_bulk: MakeBulk, faulty: FaultyStore) -> None:
    assert timedelta(minutes=30) == MAX_RUNNING_TIME
    await make_bulk()
    claim = await claimed(system)
    async with kept(system, claim, age=29 * 60) as (running,):
        await faulty.did("generation_jobs", "find", faulty.done["generation_jobs", "find"] + 3)
        assert running.interruption is None
    async with kept(system, claim, age=31 * 60) as (running,):
        assert await interruption_of(running) is Interruption.TOO_LONG


async def test_a_keeper_whose_cancellation_the_driver_swallows_ends_all_the_same(
    system: System, make_bulk: MakeBulk, faulty: FaultyStore
) -> None:
    await make_bulk()
    keeper = Keeper(system.queue, lease=NEVER_RENEWING, look_every=SHORT)
    with keeper.watching(Running(await claimed(system), started=asyncio.get_running_loop().time())):
        faulty.swallow_cancellation("generation_jobs", "find")
        keeping = asyncio.create_task(keeper.run(), name="keeper")
        await faulty.did("generation_jobs", "find", 1)
        keeping.cancel()
        async with asyncio.timeout(5):
            await asyncio.wait([keeping])
    assert keeping.cancelled()


@pytest.mark.parametrize(
    ("reasons", "stands"),
    [
        ([Interruption.ABORT, Interruption.SHUTDOWN], Interruption.ABORT),
        ([Interruption.SHUTDOWN, Interruption.CANCEL], Interruption.SHUTDOWN),
        ([Interruption.SHUTDOWN, Interruption.LEASE_LOST], Interruption.LEASE_LOST),
        ([Interruption.LEASE_LOST, Interruption.SHUTDOWN], Interruption.LEASE_LOST),
    ],
)
async def test_the_first_reason_stands_but_for_a_lost_lease(
    system: System, make_bulk: MakeBulk, reasons: list[Interruption], stands: Interruption
) -> None:
    await make_bulk()
    running = Running(await claimed(system), started=0)
    for reason in reasons:
        running.interrupt(reason)
    assert running.interruption is stands


async def _endless() -> None:
    await asyncio.Event().wait()


async def _watched(keeper: Keeper, running: Running) -> None:
    assert running.work is not None
    with keeper.watching(running):
        await asyncio.wait([running.work])
