"""I9: a call's key is made of job, stage, input hash and n, and n grows only where another answer is wanted."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta

import pytest

from jobs.controls import Pause, PauseMode
from jobs.documents import BulkRequest
from jobs.states import JobStatus
from jobs.system import System
from tests.support import replies
from tests.support.clock import MovableClock
from tests.support.invariants import assert_at_rest
from tests.support.replies import Reply
from tests.support.scripted_generator import Call, ScriptedGenerator
from tests.worker.conftest import MakeBulk
from tests.worker.working import BACKOFF, LEASE, OWNER, Worker, a_worker, claimed, client_of
from worker.registry import Kit, built_in
from worker.stages.writing import Components
from worker.text.templates import Templates


def parts(key: str) -> tuple[str, str, str, int]:
    """Job, stage, input hash, n."""
    match = re.fullmatch(r"([0-9a-f]{24})-(content-generation)-([0-9a-f]{16})-(\d+)", key)
    assert match is not None, key
    return match[1], match[2], match[3], int(match[4])


def numbers(generator: ScriptedGenerator) -> list[int]:
    return [parts(key)[3] for key in generator.keys]


async def test_the_key_names_the_job_the_stage_the_input_and_the_number(
    worker: Worker, generator: ScriptedGenerator, make_bulk: MakeBulk
) -> None:
    await make_bulk(2)
    await make_bulk(1)
    jobs = [await worker.run_next() for _ in range(3)]
    keys = [parts(key) for key in generator.keys]
    assert [key[0] for key in keys] == [str(job["_id"]) for job in jobs]
    assert [key[3] for key in keys] == [1, 1, 1]
    first, second, same_as_first = (key[2] for key in keys)
    assert first == same_as_first != second


UNANSWERED = {
    "never answered": replies.never(),
    "stalled": replies.stalled(),
    "broken off": replies.broken_off(),
    "closed": replies.closed(),
    **{str(code): replies.status(code) for code in (408, 409, 425, 429, 502, 503, 504)},
}


@pytest.mark.parametrize("reply", UNANSWERED.values(), ids=UNANSWERED)
async def test_a_call_without_a_definite_answer_is_repeated_under_its_key(
    system: System,
    worker: Worker,
    generator: ScriptedGenerator,
    make_bulk: MakeBulk,
    clock: MovableClock,
    reply: Reply,
) -> None:
    await make_bulk()
    generator.script(reply)
    async with client_of(generator.url, timeout=timedelta(milliseconds=500)) as hasty, a_worker(system, hasty) as first:
        assert (await first.run_next())["status"] == JobStatus.QUEUED
    clock.move(BACKOFF)
    assert (await worker.run_next())["status"] == JobStatus.COMPLETED
    assert len(generator.keys) == 2
    assert len(set(generator.keys)) == 1
    await assert_at_rest(system.store)


ANSWERED = {
    "failure": replies.failure(),
    "retryable failure": replies.failure(retryable=True),
    "500": replies.status(500),
    "redirect": replies.redirect("/elsewhere"),
    "html": replies.html(),
    "empty": replies.empty(),
    "garbage": replies.garbage(),
    "no content": replies.success(""),
    "20 MB": replies.huge(),
    "not storable": replies.success("\ud83d"),
}


@pytest.mark.parametrize("reply", ANSWERED.values(), ids=ANSWERED)
async def test_after_a_definite_answer_the_next_call_has_a_new_key(
    system: System,
    worker: Worker,
    generator: ScriptedGenerator,
    make_bulk: MakeBulk,
    clock: MovableClock,
    reply: Reply,
) -> None:
    await make_bulk()
    generator.script(reply)
    await worker.run_next()
    clock.move(BACKOFF)
    assert (await worker.run_next())["status"] == JobStatus.COMPLETED
    first, second = (parts(key) for key in generator.keys)
    assert (first[:3], first[3], second[3]) == (second[:3], 1, 2)
    await assert_at_rest(system.store)


async def test_a_refused_connection_is_repeated_under_the_key(
    system: System, worker: Worker, generator: ScriptedGenerator, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    await make_bulk()
    await generator.go_down()
    job = await worker.run_next()
    assert (job["status"], job["uncounted_retries"]) == (JobStatus.QUEUED, 1)
    await generator.come_back()
    clock.move(BACKOFF)
    assert (await worker.run_next())["status"] == JobStatus.COMPLETED
    assert numbers(generator) == [1]
    await assert_at_rest(system.store)


async def test_an_aborted_call_is_repeated_under_its_key(
    system: System, worker: Worker, generator: ScriptedGenerator, make_bulk: MakeBulk
) -> None:
    bulk_id = await make_bulk()
    generator.script(replies.never())
    running = worker.start_next(await claimed(system))
    await generator.called()
    await system.controls.pause(OWNER, bulk_id, Pause(PauseMode.ABORT))
    await running
    await system.controls.resume(OWNER, bulk_id)
    assert (await worker.run_next())["status"] == JobStatus.COMPLETED
    assert generator.keys == [generator.keys[0]] * 2
    await assert_at_rest(system.store)


async def test_of_several_calls_the_unanswered_is_repeated_under_its_key_and_the_answered_is_not(
    system: System, generator: ScriptedGenerator, clock: MovableClock
) -> None:
    item = {"topic": "Boats", "components": ["title", "intro", "conclusion"]}
    made = await system.creation.create(OWNER, BulkRequest(mode="topic", items=[item], delay=timedelta(0)))
    seen: Counter[str] = Counter()
    script = {"title": [replies.failure()] * 2, "intro": [replies.never()] * 2, "conclusion": [replies.status(500)]}

    def answer(call: Call) -> Reply:
        name = call.body["component"]
        seen[name] += 1
        return script[name][seen[name] - 1] if seen[name] <= len(script[name]) else replies.success("Boats at sea.")

    generator.otherwise = answer
    pipelines = built_in(Kit(Templates(), Components(can=True, at_once=3)))
    hasty = client_of(generator.url, timeout=timedelta(milliseconds=500))
    async with hasty as client, a_worker(system, client, pipelines=pipelines) as worker:
        for _ in range(2):
            assert (await worker.run_next())["status"] == JobStatus.QUEUED
            clock.move(BACKOFF)
        job = await worker.run_next()
    assert (job["_id"], job["status"]) == (made.job_ids[0], JobStatus.COMPLETED)
    asked = {name: [call.key for call in generator.calls if call.body["component"] == name] for name in script}
    assert {name: [int(key.rsplit("-", 1)[1]) for key in keys] for name, keys in asked.items()} == {
        "title": [1, 2, 3],
        "intro": [1, 1, 1],
        "conclusion": [1, 2],
    }


async def test_a_lost_workers_call_is_repeated_under_its_key(
    system: System, worker: Worker, generator: ScriptedGenerator, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    await make_bulk()
    generator.script(replies.never())
    lost = worker.start_next(await claimed(system))
    await generator.called()
    await system.sweep.run()
    clock.move(LEASE * 2)
    assert await system.sweep.run() == 1
    await lost
    assert (await worker.run_next())["status"] == JobStatus.COMPLETED
    assert generator.keys == [generator.keys[0]] * 2
    await assert_at_rest(system.store)


async def test_what_a_person_sends_back_gets_a_new_key_each_time(
    system: System, worker: Worker, generator: ScriptedGenerator, make_bulk: MakeBulk
) -> None:
    bulk_id = await make_bulk(max_retries=0)
    generator.script(replies.failure(retryable=False), replies.status(422), replies.broken_off())
    job = await worker.run_next()
    await system.controls.retry(OWNER, bulk_id)
    await worker.run_next()
    await system.controls.retry_job(OWNER, job["_id"])
    assert (await worker.run_next())["status"] == JobStatus.FAILED
    await system.controls.retry(OWNER, bulk_id)
    assert (await worker.run_next())["status"] == JobStatus.COMPLETED
    assert numbers(generator) == sorted(set(numbers(generator)))
    await assert_at_rest(system.store)


async def test_a_cancelled_job_that_a_person_sends_back_gets_a_new_key(
    system: System, worker: Worker, generator: ScriptedGenerator, make_bulk: MakeBulk
) -> None:
    await make_bulk(2)
    generator.script(replies.never())
    claim = await claimed(system)
    running = worker.start_next(claim)
    await generator.called()
    await system.controls.cancel_job(OWNER, claim.job_id)
    await running
    await system.controls.retry_job(OWNER, claim.job_id)
    assert (await worker.run_next())["_id"] == claim.job_id
    assert numbers(generator) == [1, 2]
    await assert_at_rest(system.store)
