"""A database that is away, fails or hangs while real workers run: no call to the generator is repeated for it (I9)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import httpx2
import pytest
from bson import ObjectId

from tests.acceptance.test_journey import assert_counted, submit
from tests.crash.aftermath import (
    assert_each_completed_once,
    assert_each_end_was_said_once,
    assert_no_fault_was_seen,
    assert_nothing_owed,
    database_of,
    over,
)
from tests.crash.conftest import STRUCK
from tests.crash.storm import DRIVER_ERRORS, OPERATIONS
from tests.support.deployment import Deployment
from tests.support.eventually import eventually
from tests.support.mongo_server import MongoServer
from tests.support.replies import never, success
from tests.support.scripted_generator import Call, ScriptedGenerator

pytestmark = pytest.mark.serial
LEASE_SECONDS = float(STRUCK["PRESSRUN_WORKER__LEASE_SECONDS"])
COMPLAINTS = (
    "keeper_database_away",
    "poll_database_away",
    "upkeep_database_away",
    "finish_waits_for_database",
)
"""What a worker says when its database is away, or does not do as it should."""


async def assert_all_went_well(deployment: Deployment, generator: ScriptedGenerator, bulks: int) -> None:
    async with database_of(deployment) as store:
        await assert_nothing_owed(store)
        assert await assert_each_completed_once(store) == {"completed": bulks * 10}
    await assert_each_end_was_said_once(deployment.workers)
    assert_no_fault_was_seen(deployment.workers)
    assert len(set(generator.keys)) == len(generator.calls) == bulks * 10


async def assert_a_worker_noticed(deployment: Deployment) -> None:
    """Soon: that the database failed. Else the test would prove nothing."""

    async def complaints() -> list[dict[str, Any]]:
        return [line for worker in deployment.workers for line in worker.told(*COMPLAINTS)]

    await eventually(complaints)


async def assert_running(deployment: Deployment, calls: Sequence[Call]) -> None:
    """Soon: that the jobs of these calls are run under leases that were renewed, or are run anew."""
    wanted = {"_id": {"$in": [ObjectId(call.body["job_id"]) for call in calls]}, "status": "processing"}
    async with database_of(deployment) as store:

        async def standing() -> int:
            now = await store.server_time()
            jobs = await store.collection("generation_jobs").find(wanted, projection=["lease"])
            return sum(job["lease"]["until"] > now for job in jobs)

        await eventually(standing, lambda count: count == len(calls))


@pytest.mark.parametrize(
    ("outage", "leases"),
    [(MongoServer.cut, 1.25), (MongoServer.cut, 2), (MongoServer.crash, 2)],
    ids=["a cut of a lease and a quarter", "a cut of two leases", "a crash for two leases"],
)
async def test_an_outage_of_more_than_a_lease_repeats_no_call(
    api: httpx2.AsyncClient,
    deployment: Deployment,
    server: MongoServer,
    generator: ScriptedGenerator,
    outage: Callable[[MongoServer], Awaitable[None]],
    leases: float,
) -> None:
    held = never()
    generator.script(*[held] * 6)
    bulks = [await submit(api) for _ in range(6)]
    await generator.called(6)
    calls = list(generator.calls)
    await outage(server)
    await asyncio.sleep(LEASE_SECONDS * leases)
    await server.up()
    await assert_running(deployment, calls)
    held.release()
    for bulk_id in bulks:
        assert_counted(await over(deployment, api, bulk_id))
    await assert_all_went_well(deployment, generator, bulks=6)


@pytest.mark.parametrize("how", DRIVER_ERRORS.values(), ids=DRIVER_ERRORS)
async def test_the_drivers_errors_in_mid_run_repeat_no_call(
    api: httpx2.AsyncClient,
    deployment: Deployment,
    server: MongoServer,
    generator: ScriptedGenerator,
    how: dict[str, Any],
) -> None:
    held = never()
    generator.script(success("The first article."), held)
    bulk_id = await submit(api)
    await generator.called(2)
    await server.fail(OPERATIONS, times=30, **how)
    held.release()
    await assert_a_worker_noticed(deployment)
    assert_counted(await over(deployment, api, bulk_id))
    await server.stop_failing()
    await assert_all_went_well(deployment, generator, bulks=1)


async def test_a_database_that_blocks_for_longer_than_the_driver_waits_repeats_no_call(
    api: httpx2.AsyncClient, deployment: Deployment, server: MongoServer, generator: ScriptedGenerator
) -> None:
    """What is asked within two leases is done after 30 s: ten after the driver has given up, and perhaps again."""
    ends_meanwhile, ends_later = never(), never()
    generator.script(ends_meanwhile, ends_later)
    bulks = [await submit(api) for _ in range(2)]
    call = await generator.called(2)
    await server.fail(OPERATIONS, blockConnection=True, blockTimeMS=30_000)
    ends_meanwhile.release()
    await asyncio.sleep(LEASE_SECONDS * 2)
    last = asyncio.create_task(server.answer_a_find())
    answered, _ = await asyncio.wait({last}, timeout=1)
    assert not answered
    await server.stop_failing()
    await last
    await assert_running(deployment, [call])
    ends_later.release()
    for bulk_id in bulks:
        assert_counted(await over(deployment, api, bulk_id))
    await assert_all_went_well(deployment, generator, bulks=2)
