"""Pause, resume, cancel, retry: what holds once they have answered, and what is finished for them if they die."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from jobs.controls import Pause, PauseMode
from jobs.documents import BulkId, Wish
from jobs.errors import MoveRefused, NotFound
from jobs.intents import Intent
from jobs.outcomes import Cancelled, Completed, Failed, HandedBack, Retry
from jobs.states import BulkStatus, JobStatus
from jobs.storage.store import Document
from jobs.system import System
from tests.jobs.conftest import OWNER, MakeBulk
from tests.jobs.test_queue import claimed
from tests.support.clock import MovableClock
from tests.support.invariants import assert_at_rest

DONE = Completed("text", {})
FAILED = Failed("no", definite=True)


async def jobs_of(system: System, bulk_id: BulkId) -> list[Document]:
    jobs = system.store.collection("generation_jobs")
    return await jobs.find({"bulk_job_id": bulk_id}, sort=[("queue_position", 1)])


async def statuses(system: System, bulk_id: BulkId) -> list[str]:
    return [job["status"] for job in await jobs_of(system, bulk_id)]


async def test_no_job_starts_while_a_bulk_is_paused_and_resume_goes_on(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(3)
    running = await claimed(system)
    answer = await system.controls.pause(OWNER, bulk_id, Pause(reason="lunch"))
    assert list(answer.running) == [running.job_id]
    await system.queue.finish(running, DONE)
    assert await system.queue.claim("w1") is None
    resumed = await system.controls.resume(OWNER, bulk_id)
    assert (resumed.bulk["status"], resumed.bulk["pause"]) == (BulkStatus.PROCESSING, None)
    assert (await claimed(system)).job["queue_position"] == 2


async def test_a_bulk_that_never_started_is_queued_again_on_resume(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(1)
    await system.controls.pause(OWNER, bulk_id, Pause())
    assert (await system.controls.resume(OWNER, bulk_id)).bulk["status"] == BulkStatus.QUEUED


async def test_once_pause_has_answered_only_the_jobs_it_named_are_running(system: System, make_bulk: MakeBulk) -> None:
    for _ in range(25):
        bulk_id = await make_bulk(6, parallelism=3)
        claims = [asyncio.create_task(system.queue.claim(f"w{number}")) for number in range(4)]
        answer = await system.controls.pause(OWNER, bulk_id, Pause())
        named = set(answer.running)
        started = [claim for claim in await asyncio.gather(*claims) if claim is not None]
        assert {claim.job_id for claim in started} <= named
        assert await system.queue.claim("late") is None
        for claim in started:
            await system.queue.finish(claim, DONE)
        await system.controls.cancel(OWNER, bulk_id)
    await assert_at_rest(system.store)


async def test_once_cancel_has_answered_only_the_jobs_it_named_are_running(system: System, make_bulk: MakeBulk) -> None:
    for _ in range(25):
        bulk_id = await make_bulk(6, parallelism=3)
        claims = [asyncio.create_task(system.queue.claim(f"w{number}")) for number in range(4)]
        answer = await system.controls.cancel(OWNER, bulk_id)
        started = [claim for claim in await asyncio.gather(*claims) if claim is not None]
        assert {claim.job_id for claim in started} <= set(answer.running)
        for claim in started:
            assert (await system.queue.controls([claim]))[claim.token].wish is Wish.CANCEL
            await system.queue.finish(claim, Cancelled())
        assert set(await statuses(system, bulk_id)) == {"cancelled"}
    await assert_at_rest(system.store)


async def test_cancel_ends_the_bulk_at_once_and_its_running_job_when_it_stops(
    system: System, make_bulk: MakeBulk
) -> None:
    bulk_id = await make_bulk(3)
    running = await claimed(system)
    cancelled = (await system.controls.cancel(OWNER, bulk_id)).bulk
    assert cancelled["status"] == BulkStatus.CANCELLED
    assert cancelled["completed_at"] is not None
    assert await statuses(system, bulk_id) == ["processing", "cancelled", "cancelled"]
    await system.queue.finish(running, HandedBack("shutdown"))  # what it would say if it has not heard of the wish
    assert await statuses(system, bulk_id) == ["cancelled"] * 3
    assert (await system.lookup.bulk(OWNER, bulk_id))["cancelled_items"] == 3
    await assert_at_rest(system.store)


async def test_abort_wishes_running_jobs_back_without_an_attempt_lost(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(2)
    running = await claimed(system)
    answer = await system.controls.pause(OWNER, bulk_id, Pause(mode=PauseMode.ABORT))
    assert list(answer.running) == [running.job_id]
    assert (await system.queue.controls([running]))[running.token].wish is Wish.ABORT
    await system.queue.finish(running, HandedBack("paused"))
    await system.controls.resume(OWNER, bulk_id)
    again = await claimed(system)
    assert (again.job_id, again.job["retry_count"], again.job["wish"]) == (running.job_id, 0, None)


async def test_the_last_job_ending_while_paused_completes_the_bulk(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(1)
    running = await claimed(system)
    await system.controls.pause(OWNER, bulk_id, Pause())
    await system.queue.finish(running, DONE)
    assert (await system.lookup.bulk(OWNER, bulk_id))["status"] == BulkStatus.COMPLETED
    await assert_at_rest(system.store)


async def test_a_pause_until_a_moment_is_resumed_by_upkeep(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await make_bulk(1)
    await system.controls.pause(OWNER, bulk_id, Pause(until=clock.now() + timedelta(minutes=5)))
    assert await system.controls.resume_due() == 0
    clock.move(timedelta(minutes=5))
    assert await system.controls.resume_due() == 1
    assert (await system.lookup.bulk(OWNER, bulk_id))["status"] == BulkStatus.QUEUED


async def test_moves_that_the_table_does_not_know_are_refused(system: System, make_bulk: MakeBulk) -> None:
    done, cancelled = await make_bulk(1), await make_bulk(1)
    await system.queue.finish(await claimed(system), DONE)
    await system.controls.cancel(OWNER, cancelled)
    with pytest.raises(MoveRefused, match="completed cannot be cancelled"):
        await system.controls.cancel(OWNER, done)
    with pytest.raises(MoveRefused, match="completed cannot be paused"):
        await system.controls.pause(OWNER, done, Pause())
    with pytest.raises(MoveRefused, match="cancelled cannot be resumed"):
        await system.controls.resume(OWNER, cancelled)
    with pytest.raises(MoveRefused, match="completed cannot be sent back"):
        await system.controls.retry_job(OWNER, (await jobs_of(system, done))[0]["_id"])
    assert (await system.controls.cancel(OWNER, cancelled)).running == []


async def test_somebody_elses_bulk_and_job_do_not_exist(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(1)
    job_id = (await jobs_of(system, bulk_id))[0]["_id"]
    for control in (
        system.controls.pause("other", bulk_id, Pause()),
        system.controls.resume("other", bulk_id),
        system.controls.cancel("other", bulk_id),
        system.controls.retry("other", bulk_id),
        system.controls.change("other", bulk_id, {"name": "mine"}),
        system.controls.cancel_job("other", job_id),
        system.controls.retry_job("other", job_id),
    ):
        with pytest.raises(NotFound):
            await control
    assert (await system.lookup.bulk(OWNER, bulk_id))["status"] == BulkStatus.QUEUED


async def test_retry_sends_failed_jobs_back_as_the_next_generation(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(3)
    for outcome in (FAILED, DONE, FAILED):
        await system.queue.finish(await claimed(system), outcome)
    _, retried = await system.controls.retry(OWNER, bulk_id)
    assert retried == 2
    assert await statuses(system, bulk_id) == ["queued", "completed", "queued"]
    again = await system.lookup.bulk(OWNER, bulk_id)
    assert (again["status"], again["generation"], again["completed_at"]) == (BulkStatus.PROCESSING, 2, None)
    assert (again["failed_items"], again["error_summary"], again["remaining_items"]) == (0, [], 2)
    first = await claimed(system)
    assert (first.job["queue_position"], first.job["call_number"], first.job["retry_count"]) == (1, 3, 0)
    await system.queue.finish(first, DONE)
    await system.queue.finish(await claimed(system), DONE)
    assert (await system.lookup.bulk(OWNER, bulk_id))["status"] == BulkStatus.COMPLETED
    await assert_at_rest(system.store)


async def test_two_retries_at_once_send_each_job_back_once(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(2)
    for _ in range(2):
        await system.queue.finish(await claimed(system), FAILED)
    answers = await asyncio.gather(*(system.controls.retry(OWNER, bulk_id) for _ in range(4)))
    assert sorted(retried for _, retried in answers) == [0, 0, 0, 2]
    assert {job["call_number"] for job in await jobs_of(system, bulk_id)} == {3}
    assert (await system.lookup.bulk(OWNER, bulk_id))["generation"] == 2


async def test_retry_of_a_bulk_without_failures_changes_nothing(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(1)
    await system.queue.finish(await claimed(system), DONE)
    before = await system.lookup.bulk(OWNER, bulk_id)
    assert (await system.controls.retry(OWNER, bulk_id))[1] == 0
    assert await system.lookup.bulk(OWNER, bulk_id) == before


async def test_retry_of_a_cancelled_bulk_runs_its_failed_jobs_only(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(3)
    await system.queue.finish(await claimed(system), FAILED)
    await system.controls.cancel(OWNER, bulk_id)
    assert (await system.controls.retry(OWNER, bulk_id))[1] == 1
    assert await statuses(system, bulk_id) == ["queued", "cancelled", "cancelled"]
    await system.queue.finish(await claimed(system), DONE)
    bulk = await system.lookup.bulk(OWNER, bulk_id)
    assert (bulk["status"], bulk["cancelled_items"]) == (BulkStatus.COMPLETED, 2)
    await assert_at_rest(system.store)


async def test_a_waiting_job_is_cancelled_at_once_and_can_be_sent_back(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(2)
    second = (await jobs_of(system, bulk_id))[1]["_id"]
    assert (await system.controls.cancel_job(OWNER, second))["status"] == JobStatus.CANCELLED
    assert (await system.lookup.bulk(OWNER, bulk_id))["cancelled_items"] == 1
    assert (await system.controls.cancel_job(OWNER, second))["status"] == JobStatus.CANCELLED
    assert (await system.controls.retry_job(OWNER, second))["status"] == JobStatus.QUEUED
    assert (await system.lookup.bulk(OWNER, bulk_id))["cancelled_items"] == 0
    await assert_at_rest(system.store)


async def test_a_running_job_is_cancelled_by_its_owner(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(2)
    running = await claimed(system)
    assert (await system.controls.cancel_job(OWNER, running.job_id))["status"] == JobStatus.PROCESSING
    assert (await system.queue.controls([running]))[running.token].wish is Wish.CANCEL
    retry = Retry("later", timedelta(0), counted=True, definite=False)
    assert await system.queue.finish(running, retry) is JobStatus.CANCELLED
    assert (await claimed(system)).job["queue_position"] == 2
    assert (await system.lookup.bulk(OWNER, bulk_id))["cancelled_items"] == 1


async def test_cancelling_every_job_of_a_bulk_ends_it(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(2)
    for job in await jobs_of(system, bulk_id):
        await system.controls.cancel_job(OWNER, job["_id"])
    assert (await system.lookup.bulk(OWNER, bulk_id))["status"] == BulkStatus.CANCELLED
    await assert_at_rest(system.store)


async def test_the_sweep_cancels_a_job_whose_owner_died_with_the_wish_unheard(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await make_bulk(2)
    await claimed(system)
    await system.controls.cancel(OWNER, bulk_id)
    await system.sweep.run()
    clock.move(timedelta(seconds=31))
    assert await system.sweep.run() == 1
    assert await statuses(system, bulk_id) == ["cancelled", "cancelled"]
    await assert_at_rest(system.store)


@pytest.mark.parametrize("kind", [Intent.CANCEL, Intent.RETRY, Intent.CANCEL_JOBS])
async def test_a_control_whose_process_died_is_carried_out_by_upkeep(
    system: System, make_bulk: MakeBulk, clock: MovableClock, kind: Intent
) -> None:
    bulk_id = await make_bulk(3)
    await system.queue.finish(await claimed(system), FAILED)
    jobs = await jobs_of(system, bulk_id)
    bulk = await system.lookup.bulk(OWNER, bulk_id)
    touched = {Intent.RETRY: [jobs[0]["_id"]], Intent.CANCEL_JOBS: [jobs[1]["_id"]], Intent.CANCEL: []}[kind]
    status = BulkStatus.CANCELLED if kind is Intent.CANCEL else BulkStatus.PROCESSING
    intent = {"id": "x", "kind": kind.value, "epoch": bulk["epoch"] + 1, "at": clock.now(), "job_ids": touched}
    await system.store.collection("bulk_jobs").update_one(
        {"_id": bulk_id},
        {"$set": {"intent": intent, "epoch": bulk["epoch"] + 1, "status": status.value}, "$inc": {"rev": 1}},
    )
    assert await system.queue.claim("w1") is None
    clock.move(timedelta(seconds=10))
    assert await system.intents.finish_half_done(timedelta(seconds=5)) == 1
    assert (
        await statuses(system, bulk_id)
        == {
            Intent.CANCEL: ["failed", "cancelled", "cancelled"],
            Intent.RETRY: ["queued", "queued", "queued"],
            Intent.CANCEL_JOBS: ["failed", "cancelled", "queued"],
        }[kind]
    )
    after = await system.lookup.bulk(OWNER, bulk_id)
    assert after["intent"] is None
