"""A job that has begun and waits for the rate of its next call: nothing has failed, so nothing is used up."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jobs.capacity.scopes import WINDOW
from jobs.documents import BulkRequest, Lane
from jobs.permits import FRESH
from jobs.system import System
from tests.support import replies
from tests.support.clock import MovableClock
from tests.support.invariants import assert_at_rest
from tests.support.scripted_generator import ScriptedGenerator
from tests.worker.working import OWNER, a_worker, claimed, in_time
from worker.generator import GeneratorClient
from worker.outcomes import MAX_UNCOUNTED
from worker.registry import Kit, built_in
from worker.stages.writing import Components
from worker.text.templates import Templates


async def test_a_job_that_others_take_each_token_from_is_never_given_up_and_keeps_its_place(
    system: System,
    client: GeneratorClient,
    generator: ScriptedGenerator,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("worker.calls.LONGEST_WAIT", timedelta(milliseconds=100))
    item = {"topic": "Boats", "components": ["title", "intro"]}
    await system.creation.create(OWNER, BulkRequest(mode="topic", items=[item], delay=timedelta(0), max_retries=0))
    generator.otherwise = lambda call: replies.success(f"{call.body['component']} of the boats at sea.")
    pipelines = built_in(Kit(Templates(), Components(can=True)))
    await system.limits.change({"requests_per_minute": 1})
    async with a_worker(system, client, pipelines=pipelines) as worker:
        for _ in range(MAX_UNCOUNTED + 2):
            claim = await claimed(system)
            clock.move(FRESH * 2)  # before its first call, so that it needs another leave than the claim's
            await in_time(worker.runner.run(claim))
            job = await system.lookup.job(OWNER, claim.job_id)
            assert (job["status"], job["lane"], job["uncounted_retries"]) == ("queued", Lane.FIRST, 0)
            assert job["error"].startswith("The generator may not be called before ")
            clock.move(WINDOW + timedelta(minutes=1))
        await system.limits.change({"requests_per_minute": None})
        job = await worker.run_next()
    assert (job["status"], len(generator.calls)) == ("completed", 2)
    await assert_at_rest(system.store)
