"""What upkeep looks for in one read, and what a sweep does without a look."""

from __future__ import annotations

from datetime import timedelta

from jobs.chores import HALF_DONE_AFTER, LOOKED_AT, Chore
from jobs.controls import Pause
from jobs.outcomes import Completed
from jobs.states import JobStatus
from jobs.storage.store import Store
from jobs.sweep import EVERYWHERE_EVERY
from jobs.system import System
from tests.jobs.conftest import LEASE, OWNER, MakeBulk
from tests.jobs.test_adoption import foreign_bulk
from tests.jobs.test_queue import claimed
from tests.support.clock import MovableClock

DONE = Completed("text", {})


async def test_nothing_is_due_where_all_has_ended(system: System, make_bulk: MakeBulk) -> None:
    assert await system.chores.due() == set()
    await make_bulk(1)
    await system.queue.finish(await claimed(system), DONE)
    await system.outbox.relay()
    assert await system.chores.due() == set()


async def test_a_bulk_that_has_something_to_tell_is_looked_at(system: System, make_bulk: MakeBulk) -> None:
    await make_bulk(1)
    await system.queue.finish(await claimed(system), DONE)
    assert await system.chores.due() == {Chore.NOTICES}


async def test_a_bulk_from_which_jobs_may_run_is_looked_at_for_lost_ones(system: System, make_bulk: MakeBulk) -> None:
    await make_bulk(1)
    assert await system.chores.due() == {Chore.SLOTS}


async def test_a_cancelled_bulk_whose_job_still_runs_is_looked_at(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(1)
    await claimed(system)
    await system.controls.cancel(OWNER, bulk_id)
    assert await system.chores.due() == {Chore.SLOTS}


async def test_a_pause_is_due_when_its_time_is_over(system: System, make_bulk: MakeBulk, clock: MovableClock) -> None:
    bulk_id = await make_bulk(1)
    await system.controls.pause(OWNER, bulk_id, Pause(until=clock.now() + timedelta(seconds=9)))
    clock.move(timedelta(seconds=9))
    assert Chore.PAUSES in await system.chores.due()
    assert await system.controls.resume_due() == 1


async def test_a_half_done_control_is_due_after_a_while(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await make_bulk(1)
    intent = {"id": "i", "kind": "cancel", "epoch": 2, "at": clock.now(), "job_ids": []}
    await system.store.collection("bulk_jobs").update_one(
        {"_id": bulk_id},
        {"$set": {"intent": intent, "epoch": 2, "status": "cancelled", "completed_at": clock.now()}},
    )
    assert await system.chores.due() == set()
    clock.move(HALF_DONE_AFTER)
    assert await system.chores.due() == {Chore.INTENTS}


async def test_a_bulk_of_the_application_is_due_for_adoption(system: System) -> None:
    await system.store.collection("bulk_jobs").insert_one(foreign_bulk(1))
    assert await system.chores.due() == {Chore.ADOPTION}


async def test_all_chores_are_due_where_more_bulks_want_some_than_are_looked_at(
    system: System, store: Store, make_bulk: MakeBulk
) -> None:
    bulk = await system.lookup.bulk(OWNER, await make_bulk(1))
    others = [{**bulk, "_id": f"bulk {number}"} for number in range(LOOKED_AT)]
    await store.collection("bulk_jobs").insert_many(others)
    assert await system.chores.due() == set(Chore)


async def test_a_sweep_that_was_told_that_nothing_runs_looks_everywhere_now_and_then(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    await make_bulk(1)
    claim = await claimed(system)
    await system.sweep.run(jobs_may_run=False)
    clock.move(LEASE)
    assert await system.sweep.run(jobs_may_run=False) == 1
    again = await claimed(system)
    clock.move(LEASE)
    assert await system.sweep.run(jobs_may_run=False) == 0
    clock.move(EVERYWHERE_EVERY)
    assert await system.sweep.run(jobs_may_run=False) == 1
    assert again.job_id == claim.job_id


async def test_permits_are_looked_after_where_a_claim_was_refused_for_want_of_one(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    """As a sweep leaves it that died between the job and its permit."""
    await system.sweep.run(jobs_may_run=False)
    clock.move(LEASE)
    await system.sweep.run(jobs_may_run=False)
    await system.limits.change({"max_running": 1})
    await make_bulk(2)
    claim = await claimed(system)
    await system.queue._finish_if_owned(claim, DONE)
    await system.settling.reconcile(claim.bulk_id)
    assert await system.queue.claim("w2") is None
    await system.sweep.run(jobs_may_run=False)
    assert (await claimed(system)).job["queue_position"] == 2


async def test_a_claim_that_was_cut_in_half_does_not_count_as_a_lost_worker(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    """Its slot names no job: nobody has called the generator."""
    await make_bulk(1)
    for _ in range(4):
        await system.sweep.run()
        reserved = await system.queue._writes.reserve("w1", await system.queue._look())
        assert reserved is not None
        assert await system.queue._writes.take(reserved) is not None
        clock.move(LEASE * 2)
        assert await system.sweep.run() == 1
    job = (await claimed(system)).job
    assert (job["status"], job["lost_workers"], job["attempts"]) == (JobStatus.PROCESSING, 0, [])
