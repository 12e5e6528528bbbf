"""The last write of a running job: it arrives, it counts once, and without the lease it changes nothing."""

from __future__ import annotations

import asyncio

import pytest

from jobs.claims import Claim
from jobs.outcomes import Completed
from jobs.pipelines import CONTENT
from jobs.states import BulkStatus, JobStatus
from jobs.system import System
from tests.support import replies
from tests.support.clock import MovableClock
from tests.support.eventually import eventually
from tests.support.faulty_store import FaultyStore
from tests.support.invariants import assert_at_rest
from tests.support.replies import Reply
from tests.support.scripted_generator import ScriptedGenerator
from tests.worker.conftest import Logged, MakeBulk, events
from tests.worker.working import LEASE, OWNER, Worker, a_runner, claimed, in_time
from worker.breaker import Breaker
from worker.generator import GeneratorClient
from worker.keeper import Keeper
from worker.shutdown import Shutdown

ENDS = {
    "completed": (replies.success(), JobStatus.COMPLETED),
    "failed": (replies.status(422), JobStatus.FAILED),
    "retried": (replies.failure(), JobStatus.QUEUED),
}
WRITES = [("generation_jobs", "update_one"), ("bulk_jobs", "update_one")]


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize(("collection", "operation"), WRITES, ids=["job", "settle"])
@pytest.mark.parametrize(("reply", "status"), ENDS.values(), ids=ENDS)
async def test_an_end_that_meets_a_cut_is_stored_in_the_end_and_counted_once(
    system: System,
    worker: Worker,
    generator: ScriptedGenerator,
    make_bulk: MakeBulk,
    faulty: FaultyStore,
    reply: Reply,
    status: JobStatus,
    collection: str,
    operation: str,
    side: str,
) -> None:
    await make_bulk(2)
    held = reply.held()
    generator.script(held)
    claim = await claimed(system)
    running = worker.start_next(claim)
    await generator.called()
    (faulty.break_before if side == "before" else faulty.break_after)(collection, operation)
    held.release()
    await running
    assert faulty.struck == 1
    job = await system.lookup.job(OWNER, claim.job_id)
    assert (job["status"], len(job["attempts"])) == (status, 1)
    await assert_at_rest(system.store)


@pytest.mark.parametrize("side", ["before", "after"])
async def test_a_cut_while_the_last_job_ends_its_bulk_leaves_it_completed(
    system: System,
    worker: Worker,
    generator: ScriptedGenerator,
    make_bulk: MakeBulk,
    faulty: FaultyStore,
    side: str,
) -> None:
    bulk_id = await make_bulk(1)
    held = replies.success().held()
    generator.script(held)
    running = worker.start_next(await claimed(system))
    await generator.called()
    (faulty.break_before if side == "before" else faulty.break_after)("bulk_jobs", "find_one_and_update")
    held.release()
    await running
    assert faulty.struck == 1
    bulk = await system.lookup.bulk(OWNER, bulk_id)
    assert (bulk["status"], bulk["completed_items"]) == (BulkStatus.COMPLETED, 1)
    await assert_at_rest(system.store)


async def test_an_end_is_kept_for_as_long_as_the_database_is_away(
    system: System,
    worker: Worker,
    generator: ScriptedGenerator,
    make_bulk: MakeBulk,
    faulty: FaultyStore,
    logged: Logged,
) -> None:
    await make_bulk(2)
    held = replies.success("kept").held()
    generator.script(held)
    claim = await claimed(system)
    running = worker.start_next(claim)
    await generator.called()
    faulty.go_down()
    held.release()
    await generator.answered()
    await faulty.was_struck(3)
    assert not running.done()
    assert events(logged, "finish_waits_for_database") != []
    faulty.come_back()
    await running
    job = await system.lookup.job(OWNER, claim.job_id)
    assert (job["status"], job["result"], len(generator.calls)) == (JobStatus.COMPLETED, "kept", 1)
    await assert_at_rest(system.store)


async def test_the_last_write_arrives_though_its_task_is_cancelled(
    system: System, worker: Worker, generator: ScriptedGenerator, make_bulk: MakeBulk, faulty: FaultyStore
) -> None:
    await make_bulk(2)
    held = replies.success().held()
    generator.script(held)
    claim = await claimed(system)
    running = worker.start_next(claim)
    await generator.called()
    faulty.before("generation_jobs", "update_one", running.cancel)
    held.release()
    with pytest.raises(asyncio.CancelledError):
        await running
    await eventually(lambda: system.lookup.job(OWNER, claim.job_id), lambda job: job["status"] == JobStatus.COMPLETED)
    await eventually(lambda: system.lookup.bulk(OWNER, claim.bulk_id), lambda bulk: bulk["slots"] == {})
    await assert_at_rest(system.store)


async def test_a_worker_that_lost_its_lease_stops_its_call_says_so_once_and_changes_nothing(
    system: System,
    worker: Worker,
    generator: ScriptedGenerator,
    make_bulk: MakeBulk,
    clock: MovableClock,
    logged: Logged,
) -> None:
    await make_bulk()
    generator.script(replies.never())
    running = worker.start_next(await claimed(system, "stale"))
    call = await generator.called()
    fresh = await reclaimed(system, clock)
    await generator.hung_up(call.key)
    await running
    assert [entry["log_level"] for entry in events(logged, "lease_lost")] == ["warning"]
    assert events(logged, "job_ended") == []
    await system.queue.finish(fresh, Completed("fresh", {}))
    job = await system.lookup.job(OWNER, fresh.job_id)
    assert (job["result"], [attempt["outcome"] for attempt in job["attempts"]]) == ("fresh", ["lost", "completed"])
    await assert_at_rest(system.store)


async def test_a_worker_that_learns_of_its_lost_lease_only_when_it_finishes_changes_nothing_either(
    system: System,
    client: GeneratorClient,
    generator: ScriptedGenerator,
    make_bulk: MakeBulk,
    clock: MovableClock,
    logged: Logged,
) -> None:
    await make_bulk()
    held = replies.success("stale").held()
    generator.script(held)
    blind = Keeper(system.queue, lease=LEASE, look_every=LEASE)  # it never runs
    clients = {CONTENT: client}
    runner = a_runner(system, clients, Breaker(system.generators, clients), blind, Shutdown())
    running = asyncio.create_task(in_time(runner.run(await claimed(system, "stale"))))
    await generator.called()
    fresh = await reclaimed(system, clock)
    held.release()
    await running
    assert len(events(logged, "lease_lost")) == 1
    job = await system.lookup.job(OWNER, fresh.job_id)
    assert (job["status"], job["lease"]["token"], job["result"]) == (JobStatus.PROCESSING, fresh.token, None)
    await system.queue.finish(fresh, Completed("fresh", {}))
    await assert_at_rest(system.store)


async def test_a_lease_lost_before_the_call_costs_no_call(
    system: System,
    worker: Worker,
    generator: ScriptedGenerator,
    make_bulk: MakeBulk,
    clock: MovableClock,
    logged: Logged,
) -> None:
    await make_bulk()
    stale = await claimed(system, "stale")
    fresh = await reclaimed(system, clock)
    await worker.runner.run(stale)
    assert generator.calls == []
    assert len(events(logged, "lease_lost")) == 1
    await system.queue.finish(fresh, Completed("fresh", {}))
    await assert_at_rest(system.store)


async def reclaimed(system: System, clock: MovableClock) -> Claim:
    """The lease runs out, a sweep that has waited long enough puts the job back, and another worker takes it."""
    await system.sweep.run()
    clock.move(LEASE * 2)
    assert await system.sweep.run() == 1
    return await claimed(system, "fresh")
