"""The worker's loop: what it takes, how much at once, and that it goes on after what goes wrong."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta
from functools import partial
from operator import eq
from typing import NoReturn

import pytest

from jobs.clock import whole_milliseconds
from jobs.documents import BulkId
from jobs.errors import Busy
from jobs.states import BulkStatus, JobStatus
from jobs.storage.store import Document
from jobs.system import System
from tests.support import replies
from tests.support.clock import MovableClock
from tests.support.eventually import eventually
from tests.support.faulty_store import FaultyStore
from tests.support.invariants import assert_at_rest
from tests.support.scripted_generator import ScriptedGenerator
from tests.worker.conftest import Logged, MakeBulk, events
from tests.worker.working import LEASE, LONG, OWNER, Worker, a_worker
from worker.generator import GeneratorClient


async def over(system: System, bulk_id: BulkId) -> Document:
    """The bulk, once it is over and its last slot is free."""

    async def look() -> Document:
        return await system.lookup.bulk(OWNER, bulk_id)

    return await eventually(look, lambda bulk: bulk["completed_at"] is not None and bulk["slots"] == {})


async def stop(worker: Worker) -> None:
    worker.shutdown.ask()
    await worker.ended()


async def test_a_bulk_is_run_to_its_end_in_order_and_one_at_a_time(
    system: System, worker: Worker, generator: ScriptedGenerator, make_bulk: MakeBulk
) -> None:
    bulk_id = await make_bulk(4)
    generator.script(replies.status(422), topic="Topic 2")
    worker.start()
    bulk = await over(system, bulk_id)
    assert (bulk["status"], bulk["completed_items"], bulk["failed_items"]) == (BulkStatus.COMPLETED, 3, 1)
    assert [call.topic for call in generator.calls] == [f"Topic {number}" for number in range(1, 5)]
    assert generator.most_at_once == 1
    await stop(worker)
    await assert_at_rest(system.store)


async def test_no_more_jobs_run_at_once_than_the_worker_has_slots(
    system: System, client: GeneratorClient, generator: ScriptedGenerator, make_bulk: MakeBulk
) -> None:
    held = [replies.success().held() for _ in range(6)]
    generator.script(*held)
    bulk_id = await make_bulk(6, parallelism=6)
    async with a_worker(system, client, slots=2) as worker:
        worker.start()
        for number, reply in enumerate(held, start=1):
            await generator.called(min(number + 1, 6))
            assert len(generator.open_calls) <= 2
            reply.release()
        await over(system, bulk_id)
        assert generator.most_at_once == 2
        await stop(worker)
    await assert_at_rest(system.store)


async def test_two_workers_keep_to_the_cap_of_the_whole_system(
    system: System, client: GeneratorClient, generator: ScriptedGenerator, make_bulk: MakeBulk
) -> None:
    await system.limits.change({"max_running": 1})
    bulk_ids = [await make_bulk(4, parallelism=4), await make_bulk(4, parallelism=4)]
    async with (
        a_worker(system, client, slots=3, worker_id="w1") as first,
        a_worker(system, client, slots=3, worker_id="w2") as second,
    ):
        first.start()
        second.start()
        for bulk_id in bulk_ids:
            assert (await over(system, bulk_id))["completed_items"] == 4
        assert (generator.most_at_once, len(generator.calls)) == (1, 8)
        await stop(first)
        await stop(second)
    await assert_at_rest(system.store)


async def test_a_freed_slot_is_used_without_waiting_for_the_next_poll(
    system: System, client: GeneratorClient, generator: ScriptedGenerator, make_bulk: MakeBulk
) -> None:
    bulk_id = await make_bulk(5)
    async with a_worker(system, client, poll=LONG) as worker:
        worker.start()
        await over(system, bulk_id)
        await stop(worker)


@pytest.fixture
def _clock_runs(clock: MovableClock, monkeypatch: pytest.MonkeyPatch) -> None:
    began, loop = clock.now(), asyncio.get_event_loop()
    since = loop.time()
    monkeypatch.setattr(clock, "now", lambda: whole_milliseconds(began + timedelta(seconds=loop.time() - since)))


@pytest.mark.usefixtures("_clock_runs")
async def test_the_next_job_of_a_parallel_bulk_is_started_after_its_stagger_and_not_at_the_next_poll(
    system: System, client: GeneratorClient, generator: ScriptedGenerator, make_bulk: MakeBulk
) -> None:
    generator.script(*[replies.never()] * 3)
    stagger = timedelta(milliseconds=40)
    await make_bulk(3, parallelism=3, stagger=stagger)
    async with a_worker(system, client, slots=3, poll=LONG) as worker:
        worker.start()
        await generator.called(3)
        starts = [call.started for call in generator.calls]
        assert all(later - earlier > 0.03 for earlier, later in itertools.pairwise(starts))
        worker.shutdown.ask_urgently()
        await worker.ended()


@pytest.mark.usefixtures("_clock_runs")
async def test_who_waits_for_the_rate_looks_again_when_it_is_time_and_not_at_the_next_poll(
    system: System,
    client: GeneratorClient,
    make_bulk: MakeBulk,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("jobs.capacity.scopes.WINDOW", timedelta(milliseconds=50))
    monkeypatch.setattr("jobs.capacity.scopes.MARGIN", timedelta(0))
    await system.limits.change({"requests_per_minute": 1})
    bulk_id = await make_bulk(4)
    async with a_worker(system, client, poll=LONG) as worker:
        worker.start()
        await over(system, bulk_id)
        await stop(worker)


async def test_polling_goes_on_after_a_database_outage(
    system: System,
    worker: Worker,
    make_bulk: MakeBulk,
    faulty: FaultyStore,
    logged: Logged,
) -> None:
    bulk_id = await make_bulk(2)
    faulty.go_down()
    worker.start()
    await faulty.was_struck(2)
    faulty.come_back()
    assert (await over(system, bulk_id))["status"] == BulkStatus.COMPLETED
    assert len(events(logged, "poll_database_away")) >= 2
    await stop(worker)
    await assert_at_rest(system.store)


async def test_an_outage_while_a_job_runs_costs_it_nothing(
    system: System, worker: Worker, generator: ScriptedGenerator, make_bulk: MakeBulk, faulty: FaultyStore
) -> None:
    held = replies.success("worth keeping").held()
    generator.script(held)
    bulk_id = await make_bulk(2)
    worker.start()
    call = await generator.called()
    faulty.go_down()
    await faulty.was_struck(2)
    held.release()
    await generator.answered()
    await faulty.was_struck(4)
    faulty.come_back()
    assert (await over(system, bulk_id))["completed_items"] == 2
    job = await system.store.collection("generation_jobs").find_one({"queue_position": 1})
    assert job is not None
    assert (job["result"], len(job["attempts"]), call.hung_up.is_set()) == ("worth keeping", 1, False)
    assert len(generator.calls) == 2
    await stop(worker)
    await assert_at_rest(system.store)


async def test_a_claim_that_fails_is_tried_again(
    system: System, worker: Worker, make_bulk: MakeBulk, faulty: FaultyStore, logged: Logged
) -> None:
    def busy() -> NoReturn:
        raise Busy("bulk job")

    bulk_id = await make_bulk()
    faulty.before("bulk_jobs", "find_one_and_update", busy)
    worker.start()
    await over(system, bulk_id)
    assert len(events(logged, "claim_failed")) == 1
    await stop(worker)
    await assert_at_rest(system.store)


async def test_a_claim_cut_in_half_is_taken_back_by_the_sweep(
    system: System, worker: Worker, make_bulk: MakeBulk, faulty: FaultyStore, clock: MovableClock
) -> None:
    bulk_id = await make_bulk()
    faulty.break_after("generation_jobs", "find_one_and_update")
    worker.start()
    await faulty.was_struck(1)
    await system.sweep.run()
    clock.move(LEASE * 2)
    assert await system.sweep.run() == 1
    assert (await over(system, bulk_id))["completed_items"] == 1
    await stop(worker)
    await assert_at_rest(system.store)


async def test_a_job_whose_running_crashes_is_left_to_the_sweep_and_the_next_bulk_runs(
    system: System,
    worker: Worker,
    generator: ScriptedGenerator,
    make_bulk: MakeBulk,
    clock: MovableClock,
    logged: Logged,
) -> None:
    broken, whole = await make_bulk(), await make_bulk()
    jobs = system.store.collection("generation_jobs")
    await jobs.update_one({"bulk_job_id": broken}, {"$unset": {"checkpoints": ""}})
    worker.start()
    assert (await over(system, whole))["completed_items"] == 1
    for lost in (1, 2, 3):
        await eventually(lambda: _crashes(logged), partial(eq, lost))
        await system.sweep.run()
        clock.move(LEASE * 2)
        assert await system.sweep.run() == 1
    bulk = await over(system, broken)
    assert bulk["error_summary"] == ["Item 1: worker died 3 times"]
    job = await jobs.find_one({"bulk_job_id": broken})
    assert job is not None
    assert (job["status"], len(generator.calls)) == (JobStatus.FAILED, 1)
    assert [entry["log_level"] for entry in events(logged, "job_crashed")] == ["error"] * 3
    await stop(worker)
    await assert_at_rest(system.store)


async def test_a_job_in_backoff_is_run_again_when_it_is_due(
    system: System, worker: Worker, generator: ScriptedGenerator, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    generator.script(replies.failure(), topic="Topic 1")
    bulk_id = await make_bulk(2)
    worker.start()
    await generator.answered(2)
    await eventually(lambda: _done(system, bulk_id), lambda done: done == 1)
    assert [call.topic for call in generator.calls] == ["Topic 1", "Topic 2"]
    clock.move(timedelta(seconds=7))
    assert (await over(system, bulk_id))["completed_items"] == 2
    await stop(worker)
    await assert_at_rest(system.store)


async def _crashes(logged: Logged) -> int:
    return len(events(logged, "job_crashed"))


async def _done(system: System, bulk_id: BulkId) -> int:
    done: int = (await system.lookup.bulk(OWNER, bulk_id))["completed_items"]
    return done


async def test_a_slot_that_finds_nothing_does_not_put_off_the_start_that_another_waits_for(worker: Worker) -> None:
    worker.loop._poll = LONG
    worker.loop._fill_a_slot_in(timedelta(seconds=1))
    soonest = worker.loop._timer
    worker.loop._fill_a_slot_in(timedelta(0))
    worker.loop._fill_a_slot_in(timedelta(seconds=2))
    assert worker.loop._timer is soonest
    assert soonest is not None
    assert not soonest.cancelled()
    worker.loop._fill_a_slot_in(timedelta(milliseconds=500))
    assert soonest.cancelled()
