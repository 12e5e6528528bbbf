"""Running one claimed job over a real store: its result, its failures, what a generator may not do to it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from jobs.controls import Pause, PauseMode
from jobs.documents import BulkRequest
from jobs.pipelines import PLAIN
from jobs.states import BulkStatus, JobStatus
from jobs.system import System
from tests.support import replies
from tests.support.clock import MovableClock
from tests.support.faulty_store import FaultyStore
from tests.support.invariants import assert_at_rest
from tests.support.scripted_generator import ScriptedGenerator
from tests.worker.conftest import Logged, MakeBulk, events
from tests.worker.working import BACKOFF, LEASE, OWNER, Worker, claimed


async def test_a_job_completes_and_keeps_the_result_and_the_usage(
    system: System, worker: Worker, generator: ScriptedGenerator, make_bulk: MakeBulk
) -> None:
    bulk_id = await make_bulk(2)
    generator.script(replies.success({"title": "Plants"}, {"input_tokens": 10, "output_tokens": 20, "cost": 0.5}))
    job = await worker.run_next()
    assert (job["status"], job["result"], job["error"]) == (JobStatus.COMPLETED, {"title": "Plants"}, None)
    usage = {"input_tokens": 10, "output_tokens": 20, "cost": 0.5}
    [stage] = job["result_meta"].pop("stages")
    assert job["result_meta"] == {"usage": usage, "pipeline": "plain"}
    assert stage.pop("duration_ms") >= 0
    told = {"input_tokens": 10, "output_tokens": 20}
    assert stage == {"name": "content-generation", "status": "completed", "cost": 0.5, "usage": told}
    assert (job["usage"], job["attempts"][0]["usage"], job["cost"]) == (told, told, 0.5)
    assert [attempt["outcome"] for attempt in job["attempts"]] == ["completed"]
    bulk = await system.lookup.bulk(OWNER, bulk_id)
    assert (bulk["status"], bulk["completed_items"]) == (BulkStatus.PROCESSING, 1)
    await assert_at_rest(system.store)


async def test_the_generator_is_told_the_items_fields_its_params_and_whose_they_are(
    worker: Worker, generator: ScriptedGenerator, make_bulk: MakeBulk
) -> None:
    await make_bulk(params={"style": "dry", "mode": "spin", "job_id": "mine"})
    job = await worker.run_next()
    call = await generator.called()
    told = {"topic": "Topic 1", "style": "dry", "mode": "topic", "job_id": str(job["_id"]), "user_id": OWNER}
    assert (call.mode, call.body) == ("topic", told)


async def test_a_running_job_names_its_stage(
    system: System, worker: Worker, generator: ScriptedGenerator, make_bulk: MakeBulk
) -> None:
    await make_bulk()
    reply = replies.success().held()
    generator.script(reply)
    claim = await claimed(system)
    running = worker.start_next(claim)
    await generator.called()
    assert (await system.lookup.job(OWNER, claim.job_id))["current_stage"] == "content-generation"
    reply.release()
    await running
    assert (await system.lookup.job(OWNER, claim.job_id))["current_stage"] is None


async def test_a_passing_failure_is_retried_to_its_end_and_its_last_error_summed_up(
    system: System, worker: Worker, generator: ScriptedGenerator, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await make_bulk(max_retries=2)
    generator.script(replies.failure("One."), replies.status(500), replies.failure("Three."))
    for retries in (1, 2):
        job = await worker.run_next()
        assert (job["status"], job["retry_count"]) == (JobStatus.QUEUED, retries)
        assert clock.now() + timedelta(seconds=4) <= job["due_at"] <= clock.now() + timedelta(seconds=12)
        clock.move(BACKOFF)
    job = await worker.run_next()
    assert (job["status"], job["error"]) == (JobStatus.FAILED, "Three.")
    assert [attempt["error"] for attempt in job["attempts"]] == ["One.", "The generator answered 500.", "Three."]
    bulk = await system.lookup.bulk(OWNER, bulk_id)
    assert (bulk["status"], bulk["error_summary"]) == (BulkStatus.COMPLETED, ["Item 1: Three."])
    await assert_at_rest(system.store)


async def test_an_uncounted_failure_costs_no_retry_and_waits_as_long_as_asked(
    system: System, worker: Worker, generator: ScriptedGenerator, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    await make_bulk(max_retries=0)
    generator.script(replies.status(429, retry_after="120"))
    job = await worker.run_next()
    assert (job["status"], job["retry_count"], job["uncounted_retries"]) == (JobStatus.QUEUED, 0, 1)
    assert job["due_at"] == clock.now() + timedelta(minutes=2)
    clock.move(timedelta(minutes=2))
    assert (await worker.run_next())["status"] == JobStatus.COMPLETED
    await assert_at_rest(system.store)


async def test_a_permanent_failure_ends_the_job_and_not_its_bulk(
    system: System, worker: Worker, generator: ScriptedGenerator, make_bulk: MakeBulk
) -> None:
    bulk_id = await make_bulk(2)
    generator.script(replies.status(422, error="The topic is forbidden."))
    job = await worker.run_next()
    assert (job["status"], job["error"]) == (JobStatus.FAILED, "The generator answered 422: The topic is forbidden.")
    assert (await worker.run_next())["status"] == JobStatus.COMPLETED
    assert (await system.lookup.bulk(OWNER, bulk_id))["status"] == BulkStatus.COMPLETED
    await assert_at_rest(system.store)


async def test_a_job_of_a_mode_that_nobody_knows_fails_without_a_call(
    system: System, worker: Worker, generator: ScriptedGenerator, make_bulk: MakeBulk
) -> None:
    await make_bulk()
    await system.store.collection("generation_jobs").update_many({}, {"$set": {"mode": "../../admin"}})
    job = await worker.run_next()
    assert (job["status"], generator.calls) == (JobStatus.FAILED, [])
    assert job["error"] == "There is no mode '../../admin': use one of topic, keywords, trends, spin."
    await assert_at_rest(system.store)


async def test_cancelling_a_bulk_closes_the_call_and_then_the_job_is_cancelled(
    system: System, worker: Worker, generator: ScriptedGenerator, make_bulk: MakeBulk
) -> None:
    bulk_id = await make_bulk(3)
    generator.script(replies.never())
    claim = await claimed(system)
    running = worker.start_next(claim)
    call = await generator.called()
    answer = await system.controls.cancel(OWNER, bulk_id)
    assert set(answer.running) <= {claim.job_id}  # none, where the worker was quicker than the answer
    await generator.hung_up(call.key)
    await running
    assert (await system.lookup.job(OWNER, claim.job_id))["status"] == JobStatus.CANCELLED
    bulk = await system.lookup.bulk(OWNER, bulk_id)
    assert (bulk["status"], bulk["cancelled_items"], len(generator.calls)) == (BulkStatus.CANCELLED, 3, 1)
    await assert_at_rest(system.store)


async def test_pause_with_abort_closes_the_call_and_puts_the_job_back_as_it_was(
    system: System, worker: Worker, generator: ScriptedGenerator, make_bulk: MakeBulk
) -> None:
    bulk_id = await make_bulk(2)
    generator.script(replies.never())
    running = worker.start_next(await claimed(system))
    call = await generator.called()
    await system.controls.pause(OWNER, bulk_id, Pause(PauseMode.ABORT))
    await generator.hung_up(call.key)
    await running
    await assert_at_rest(system.store)
    await system.controls.resume(OWNER, bulk_id)
    job = await worker.run_next()
    assert (job["queue_position"], job["retry_count"], job["status"]) == (1, 0, JobStatus.COMPLETED)
    assert [attempt["outcome"] for attempt in job["attempts"]] == ["handed_back", "completed"]


async def test_a_runner_that_is_itself_cancelled_closes_the_call_and_leaves_the_job_to_the_sweep(
    system: System, worker: Worker, generator: ScriptedGenerator, make_bulk: MakeBulk, logged: Logged
) -> None:
    await make_bulk()
    generator.script(replies.never())
    claim = await claimed(system)
    running = worker.start_next(claim)
    call = await generator.called()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await generator.hung_up(call.key)
    job = await system.lookup.job(OWNER, claim.job_id)
    assert (job["status"], job["lease"]["token"]) == (JobStatus.PROCESSING, claim.token)
    assert (worker.keeper.running, events(logged, "job_ended")) == ([], [])


async def test_each_line_of_the_log_names_the_bulk_and_the_job(
    system: System, worker: Worker, make_bulk: MakeBulk, logged: Logged
) -> None:
    bulk_id = await make_bulk()
    job = await worker.run_next()
    assert [entry["event"] for entry in logged] == ["job_started", "job_ended"]
    assert {(entry["bulk_id"], entry["job_id"]) for entry in logged} == {(str(bulk_id), str(job["_id"]))}


async def test_no_call_is_made_under_a_claim_that_is_not_fresh_while_the_database_is_away(
    system: System,
    worker: Worker,
    generator: ScriptedGenerator,
    make_bulk: MakeBulk,
    faulty: FaultyStore,
    clock: MovableClock,
) -> None:
    """Entering the stage is the last look at the lease before money is spent."""
    await make_bulk()
    claim = await claimed(system)
    clock.move(LEASE / 3)
    faulty.break_before("generation_jobs", "update_one", times=2)
    running = worker.start_next(claim)
    await faulty.was_struck(2)
    assert generator.calls == []
    await running
    assert len(generator.calls) == 1
    await assert_at_rest(system.store)


async def test_a_shared_result_costs_nothing_more_and_gives_nothing_back(
    system: System, worker: Worker, generator: ScriptedGenerator
) -> None:
    items = [{"topic": "T", "dedupe": True}] * 2
    await system.creation.create(OWNER, BulkRequest(mode="topic", items=items, delay=timedelta(0), pipeline=PLAIN))
    first = await worker.run_next()
    jobs = system.store.collection("generation_jobs")
    await jobs.update_one({"queue_position": 2}, {"$set": {"cost": 0.5, "owed": 0.5}})  # as after a call that timed out
    second = await worker.run_next()
    assert (second["result"], second["cost"], len(generator.calls)) == (first["result"], 0.5, 1)
