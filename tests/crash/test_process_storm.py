"""Real processes on a server of their own: killed, stopped, told to stop, cut off, and nothing lost or doubled."""

from __future__ import annotations

import asyncio
from collections import Counter

import httpx2
import pytest

from tests.acceptance.test_journey import assert_counted, submit
from tests.crash.aftermath import (
    assert_each_completed_once,
    assert_each_end_was_said_once,
    assert_no_fault_was_seen,
    assert_nothing_owed,
    assert_only_sleepers_lost_a_lease,
    database_of,
    over,
)
from tests.crash.conftest import STRUCK
from tests.crash.storm import Storm
from tests.support.deployment import Deployment
from tests.support.mongo_server import MongoServer
from tests.support.replies import Reply
from tests.support.scripted_generator import Call, ScriptedGenerator, article

pytestmark = pytest.mark.serial
CALL_SECONDS = 2.0
SLEEP_SECONDS = 1.5 * float(STRUCK["PRESSRUN_WORKER__LEASE_SECONDS"])
WORKERS = 4
BULKS = 30
SEED = 20261122


@pytest.fixture
def workers() -> int:
    return WORKERS


def slowly(call: Call) -> Reply:
    reply = article(call).held()
    asyncio.get_running_loop().call_later(CALL_SECONDS, reply.release)
    return reply


async def test_a_storm_loses_nothing_and_doubles_nothing(
    api: httpx2.AsyncClient, deployment: Deployment, server: MongoServer, generator: ScriptedGenerator
) -> None:
    generator.otherwise = slowly
    bulks = [await submit(api, max_retries=20) for _ in range(BULKS)]
    await generator.called(WORKERS * int(STRUCK["PRESSRUN_WORKER__SLOTS"]))
    storm = Storm(deployment, server, sleep_seconds=SLEEP_SECONDS, seed=SEED)
    blows = await storm.rage()
    begun = {call.body["job_id"] for call in generator.calls}
    assert len(begun) < BULKS * 10, "the work was over before the storm"
    for bulk_id in bulks:
        assert_counted(await over(deployment, api, bulk_id))
    async with database_of(deployment) as store:
        await assert_nothing_owed(store)
        ended = await assert_each_completed_once(store)
    assert ended.total() == BULKS * 10
    await assert_each_end_was_said_once(deployment.workers)
    assert_only_sleepers_lost_a_lease(storm.workers, storm.stopped)
    assert_no_fault_was_seen(storm.workers)
    calls = Counter(call.body["job_id"] for call in generator.calls)
    assert len(calls) == len(set(generator.keys)) == BULKS * 10
    repeated, cost = calls - Counter(set(calls)), storm.cost()
    assert repeated <= cost, f"repeated though no owner was struck: {repeated - cost}"
    kills, cost_of_kills = len(storm.killed), storm.cost_of_kills()
    by_thousand = [1000 * count.total() / kills for count in (repeated & cost_of_kills, cost_of_kills)]
    print(
        f"\nstorm: {blows} blows, of them {kills} kills, {len(storm.stopped)} stops, {storm.crashes} database crashes; "
        f"{ended['completed']} of {BULKS * 10} jobs completed, {ended['failed']} failed\n"
        f"storm: {repeated.total()} generator calls repeated, {cost.total()} allowed; "
        f"by 1,000 kills {by_thousand[0]:,.0f}, {by_thousand[1]:,.0f} allowed"
    )
