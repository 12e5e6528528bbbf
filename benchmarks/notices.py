"""How soon owners are told of bulks that have ended while an endpoint hangs, and whether a death loses a message."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import httpx2

from benchmarks.bench import Bench
from benchmarks.deployment import a_bulk, deployed, http_client
from benchmarks.figures import Figure, Figures, at_most, percentile
from benchmarks.instant_generator import InstantGenerator
from benchmarks.receivers import Receiver
from tests.support.deployment import Deployment

BULKS = 1_000
HEALTHY = 2
WORKERS, SLOTS = 2, 20
GOAL_SECONDS = 5.0
STORM_BULKS = 300
STORM_WORKERS = 3
DEATHS = 8
BETWEEN_DEATHS_SECONDS = 2.0
PATIENCE_SECONDS = 240.0
"""A delivery whose worker died waits for its lease (60 s), and up to 15 s until somebody looks."""

SUBMITTING = 20


@dataclass(frozen=True)
class Scene:
    deployment: Deployment
    http: httpx2.AsyncClient
    receivers: Sequence[Receiver]
    bulks: frozenset[str]


async def run(bench: Bench) -> Figures:
    async for figure in _at_once(bench):
        yield figure
    async for figure in _storm(bench):
        yield figure


async def _at_once(bench: Bench) -> Figures:
    async with _scene(bench, bench.scaled(BULKS), hanging=1) as scene:
        for _ in range(WORKERS):
            await scene.deployment.add_worker()
        healthy = scene.receivers[:HEALTHY]
        for receiver in healthy:
            await receiver.until(len(scene.bulks), PATIENCE_SECONDS)
        seconds = [
            min(receiver.came[message]) - at
            for receiver in healthy
            for message, told in receiver.told.items()
            for _, at in told
        ]
        ends = [at for told in healthy[0].told.values() for _, at in told]
        what = f"{len(scene.bulks)} ends within {max(ends) - min(ends):.1f} s, one endpoint of three hangs"
        yield Figure(what, len(seconds), "messages", note=f"{WORKERS} workers of {SLOTS} slots")
        yield Figure("    from the end to its message, p50", percentile(seconds, 50), "s")
        yield at_most("    from the end to its message, p99", percentile(seconds, 99), "s", GOAL_SECONDS)
        for figure in _judged(scene.bulks, healthy):
            yield figure


async def _storm(bench: Bench) -> Figures:
    async with _scene(bench, bench.scaled(STORM_BULKS), hanging=0) as scene:
        deployment = scene.deployment
        for _ in range(STORM_WORKERS):
            await deployment.add_worker()
        for _ in range(DEATHS):
            await asyncio.sleep(BETWEEN_DEATHS_SECONDS)
            killed = deployment.workers.pop(0)
            killed.send(signal.SIGKILL)
            await killed.ended()
            await deployment.add_worker()
        for receiver in scene.receivers:
            await receiver.until(len(scene.bulks), PATIENCE_SECONDS)
        yield Figure("storm: workers killed", DEATHS, "", note=f"{STORM_WORKERS} at work at a time")
        for figure in _judged(scene.bulks, scene.receivers):
            yield figure


def _judged(bulks: frozenset[str], receivers: Sequence[Receiver]) -> list[Figure]:
    """Each bulk has ended once: so one id each at every receiver, and no id for two bulks."""
    expected = {f"{bulk}-1-completed": bulk for bulk in bulks}
    lost = sum(len(expected.keys() - receiver.came.keys()) for receiver in receivers)
    wrong = sum(
        message not in expected or {bulk for bulk, _ in told} != {expected[message]}
        for receiver in receivers
        for message, told in receiver.told.items()
    )
    repeats = sum(len(times) - 1 for receiver in receivers for times in receiver.came.values())
    return [
        at_most("    messages lost", lost, "", 0),
        at_most("    ids of no end, or of two", wrong, "", 0),
        Figure("    sent again under the same id", repeats, ""),
    ]


@contextlib.asynccontextmanager
async def _scene(bench: Bench, bulks: int, *, hanging: int) -> AsyncIterator[Scene]:
    """Bulks of one that wait, and nobody at work yet."""
    async with contextlib.AsyncExitStack() as stack:
        database = await stack.enter_async_context(bench.database())
        generator = await stack.enter_async_context(InstantGenerator())
        receivers = [await stack.enter_async_context(Receiver()) for _ in range(HEALTHY)]
        receivers += [await stack.enter_async_context(Receiver(hangs=True)) for _ in range(hanging)]
        allowed = ",".join(f'"{receiver.url}"' for receiver in receivers)
        settings = {
            "PRESSRUN_ENCRYPTION__KEYS": '["a key of the benchmark, as long as one has to be"]',
            "PRESSRUN_OUTBOUND__ALLOW": f"[{allowed}]",
            "PRESSRUN_WORKER__SLOTS": str(SLOTS),
            "PRESSRUN_WORKER__LEASE_SECONDS": "3",
            "PRESSRUN_WORKER__SWEEP_SECONDS": "0.5",
        }
        deploying = deployed(bench, database, generator.url, workers=0, settings=settings)
        deployment = await stack.enter_async_context(deploying)
        http = await stack.enter_async_context(http_client(deployment.url))
        for receiver in reversed(receivers):
            body = {"url": f"{receiver.url}/", "events": ["bulk.completed"]}
            (await http.post("/api/webhooks", json=body)).raise_for_status()
        made: list[str] = []
        for begin in range(0, bulks, SUBMITTING):
            wanted = (_submit(http, number) for number in range(begin, min(begin + SUBMITTING, bulks)))
            made += await asyncio.gather(*wanted)
        yield Scene(deployment, http, receivers, frozenset(made))


async def _submit(http: httpx2.AsyncClient, number: int) -> str:
    request = a_bulk(1)
    item = request["items"]
    assert isinstance(item, list)
    body = {"mode": request["mode"], "pipeline": request["pipeline"], **item[0], "topic": f"Boots {number}"}
    answer = await http.post("/api/jobs", json=body)
    answer.raise_for_status()
    bulk_id: str = answer.json()["bulk_job_id"]
    return bulk_id
