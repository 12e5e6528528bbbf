"""I8: what becomes of the jobs of a worker that was told to stop."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from jobs.states import JobStatus
from jobs.storage.store import Document
from jobs.system import System
from tests.support import replies
from tests.support.clock import MovableClock
from tests.support.eventually import eventually
from tests.support.faulty_store import FaultyStore
from tests.support.invariants import assert_at_rest
from tests.support.scripted_generator import ScriptedGenerator
from tests.worker.conftest import Logged, MakeBulk, events, nothing_is_left_of
from tests.worker.working import LEASE, LONG, OWNER, SHORT, Worker, a_worker, claimed
from worker.generator import GeneratorClient
from worker.outcomes import Interruption

AT_ONCE = timedelta(seconds=5)


async def jobs_of(system: System) -> list[Document]:
    return await system.store.collection("generation_jobs").find({}, sort=[("_id", 1)])


async def test_once_asked_the_running_job_ends_and_no_other_begins(
    system: System, client: GeneratorClient, generator: ScriptedGenerator, make_bulk: MakeBulk
) -> None:
    held = replies.success().held()
    generator.script(held)
    await make_bulk(3)
    await make_bulk(3)
    async with a_worker(system, client, slots=1) as worker:
        worker.start()
        await generator.called()
        worker.shutdown.ask()
        held.release()
        await worker.ended(within=AT_ONCE)
    assert len(generator.calls) == 1
    statuses = [(job["status"], len(job["attempts"])) for job in await jobs_of(system)]
    assert sorted(statuses) == [("completed", 1)] + [("queued", 0)] * 5
    await assert_at_rest(system.store)


async def test_a_worker_with_free_slots_takes_no_more_once_asked(
    system: System,
    client: GeneratorClient,
    generator: ScriptedGenerator,
    make_bulk: MakeBulk,
    logged: Logged,
) -> None:
    held = replies.success().held()
    generator.script(held)
    await make_bulk(1)
    async with a_worker(system, client, slots=4) as worker:
        worker.start()
        await generator.called()
        worker.shutdown.ask()
        await eventually(lambda: _drains(logged), lambda drains: drains == 1)
        await make_bulk(4, parallelism=4)
        held.release()
        await worker.ended(within=AT_ONCE)
    assert len(generator.calls) == 1
    await assert_at_rest(system.store)


async def test_a_job_being_claimed_when_asked_is_put_back_as_if_never_taken(
    system: System, worker: Worker, generator: ScriptedGenerator, make_bulk: MakeBulk, faulty: FaultyStore
) -> None:
    await make_bulk(2)
    faulty.after("generation_jobs", "find_one_and_update", worker.shutdown.ask)
    worker.start()
    await worker.ended(within=AT_ONCE)
    assert generator.calls == []
    assert [(job["status"], job["attempts"], job["uncounted_retries"]) for job in await jobs_of(system)] == [
        ("queued", [], 0),
        ("queued", [], 0),
    ]
    await assert_at_rest(system.store)


async def test_a_job_that_cannot_be_put_back_does_not_keep_the_others_from_ending(
    system: System,
    client: GeneratorClient,
    generator: ScriptedGenerator,
    make_bulk: MakeBulk,
    faulty: FaultyStore,
    clock: MovableClock,
    logged: Logged,
) -> None:
    """Shutdown is asked for in the middle of the second claim, and the database is away when that is given back."""
    held = replies.success("worth waiting for").held()
    generator.script(held)
    await make_bulk()

    def asked_and_cut() -> None:
        worker.shutdown.ask()
        faulty.break_before("generation_jobs", "update_one")

    async with a_worker(system, client, slots=2) as worker:
        worker.start()
        await generator.called()
        faulty.after("generation_jobs", "find_one_and_update", asked_and_cut)
        await make_bulk()
        await faulty.was_struck(1)
        held.release()
        await worker.ended(within=AT_ONCE)
    first, second = await jobs_of(system)
    assert (first["status"], first["result"]) == (JobStatus.COMPLETED, "worth waiting for")
    assert (second["status"], len(generator.calls)) == (JobStatus.PROCESSING, 1)
    assert len(events(logged, "put_back_failed")) == 1
    await system.sweep.run()
    clock.move(LEASE * 2)
    assert await system.sweep.run() == 1
    await assert_at_rest(system.store)


async def test_when_the_grace_is_over_the_job_is_put_back_as_it_was_and_its_call_closed(
    system: System, client: GeneratorClient, generator: ScriptedGenerator, make_bulk: MakeBulk
) -> None:
    generator.script(replies.never())
    await make_bulk(2)
    async with a_worker(system, client, grace=SHORT) as worker:
        worker.start()
        call = await generator.called()
        worker.shutdown.ask()
        await worker.ended(within=AT_ONCE)
    await generator.hung_up(call.key)
    job = (await jobs_of(system))[0]
    assert (job["status"], job["retry_count"], job["call_number"]) == (JobStatus.QUEUED, 0, 1)
    assert [(attempt["outcome"], attempt["error"]) for attempt in job["attempts"]] == [
        ("handed_back", "the worker was stopped")
    ]
    await assert_at_rest(system.store)
    async with a_worker(system, client, worker_id="w2") as next_worker:
        next_worker.start()
        repeated = await generator.called(2)
        assert repeated.key == call.key
        next_worker.shutdown.ask()
        await next_worker.ended(within=AT_ONCE)
    await assert_at_rest(system.store)


async def test_a_second_request_ends_the_grace_at_once_for_every_job(
    system: System, client: GeneratorClient, generator: ScriptedGenerator, make_bulk: MakeBulk
) -> None:
    generator.script(*(replies.never() for _ in range(3)))
    await make_bulk(3, parallelism=3)
    async with a_worker(system, client, slots=3, grace=LONG) as worker:
        worker.start()
        await generator.called(3)
        worker.shutdown.ask()
        worker.shutdown.ask()
        await worker.ended(within=AT_ONCE)
    for key in generator.keys:
        await generator.hung_up(key)
    assert [(job["status"], job["retry_count"]) for job in await jobs_of(system)] == [("queued", 0)] * 3
    await assert_at_rest(system.store)


async def test_within_the_grace_a_person_may_still_cancel(
    system: System, worker: Worker, generator: ScriptedGenerator, make_bulk: MakeBulk
) -> None:
    generator.script(replies.never())
    bulk_id = await make_bulk(2)
    worker.start()
    call = await generator.called()
    worker.shutdown.ask()
    await system.controls.cancel(OWNER, bulk_id)
    await generator.hung_up(call.key)
    await worker.ended(within=AT_ONCE)
    assert {job["status"] for job in await jobs_of(system)} == {JobStatus.CANCELLED}
    await assert_at_rest(system.store)


async def test_an_urgent_end_does_not_wait_for_a_database_that_is_away(
    system: System,
    client: GeneratorClient,
    generator: ScriptedGenerator,
    make_bulk: MakeBulk,
    faulty: FaultyStore,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("worker.loop.HAND_BACK_TIME", timedelta(milliseconds=300))
    before = asyncio.all_tasks()
    generator.script(replies.never())
    await make_bulk()
    async with a_worker(system, client) as worker:
        worker.start()
        call = await generator.called()
        faulty.go_down()
        worker.shutdown.ask_urgently()
        await worker.ended(within=AT_ONCE)
        await generator.hung_up(call.key)
    faulty.come_back()
    await system.sweep.run()
    clock.move(LEASE * 2)
    await system.sweep.run()
    await nothing_is_left_of(before)
    assert [job["status"] for job in await jobs_of(system)] == [JobStatus.QUEUED]
    await assert_at_rest(system.store)


async def test_a_job_whose_stop_the_driver_swallows_is_stopped_all_the_same(
    system: System,
    worker: Worker,
    generator: ScriptedGenerator,
    make_bulk: MakeBulk,
    faulty: FaultyStore,
    clock: MovableClock,
) -> None:
    await make_bulk()
    claim = await claimed(system)
    clock.move(LEASE / 3)  # no longer fresh: it looks at its lease before it calls
    faulty.swallow_cancellation("generation_jobs", "update_one")
    running = worker.start_next(claim)
    await faulty.did("generation_jobs", "update_one", 1)
    worker.keeper.interrupt_all(Interruption.SHUTDOWN)
    await running
    assert generator.calls == []
    assert [(job["status"], job["retry_count"]) for job in await jobs_of(system)] == [(JobStatus.QUEUED, 0)]
    await assert_at_rest(system.store)


async def _drains(logged: Logged) -> int:
    return len(events(logged, "draining"))
