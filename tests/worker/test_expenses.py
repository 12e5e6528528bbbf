"""What a job of several calls comes to over several runnings, some of which died or failed in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from jobs.documents import BulkRequest
from jobs.pipelines import CONTENT
from jobs.storage.store import Document
from jobs.system import System
from tests.support import replies
from tests.support.clock import MovableClock
from tests.support.scripted_generator import ScriptedGenerator
from tests.worker.working import BACKOFF, LEASE, OWNER, Worker, a_worker, claimed
from worker.failures import StageFailed
from worker.generator import GeneratorClient
from worker.stage import Instead, Pipeline, Sofar, Stage, StageInput, Tools

PARTS = ("left", "right")
ODD_NAMES = ("1.2 Größe", "$right\n")


def no_input(sofar: Sofar) -> StageInput:
    return StageInput()


async def write(given: StageInput, tools: Tools) -> Any:
    return (await tools.call(CONTENT, "/api/content/generate/topic", {"topic": "one"})).content


async def write_parts(given: StageInput, tools: Tools, names: Sequence[str] = PARTS) -> list[Any]:
    named = zip(PARTS, names, strict=True)
    calls = [tools.call(CONTENT, "/api/content/generate/topic", {"topic": one}, part=name) for one, name in named]
    found = await asyncio.gather(*calls, return_exceptions=True)
    failed = [one for one in found if isinstance(one, BaseException)]
    for failure in failed:
        raise failure
    return [one.content for one in found if not isinstance(one, BaseException)]


WRITES = Stage("write", write, no_input, generator=CONTENT)
WRITES_PARTS = Stage("write", write_parts, no_input, generator=CONTENT, several_calls=True)


class Ending:
    """A last stage that hangs until it is `let` end; it says when it has begun."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.let = asyncio.Event()
        self.stage = Stage("end", self._run, no_input)

    async def _run(self, given: StageInput, _: Tools) -> str:
        self.begun.set()
        await self.let.wait()
        return "made"


async def submit(system: System, pipeline: Pipeline) -> None:
    request = BulkRequest(
        mode="topic", items=[{"topic": "T"}], delay=timedelta(0), pipeline=pipeline.spec, cost_per_job=1.0
    )
    await system.creation.create(OWNER, request)


async def die_in(system: System, worker: Worker, clock: MovableClock, ending: Ending) -> Document:
    """The job, once its worker has died in the last stage and the sweep has taken it back."""
    claim = await claimed(system)
    running = worker.start_next(claim)
    await ending.begun.wait()
    running.cancel()
    await asyncio.wait([running])
    await system.sweep.run()
    clock.move(LEASE)
    await system.sweep.run()
    ending.let.set()
    return await system.lookup.job(OWNER, claim.job_id)


async def test_what_was_set_aside_for_a_dead_worker_is_given_back_when_nothing_is_left_to_be_paid(
    system: System, client: GeneratorClient, generator: ScriptedGenerator, clock: MovableClock
) -> None:
    ending = Ending()
    pipeline = Pipeline("dying", (WRITES, ending.stage))
    await submit(system, pipeline)
    generator.script(replies.success("Text", {"cost": 0.25}))
    async with a_worker(system, client, pipelines={"dying": pipeline}) as worker:
        lost = await die_in(system, worker, clock, ending)
        assert (lost["cost"], lost["owed"]) == (1.0, 0.75)
        job = await worker.run_next()
    assert (job["status"], job["cost"], job["owed"], len(generator.calls)) == ("completed", 0.25, 0.0, 1)


async def test_what_may_have_been_paid_stays_counted_where_the_stage_failed_over_instead(
    system: System, client: GeneratorClient, generator: ScriptedGenerator, clock: MovableClock
) -> None:
    async def gives_up(given: StageInput, tools: Tools) -> str:
        if not ending.let.is_set():
            return str(await ending.stage.run(given, tools))
        raise StageFailed("It rains.", permanent=True)

    ending = Ending()
    unsure = replace(ending.stage, run=gives_up, on_error=lambda *_: Instead("nothing", "it rained"))
    pipeline = Pipeline("unsure", (WRITES, unsure))
    await submit(system, pipeline)
    generator.script(replies.success("Text", {"cost": 0.25}))
    async with a_worker(system, client, pipelines={"unsure": pipeline}) as worker:
        await die_in(system, worker, clock, ending)
        job = await worker.run_next()
    assert (job["status"], job["cost"], job["owed"]) == ("completed", 1.0, 0.75)


@pytest.mark.parametrize("names", [PARTS, ODD_NAMES])
async def test_a_part_is_paid_once_and_its_usage_told_whichever_running_has_paid_it(
    system: System,
    client: GeneratorClient,
    generator: ScriptedGenerator,
    clock: MovableClock,
    names: Sequence[str],
) -> None:
    stage = replace(WRITES_PARTS, run=lambda given, tools: write_parts(given, tools, names))
    pipeline = Pipeline("parts", (stage,))
    await submit(system, pipeline)
    usage = {"input_tokens": 3, "output_tokens": 4, "cost": 0.25}
    generator.script(replies.success("L", usage), topic="left")
    generator.script(replies.failure(), replies.success("R", usage), topic="right")
    async with a_worker(system, client, pipelines={"parts": pipeline}) as worker:
        assert (await worker.run_next())["status"] == "queued"
        clock.move(BACKOFF)
        job = await worker.run_next()
    assert (job["result"], job["cost"], len(generator.calls)) == (["L", "R"], pytest.approx(0.5), 3)
    assert job["result_meta"]["usage"] == {"input_tokens": 6, "output_tokens": 8, "cost": pytest.approx(0.5)}
    assert job["usage"] == {"input_tokens": 6, "output_tokens": 8}
