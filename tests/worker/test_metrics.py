"""What a worker counts: each thing once, when it happens, and nothing that has not."""

from __future__ import annotations

import pytest

from jobs.notification.addressed import Channel
from jobs.system import System
from tests.support import replies
from tests.support.deliveries import planned, tried
from tests.support.eventually import eventually
from tests.support.scripted_generator import ScriptedGenerator
from tests.worker.conftest import MakeBulk
from tests.worker.notify.scripted_sender import ScriptedSender, a_courier, couriering
from tests.worker.working import SHORT, Worker, a_worker, client_of
from worker.generator import GeneratorClient
from worker.metrics import AttemptEnd, Metrics
from worker.notify.sending import SendFailed


def count(metrics: Metrics, name: str, **labels: str) -> float:
    value = metrics.registry.get_sample_value(f"pressrun_{name}", labels)
    assert value is not None, f"there is no {name} {labels}"
    return value


def metrics_of(worker: Worker) -> Metrics:
    return worker.runner._bench.metrics


@pytest.mark.parametrize(
    ("reply", "call", "attempt"),
    [
        (replies.success(), "ok", "completed"),
        (replies.status(422, error="no"), "refused", "failed"),
        (replies.failure(), "error", "retried"),
        (replies.status(429), "throttled", "retried"),
        (replies.status(503), "away", "retried"),
    ],
)
async def test_a_call_and_a_running_are_counted_by_what_they_came_to(
    reply: replies.Reply, call: str, attempt: str, worker: Worker, generator: ScriptedGenerator, make_bulk: MakeBulk
) -> None:
    generator.script(reply)
    await make_bulk()
    await worker.run_next()
    metrics = metrics_of(worker)
    assert count(metrics, "generator_calls_total", endpoint="default", outcome=call) == 1
    assert count(metrics, "generator_call_seconds_count", endpoint="default") == 1
    assert count(metrics, "attempts_total", mode="topic", outcome=attempt) == 1
    others = [end for end in AttemptEnd if end != attempt]
    assert [count(metrics, "attempts_total", mode="topic", outcome=end) for end in others] == [0] * len(others)


async def test_a_call_that_takes_too_long_is_a_timeout(
    system: System, generator: ScriptedGenerator, make_bulk: MakeBulk
) -> None:
    generator.script(replies.never())
    await make_bulk()
    async with client_of(generator.url, timeout=SHORT) as hasty, a_worker(system, hasty) as worker:
        await worker.run_next()
        assert count(metrics_of(worker), "generator_calls_total", endpoint="default", outcome="timeout") == 1


async def test_claims_are_counted_with_their_time_and_the_slots_that_they_take(
    system: System, client: GeneratorClient, make_bulk: MakeBulk
) -> None:
    await make_bulk(2)
    async with a_worker(system, client) as worker:
        worker.start()
        metrics = worker.loop._metrics

        async def taken() -> float:
            return count(metrics, "claims_total", outcome="taken")

        await eventually(taken, lambda number: number == 2)

        async def found_none() -> float:
            return count(metrics, "claims_total", outcome="nothing")

        await eventually(found_none, lambda number: number >= 1)
        whole = sum([count(metrics, "claims_total", outcome=end) for end in ("taken", "nothing", "lost")])
        assert count(metrics, "claim_seconds_count") == whole


async def test_slots_are_told_as_they_are_at_the_scrape() -> None:
    metrics, running = Metrics(), [1, 2, 3]
    metrics.watch_slots(8, lambda: len(running))
    assert (count(metrics, "slots", state="busy"), count(metrics, "slots", state="free")) == (3, 5)
    running.clear()
    assert (count(metrics, "slots", state="busy"), count(metrics, "slots", state="free")) == (0, 8)


async def test_a_lost_lease_is_counted_once(
    worker: Worker, system: System, generator: ScriptedGenerator, make_bulk: MakeBulk
) -> None:
    held = replies.success().held()
    generator.script(held)
    await make_bulk()
    claim = await system.queue.claim("w1")
    assert claim is not None
    running = worker.start_next(claim)
    await generator.called()
    jobs = system.store.collection("generation_jobs")
    await jobs.update_one({"_id": claim.job_id}, {"$set": {"status": "queued", "lease": None}})
    held.release()
    await running
    metrics = metrics_of(worker)
    assert count(metrics, "leases_lost_total") == 1
    assert count(metrics, "attempts_total", mode="topic", outcome="lost") == 1


async def test_tries_to_deliver_are_counted_by_channel_and_end(system: System) -> None:
    metrics, sender = Metrics(), ScriptedSender()
    no, never = SendFailed("no"), SendFailed("no", permanent=True)
    for recipient, plan in {"good": [], "bad": [no], "worse": [never]}.items():
        sender.script(recipient, *plan)
        delivery = await planned(system, recipient)
        async with couriering(a_courier(system, sender, metrics=metrics)):
            await tried(system, delivery)

    async def ends() -> list[float]:
        ways = ("delivered", "failed", "dead")
        return [count(metrics, "notices_total", channel=Channel.WEBHOOK, outcome=end) for end in ways]

    await eventually(ends, lambda found: found == [1, 1, 1])


def test_a_mode_that_is_none_has_no_series_of_its_own() -> None:
    metrics = Metrics()
    metrics.attempted("anything at all", AttemptEnd.FAILED)
    assert count(metrics, "attempts_total", mode="other", outcome="failed") == 1
