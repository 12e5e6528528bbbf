"""Claiming, keeping and ending jobs: order, fencing, counting."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from jobs.claims import Claim
from jobs.leases import LeaseLost
from jobs.outcomes import Cancelled, Completed, Failed, HandedBack, Retry, Unclaimed
from jobs.states import BulkStatus, JobStatus
from jobs.system import System
from tests.jobs.conftest import LEASE, OWNER, MakeBulk
from tests.support.clock import MovableClock
from tests.support.invariants import assert_at_rest, assert_counted

DONE = Completed("text", {})


async def claimed(system: System, worker: str = "w1") -> Claim:
    claim = await system.queue.claim(worker)
    assert claim is not None
    return claim


async def test_first_starts_are_in_queue_order(system: System, make_bulk: MakeBulk) -> None:
    await make_bulk(5)
    positions = []
    while (claim := await system.queue.claim("w1")) is not None:
        positions.append(claim.job["queue_position"])
        await system.queue.finish(claim, DONE)
    assert positions == [1, 2, 3, 4, 5]
    await assert_at_rest(system.store)


async def test_order_holds_beyond_the_take_window(system: System, make_bulk: MakeBulk) -> None:
    await make_bulk(450)
    await system.store.collection("generation_jobs").update_many(
        {"queue_position": {"$lt": 430}}, {"$set": {"status": "cancelled"}}
    )
    assert (await claimed(system)).job["queue_position"] == 430


async def test_a_bulk_runs_no_more_at_once_than_its_parallelism(system: System, make_bulk: MakeBulk) -> None:
    await make_bulk(5, parallelism=2)
    first, second = await claimed(system, "w1"), await claimed(system, "w2")
    assert await system.queue.claim("w3") is None
    assert (first.job["queue_position"], second.job["queue_position"]) == (1, 2)
    await system.queue.finish(first, DONE)
    assert (await claimed(system, "w3")).job["queue_position"] == 3


async def test_racing_claims_take_each_job_once(system: System, make_bulk: MakeBulk) -> None:
    for _ in range(4):
        await make_bulk(3, parallelism=3)
    claims = await asyncio.gather(*(system.queue.claim(f"w{number}") for number in range(20)))
    jobs = [claim.job_id for claim in claims if claim is not None]
    assert len(jobs) == len(set(jobs))
    while (claim := await system.queue.claim("w")) is not None:
        jobs.append(claim.job_id)
    assert len(jobs) == len(set(jobs)) == 12


async def test_the_last_job_completes_the_bulk(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(2)
    for _ in range(2):
        await system.queue.finish(await claimed(system), DONE)
    bulk = await system.lookup.bulk(OWNER, bulk_id)
    assert bulk["status"] == BulkStatus.COMPLETED
    assert bulk["completed_at"] is not None
    assert bulk["started_at"] is not None
    await assert_at_rest(system.store)


async def test_a_failed_job_does_not_stop_its_bulk_and_is_summed_up(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(3)
    await system.queue.finish(await claimed(system), Failed("no such luck", definite=True))
    await system.queue.finish(await claimed(system), DONE)
    await system.queue.finish(await claimed(system), Failed("again", definite=True))
    bulk = await system.lookup.bulk(OWNER, bulk_id)
    assert bulk["status"] == BulkStatus.COMPLETED
    assert bulk["error_summary"] == ["Item 1: no such luck", "Item 3: again"]
    await assert_at_rest(system.store)


async def test_a_job_in_backoff_is_passed_over_and_taken_last(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    await make_bulk(3)
    await system.queue.finish(await claimed(system), Retry("later", timedelta(seconds=5), counted=True, definite=True))
    second = await claimed(system)
    assert second.job["queue_position"] == 2
    clock.move(timedelta(seconds=6))
    await system.queue.finish(second, DONE)
    third = await claimed(system)
    assert third.job["queue_position"] == 3
    await system.queue.finish(third, DONE)
    again = await claimed(system)
    assert (again.job["queue_position"], again.job["retry_count"], again.job["call_number"]) == (1, 1, 2)


async def test_a_bulk_that_only_waits_for_a_backoff_is_claimed_when_it_is_due(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    await make_bulk(1)
    await system.queue.finish(await claimed(system), Retry("later", timedelta(seconds=5), counted=True, definite=True))
    assert await system.queue.claim("w1") is None
    assert not await system.queue.has_work()
    clock.move(timedelta(seconds=5))
    assert await system.queue.has_work()
    assert (await claimed(system)).job["queue_position"] == 1


async def test_a_handed_back_job_keeps_its_place_its_retries_and_its_key(system: System, make_bulk: MakeBulk) -> None:
    await make_bulk(3)
    await system.queue.finish(await claimed(system), HandedBack("shutdown"))
    again = await claimed(system)
    assert (again.job["queue_position"], again.job["retry_count"], again.job["call_number"]) == (1, 0, 1)


async def test_the_delay_is_waited_after_an_end_but_not_after_a_hand_back(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    await make_bulk(3, delay=timedelta(seconds=5))
    await system.queue.finish(await claimed(system), HandedBack("shutdown"))
    await system.queue.finish(await claimed(system), DONE)
    assert await system.queue.claim("w1") is None
    clock.move(timedelta(seconds=5))
    await claimed(system)


async def test_a_stale_worker_cannot_finish_a_reclaimed_job(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await make_bulk(1)
    stale = await claimed(system, "stale")
    await reclaim(system, clock)
    fresh = await claimed(system, "fresh")
    with pytest.raises(LeaseLost):
        await system.queue.finish(stale, Completed("stale", {}))
    with pytest.raises(LeaseLost):
        await system.checkpoints.look(stale, clock.now() - LEASE)
    await system.queue.renew([stale])
    assert not (await system.queue.controls([stale]))[stale.token].owned
    await system.queue.finish(fresh, Completed("fresh", {}))
    assert (await system.lookup.job(OWNER, fresh.job_id))["result"] == "fresh"
    assert (await system.lookup.bulk(OWNER, bulk_id))["completed_items"] == 1
    await assert_at_rest(system.store)


async def test_a_late_renewal_succeeds_while_nobody_has_taken_the_job(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    await make_bulk(1)
    late = await claimed(system)
    await system.sweep.run()
    clock.move(LEASE * 3)
    await system.queue.renew([late])
    assert await system.sweep.run() == 0
    await system.queue.finish(late, DONE)
    await assert_at_rest(system.store)


@pytest.mark.parametrize(
    "outcome",
    [DONE, Failed("no", definite=True), Retry("later", timedelta(0), counted=True, definite=True), HandedBack("stop")],
    ids=lambda outcome: type(outcome).__name__,
)
async def test_repeating_ones_own_finish_after_a_lost_answer_is_success(
    system: System, make_bulk: MakeBulk, outcome: Completed | Failed | Retry | HandedBack
) -> None:
    bulk_id = await make_bulk(2)
    claim = await claimed(system)
    first = await system.queue.finish(claim, outcome)
    assert await system.queue.finish(claim, outcome) is first
    bulk = await system.lookup.bulk(OWNER, bulk_id)
    jobs = await system.store.collection("generation_jobs").find({"bulk_job_id": bulk_id})
    assert_counted(bulk, jobs)
    assert [len(job["attempts"]) for job in jobs if job["_id"] == claim.job_id] == [1]


async def test_a_repeated_finish_does_not_count_what_a_later_claim_made_of_the_job(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await make_bulk(2, parallelism=2)
    early = await claimed(system)
    retry = Retry("later", timedelta(0), counted=True, definite=True)
    await system.queue._finish_if_owned(early, retry)  # and dies before it settles
    second = await claimed(system)
    await system.queue.finish(second, DONE)
    again = await claimed(system)
    assert again.job_id == early.job_id
    assert await system.queue.finish(early, retry) is JobStatus.QUEUED
    await system.queue.finish(again, DONE)
    bulk = await system.lookup.bulk(OWNER, bulk_id)
    assert (bulk["completed_items"], bulk["status"]) == (2, BulkStatus.COMPLETED)
    await assert_at_rest(system.store)


async def test_the_third_lost_worker_fails_the_job(system: System, make_bulk: MakeBulk, clock: MovableClock) -> None:
    bulk_id = await make_bulk(1)
    for _ in range(3):
        claim = await claimed(system)
        assert claim.job["call_number"] == 1
        await reclaim(system, clock)
    job = await system.lookup.job(OWNER, claim.job_id)
    assert (job["status"], job["error"]) == (JobStatus.FAILED, "worker died 3 times")
    assert [attempt["outcome"] for attempt in job["attempts"]] == ["lost", "lost", "lost"]
    assert (await system.lookup.bulk(OWNER, bulk_id))["failed_items"] == 1
    await assert_at_rest(system.store)


async def test_a_sweep_judges_nobody_within_a_lease_of_its_start_or_of_an_outage(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    await make_bulk(1)
    await claimed(system)
    clock.move(LEASE * 2)
    assert await system.sweep.run() == 0
    clock.move(LEASE / 2)
    system.sweep.outage()
    clock.move(LEASE / 2)
    assert await system.sweep.run() == 0
    clock.move(LEASE)
    assert await system.sweep.run() == 1


async def test_an_unclaimed_job_leaves_no_trace(system: System, make_bulk: MakeBulk) -> None:
    await make_bulk(1)
    claim = await claimed(system)
    assert await system.queue.finish(claim, Unclaimed()) is JobStatus.QUEUED
    job = await system.lookup.job(OWNER, claim.job_id)
    assert (job["attempts"], job["started_at"], job["uncounted_retries"]) == ([], None, 0)
    await assert_at_rest(system.store)


async def test_a_cancelled_running_ends_cancelled(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(2)
    await system.queue.finish(await claimed(system), Cancelled())
    bulk = await system.lookup.bulk(OWNER, bulk_id)
    assert (bulk["cancelled_items"], bulk["remaining_items"]) == (1, 1)
    await assert_at_rest(system.store)


async def reclaim(system: System, clock: MovableClock) -> None:
    """Time passes, and a sweep that has waited long enough takes the job back."""
    await system.sweep.run()
    clock.move(LEASE + timedelta(seconds=1))
    assert await system.sweep.run() == 1
