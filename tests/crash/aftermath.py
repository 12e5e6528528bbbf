"""What must be true when a storm is over, and waiting for it. Nothing is struck here."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from jobs.outcomes import MAX_LOST_WORKERS, WORKER_DIED
from jobs.storage.mongo import MongoStore
from jobs.storage.store import Store
from tests.support.deployment import Deployment
from tests.support.eventually import eventually
from tests.support.invariants import assert_at_rest
from tests.support.processes import Process

ENDS = ("job_ended", "settle_left_to_upkeep", "lease_lost")
"""What a worker says of a running that is over for it: once, and one of these."""


@asynccontextmanager
async def database_of(deployment: Deployment) -> AsyncIterator[Store]:
    name = deployment.settings["PRESSRUN_MONGODB__DATABASE"]
    store = MongoStore.connect(deployment.settings["PRESSRUN_MONGODB__URI"], name, 5, "pressrun-test")
    try:
        yield store
    finally:
        await store.close()


async def over(deployment: Deployment, api: httpx2.AsyncClient, bulk_id: str) -> dict[str, Any]:
    """The bulk once every job of it has ended, however often the database is away until then."""

    async def look() -> dict[str, Any]:
        try:
            answer = await api.get(f"/api/bulk-generate/{bulk_id}")
        except httpx2.HTTPError:
            return {}
        if answer.status_code not in (200, 503):
            await deployment.service.said("unexpected_error")
        assert answer.status_code in (200, 503), deployment.service.output[-3000:]
        seen: dict[str, Any] = answer.json() if answer.status_code == 200 else {}
        return seen

    return await eventually(look, lambda seen: bool(seen) and seen["progress"]["remaining"] == 0, patience=120)


async def assert_nothing_owed(store: Store) -> None:
    """Soon: every counter equals the recount, and no slot, lease, place, intent or creation is left."""
    await _soon(lambda: assert_at_rest(store))


async def assert_each_completed_once(store: Store) -> Counter[str]:
    """One completion each: never two, and none only where three workers were lost. How the jobs ended, by status.

    And one end for each token: a worker that had lost its lease wrote none of its own.
    """
    ended: Counter[str] = Counter()
    for job in await store.collection("generation_jobs").find({}):
        tokens = [attempt["token"] for attempt in job["attempts"]]
        assert len(set(tokens)) == len(tokens), job
        outcomes = Counter(attempt["outcome"] for attempt in job["attempts"])
        completed = job["status"] == "completed"
        assert outcomes["completed"] == int(completed), job
        assert bool(job["result"]) == completed, job
        if not completed:
            assert (job["status"], job["error"]) == ("failed", WORKER_DIED), job
            assert outcomes["lost"] == MAX_LOST_WORKERS, job
        ended[job["status"]] += 1
    return ended


async def assert_each_end_was_said_once(workers: list[Process]) -> None:
    """Soon: these workers still run, and have said one end, a lost lease too, of each running they began."""

    async def all_said() -> None:
        for worker in workers:
            assert worker.runs, worker.output[-3000:]
            assert said_of_jobs(worker, *ENDS) == said_of_jobs(worker, "job_started"), worker.output[-3000:]

    await _soon(all_said)


def assert_only_sleepers_lost_a_lease(workers: list[Process], sleepers: list[Process]) -> None:
    lost = {worker.pid: worker.output[-3000:] for worker in workers if worker.told("lease_lost")}
    assert lost, "nobody has said that it lost its lease"
    assert not lost.keys() - {sleeper.pid for sleeper in sleepers}, lost


def assert_no_fault_was_seen(workers: list[Process]) -> None:
    """None of them crashed over a job, wrote what the database refused, or found an invariant broken."""
    faults = [line for worker in workers for line in worker.told() if line["level"] in ("error", "critical")]
    assert faults == [], faults


def said_of_jobs(worker: Process, *events: str) -> Counter[str]:
    """How often a worker has said one of these, by job."""
    return Counter(line["job_id"] for line in worker.told(*events))


async def _soon(check: Callable[[], Awaitable[None]]) -> None:
    async def look() -> str | None:
        try:
            await check()
        except AssertionError as error:
            return str(error) or repr(error)
        return None

    await eventually(look, lambda wrong: wrong is None)
