"""A generator's answer that the database would not take: it costs a try, and says why."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import Any

import pytest

from jobs.errors import StoreRefused
from jobs.states import BulkStatus, JobStatus
from jobs.system import System
from tests.support import replies
from tests.support.clock import MovableClock
from tests.support.faulty_store import FaultyStore
from tests.support.invariants import assert_at_rest
from tests.support.replies import Reply
from tests.support.scripted_generator import ScriptedGenerator
from tests.worker.conftest import Logged, MakeBulk, events
from tests.worker.working import OWNER, Worker, claimed

BACKOFF = timedelta(minutes=6)


def nested(levels: int) -> dict[str, Any]:
    content: dict[str, Any] = {"text": "deep"}
    for _ in range(levels):
        content = {"a": content}
    return content


UNSTORABLE = {
    "a lone surrogate": replies.success("An article on \ud83d."),
    "a lone surrogate in an object": replies.success({"text": ["\ud83d"]}),
    "a lone surrogate in a key": replies.success({"\ud83d": 1}),
    "a NUL in a key": replies.success({"a\0b": 1}),
    "an integer beyond 64 bits": replies.success({"n": 2**64}),
    "200 levels": replies.success(nested(200)),
    "900 levels": replies.success(nested(900)),
    "more than 8 MB": replies.success({"numbers": [1] * 1_000_000}),
}


@pytest.mark.parametrize("reply", UNSTORABLE.values(), ids=UNSTORABLE)
async def test_content_that_cannot_be_stored_costs_a_try_and_is_not_stored(
    system: System,
    worker: Worker,
    generator: ScriptedGenerator,
    make_bulk: MakeBulk,
    clock: MovableClock,
    reply: Reply,
) -> None:
    await make_bulk(max_retries=1)
    generator.script(reply)
    job = await worker.run_next()
    assert (job["status"], job["retry_count"], job["result"]) == (JobStatus.QUEUED, 1, None)
    assert re.match(
        r"The generator's answer (holds what cannot be stored|is nested more than|has more than)", job["error"]
    )
    assert job["error"].endswith(".")
    assert len(job["error"]) < 300
    clock.move(BACKOFF)
    assert (await worker.run_next())["result"] == "An article on Topic 1."
    await assert_at_rest(system.store)


@pytest.mark.parametrize("levels", [20, 90])
async def test_content_of_some_depth_is_stored_as_it_came(
    system: System, worker: Worker, generator: ScriptedGenerator, make_bulk: MakeBulk, levels: int
) -> None:
    await make_bulk()
    generator.script(replies.success(nested(levels)))
    assert (await worker.run_next())["result"] == nested(levels)
    await assert_at_rest(system.store)


def refuse() -> None:
    raise StoreRefused("no room for this")


async def test_a_result_that_the_database_refuses_all_the_same_costs_a_try(
    system: System,
    worker: Worker,
    generator: ScriptedGenerator,
    make_bulk: MakeBulk,
    faulty: FaultyStore,
    clock: MovableClock,
) -> None:
    bulk_id = await make_bulk(max_retries=1)
    for number in (1, 2):
        reply = replies.success().held()
        generator.script(reply)
        claim = await claimed(system)
        running = worker.start_next(claim)
        await generator.called(number)
        faulty.before("generation_jobs", "update_one", refuse)
        reply.release()
        await running
        clock.move(BACKOFF)
    job = await system.lookup.job(OWNER, claim.job_id)
    assert (job["status"], job["retry_count"], job["result"]) == (JobStatus.FAILED, 1, None)
    assert {attempt["error"] for attempt in job["attempts"]} == {"The result could not be stored: no room for this."}
    assert (await system.lookup.bulk(OWNER, bulk_id))["status"] == BulkStatus.COMPLETED
    await assert_at_rest(system.store)


async def test_a_database_that_refuses_every_end_is_not_asked_without_a_pause(
    system: System,
    worker: Worker,
    generator: ScriptedGenerator,
    make_bulk: MakeBulk,
    faulty: FaultyStore,
    logged: Logged,
) -> None:
    await make_bulk()
    reply = replies.status(422).held()
    generator.script(reply)
    claim = await claimed(system)
    running = worker.start_next(claim)
    await generator.called()
    for _ in range(3):
        faulty.before("generation_jobs", "update_one", refuse)
    reply.release()
    before = asyncio.get_running_loop().time()
    await running
    assert asyncio.get_running_loop().time() - before >= 0.1 + 0.2 + 0.4
    assert len(events(logged, "finish_refused")) == 3
    assert (await system.lookup.job(OWNER, claim.job_id))["error"] == "The generator answered 422."
    await assert_at_rest(system.store)
