"""What validate foresees of a request, going by the jobs before it."""

from __future__ import annotations

from typing import Any

import httpx2

from jobs.expenses import Expense
from jobs.outcomes import Completed
from jobs.storage.store import Store
from jobs.system import System
from tests.service.conftest import As
from tests.service.requesting import BULKS, bulk, end_jobs, post, stored, submit_quick


def took(seconds: int) -> Completed:
    stages = [{"name": "component-generation", "status": "completed", "duration_ms": seconds * 1000}]
    usage = {"input_tokens": 1, "output_tokens": 1, "cost": 0.25}
    meta = {"pipeline": "article", "stages": stages, "usage": usage}
    return Completed("text", meta, Expense(0.25, settled=True))


async def estimate(client: httpx2.AsyncClient, **fields: Any) -> Any:
    answer = await post(client, f"{BULKS}/validate", bulk(10, delay_seconds=0, **fields))
    assert answer["valid"] is True
    return answer["estimate"]


async def test_validate_foresees_time_and_cost_from_the_last_jobs_of_the_kind(
    api: httpx2.AsyncClient, as_user: As, system: System, store: Store
) -> None:
    assert await estimate(api) is None
    await submit_quick(api)
    await end_jobs(system, *[took(seconds) for seconds in range(10, 20)])
    before = await stored(store)
    for client in (api, as_user("other")):  # times and costs are told of all jobs together
        foreseen = await estimate(client)
        assert 95 < foreseen["seconds_low"] < 145 < foreseen["seconds_high"] < 240
        assert foreseen["cost"] == 2.5
    assert await estimate(api, pipeline="plain") is None
    assert await stored(store) == before


async def test_limits_that_slow_everything_down_are_in_the_estimate(
    api: httpx2.AsyncClient, admin: httpx2.AsyncClient, system: System
) -> None:
    await submit_quick(api)
    await end_jobs(system, *[took(10)] * 10)
    free = await estimate(api, parallelism=10, stagger_ms=0)
    assert 7 <= free["seconds_low"] <= 12 <= free["seconds_high"] < 25
    await admin.patch("/api/limits", json={"max_running": 2})
    assert (await estimate(api, parallelism=10, stagger_ms=0))["seconds_low"] > 30
    await admin.patch("/api/limits", json={"requests_per_minute": 1})
    assert (await estimate(api, parallelism=10, stagger_ms=0))["seconds_low"] >= 540


async def test_the_slots_of_the_live_workers_are_in_the_estimate(api: httpx2.AsyncClient, system: System) -> None:
    await submit_quick(api)
    await end_jobs(system, *[took(10)] * 10)
    await system.workers.beat("w1", slots=1, version="1", jobs=[])
    assert (await estimate(api, parallelism=10, stagger_ms=0))["seconds_low"] > 60


async def test_nothing_is_foreseen_of_a_request_that_is_not_valid(api: httpx2.AsyncClient, system: System) -> None:
    await submit_quick(api)
    await end_jobs(system, took(10))
    answer = await post(api, f"{BULKS}/validate", bulk(9))
    assert (answer["valid"], answer["estimate"]) == (False, None)
