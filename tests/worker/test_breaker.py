"""The circuit breaker: a generator that is down is left alone by all, probed, and given work again little by little."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jobs.capacity.generators import FAILURES_TO_OPEN, PROBE_EVERY, WIDEST_RAMP
from jobs.capacity.scopes import GENERATOR
from jobs.pipelines import CONTENT
from jobs.storage.store import Document
from jobs.system import System
from tests.support import replies
from tests.support.clock import MovableClock
from tests.support.eventually import eventually
from tests.support.invariants import assert_at_rest
from tests.support.scripted_generator import ScriptedGenerator
from tests.worker.conftest import MakeBulk
from tests.worker.working import OWNER, Worker, claimed, in_time
from worker.breaker import Breaker, health_after
from worker.generator import CallFailed, GeneratorClient


async def scope(system: System) -> Document:
    return (await system.scopes.find([GENERATOR + CONTENT]))[GENERATOR + CONTENT]


async def fail_until_it_is_open(system: System, worker: Worker, generator: ScriptedGenerator, how: str) -> None:
    for _ in range(FAILURES_TO_OPEN):
        if how == "refused":
            await generator.go_down()
        else:
            generator.script(replies.status(503))
        await worker.run_next()
    assert await system.queue.claim("w1") is None


@pytest.mark.parametrize("how", ["refused", "a gateway's excuse"])
async def test_a_generator_that_is_down_is_left_alone_and_no_retry_is_counted(
    system: System, worker: Worker, generator: ScriptedGenerator, make_bulk: MakeBulk, how: str
) -> None:
    bulk_id = await make_bulk(5)
    await fail_until_it_is_open(system, worker, generator, how)
    assert await system.queue.claim("w1") is None
    assert system.generators.down == [CONTENT]
    jobs = await system.store.collection("generation_jobs").find({"bulk_job_id": bulk_id})
    assert {job["retry_count"] for job in jobs} == {0}
    assert sum(job["uncounted_retries"] for job in jobs) == FAILURES_TO_OPEN


async def test_a_call_that_broke_off_because_the_endpoint_went_away_is_not_counted(
    worker: Worker, generator: ScriptedGenerator, make_bulk: MakeBulk, system: System
) -> None:
    await make_bulk(1)
    generator.script(replies.never())
    claim = await claimed(system)
    running = worker.start_next(claim)
    await generator.called()
    await generator.go_down()
    await running
    job = await system.lookup.job(OWNER, claim.job_id)
    assert (job["status"], job["retry_count"], job["uncounted_retries"]) == ("queued", 0, 1)


async def test_successes_in_between_keep_it_closed(
    system: System, worker: Worker, generator: ScriptedGenerator, make_bulk: MakeBulk
) -> None:
    await make_bulk(12)
    for _ in range(3):
        generator.script(*[replies.status(502)] * (FAILURES_TO_OPEN - 1), replies.success())
        for _ in range(FAILURES_TO_OPEN):
            await worker.run_next()
    assert not (await scope(system))["down"]


async def test_one_of_all_probes_every_other_second_and_a_gateways_excuse_is_no_answer(
    system: System, worker: Worker, generator: ScriptedGenerator, make_bulk: MakeBulk, clock: MovableClock,
    client: GeneratorClient,
) -> None:  # fmt: skip
    await make_bulk(5)
    await fail_until_it_is_open(system, worker, generator, "a gateway's excuse")
    breaker = Breaker(system.generators, {CONTENT: client})
    assert not await system.generators.may_probe(CONTENT)
    generator.to_probes = 503
    clock.move(PROBE_EVERY)
    assert not await breaker.probe()
    generator.to_probes = 405
    assert not await breaker.probe(), "it is not due again yet"
    clock.move(PROBE_EVERY)
    assert await breaker.probe()
    assert not (await scope(system))["down"]


async def test_after_it_is_back_one_job_runs_first_and_then_twice_as_many_with_each_success(
    system: System, worker: Worker, generator: ScriptedGenerator, make_bulk: MakeBulk, clock: MovableClock,
    client: GeneratorClient,
) -> None:  # fmt: skip
    for _ in range(10):
        await make_bulk(1)
    await fail_until_it_is_open(system, worker, generator, "a gateway's excuse")
    clock.move(PROBE_EVERY)
    assert await Breaker(system.generators, {CONTENT: client}).probe()
    first = await claimed(system)
    assert await system.queue.claim("w2") is None
    await in_time(worker.runner.run(first))
    await claimed(system)
    await claimed(system)
    assert await system.queue.claim("w2") is None


async def test_the_ramp_ends_and_a_failure_on_it_opens_the_breaker_again(
    system: System, worker: Worker, generator: ScriptedGenerator, make_bulk: MakeBulk, clock: MovableClock,
    client: GeneratorClient,
) -> None:  # fmt: skip
    await make_bulk(30)
    breaker = Breaker(system.generators, {CONTENT: client})
    await fail_until_it_is_open(system, worker, generator, "a gateway's excuse")
    clock.move(PROBE_EVERY)
    assert await breaker.probe()
    generator.script(replies.status(503))
    await worker.run_next()
    assert (await scope(system))["down"]
    assert await system.queue.claim("w1") is None
    clock.move(PROBE_EVERY)
    assert await breaker.probe()
    ramps = []
    while (ramp := (await scope(system))["ramp"]) is not None:
        ramps.append(ramp)
        await worker.run_next()
    assert ramps == [1, 2, 4, 8, 16, WIDEST_RAMP]


async def test_a_worker_finds_out_by_itself_that_the_generator_is_back(
    system: System, worker: Worker, generator: ScriptedGenerator, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await make_bulk(FAILURES_TO_OPEN + 2)
    await generator.go_down()
    worker.start()
    await eventually(lambda: scope(system), lambda one: one["down"])
    await generator.come_back()

    async def ended() -> Document:
        clock.move(timedelta(seconds=2))
        return await system.lookup.bulk(OWNER, bulk_id)

    await eventually(ended, lambda bulk: bulk["status"] == "completed")
    await assert_at_rest(system.store)


def test_what_a_call_tells_of_its_generator() -> None:
    assert health_after(None).succeeded
    refused = health_after(CallFailed("no", counted=False, down=True))
    assert (refused.down, refused.strained) == (True, False)
    limited = health_after(CallFailed("429", counted=False, wait=timedelta(seconds=3)))
    assert (limited.down, limited.strained, limited.wait) == (False, True, timedelta(seconds=3))
    forbidden = health_after(CallFailed("403", permanent=True, definite=True, wait=timedelta(seconds=3)))
    assert (forbidden.succeeded, forbidden.down, forbidden.strained, forbidden.wait) == (False, False, False, None)


async def test_an_article_is_stored_before_anything_is_told_of_its_generator(
    system: System, worker: Worker, make_bulk: MakeBulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_bulk(1)
    claim = await claimed(system)
    stored: list[str] = []

    async def heard(_: Breaker, generator: str, failed: CallFailed | None) -> None:
        assert (generator, failed) == (CONTENT, None)
        stored.append((await system.lookup.job(OWNER, claim.job_id))["status"])

    monkeypatch.setattr(Breaker, "heard", heard)
    await in_time(worker.runner.run(claim))
    assert stored == ["completed"]
