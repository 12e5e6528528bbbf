"""The limits of the system and of its tenants, and what the queue tells of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx2
import pytest

from jobs.system import System
from tests.service.requesting import (
    BULKS,
    DONE,
    bulk,
    claimed,
    end_jobs,
    faults,
    get,
    on_embedded,
    post,
    refused,
    submit_quick,
)
from tests.support.clock import MovableClock

QUEUE = "/api/queue"
LIMITS = "/api/limits"
TENANT = f"{LIMITS}/tenants/shop"
OPEN = {
    "max_running": None, "parallel": 100, "requests_per_minute": None, "ideas_requests_per_minute": None,
    "images_requests_per_minute": None, "jobs_per_day": None, "cost_per_day": None,
    "tenant_max_running": None, "tenant_requests_per_minute": None, "tenant_jobs_per_day": None,
    "tenant_cost_per_day": None,
}  # fmt: skip
AS_ALL = {
    "weight": 1.0, "max_running": None, "requests_per_minute": None, "jobs_per_day": None, "cost_per_day": None,
}  # fmt: skip


async def patched(client: httpx2.AsyncClient, url: str, change: dict[str, Any]) -> Any:
    response = await client.patch(url, json=change)
    assert response.status_code == 200, response.text
    return response.json()


async def test_limits_are_read_and_changed_while_the_system_runs(
    admin: httpx2.AsyncClient, system: System, api: httpx2.AsyncClient
) -> None:
    assert await get(admin, LIMITS) == {"limits": OPEN}
    for cap in (1, 10_000, None, 3):
        assert await patched(admin, LIMITS, {"max_running": cap}) == {"limits": OPEN | {"max_running": cap}}
    assert (await get(admin, LIMITS))["limits"]["max_running"] == 3
    assert (await get(api, QUEUE))["max_concurrency"] == 3
    assert (await system.limits.read()).max_running == 3


async def test_every_limit_can_be_set_and_taken_off(admin: httpx2.AsyncClient) -> None:
    given = dict.fromkeys(OPEN, 7)
    assert await patched(admin, LIMITS, given) == {"limits": given}
    off = dict.fromkeys(OPEN.keys() - {"parallel"})
    assert await patched(admin, LIMITS, off) == {"limits": OPEN | {"parallel": 7}}


@pytest.mark.parametrize(("given", "shown"), [("off", 0), ("on", 100), (0, 0), (25, 25)])
@on_embedded
async def test_parallel_running_is_switched_by_word_or_by_percentage(
    admin: httpx2.AsyncClient, given: object, shown: int
) -> None:
    assert (await patched(admin, LIMITS, {"parallel": given}))["limits"]["parallel"] == shown


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({}, ""),
        ({"max_running": 0}, "max_running"),
        ({"max_running": -1}, "max_running"),
        ({"max_running": 10_001}, "max_running"),
        ({"max_running": 2**62}, "max_running"),
        ({"max_running": "3"}, "max_running"),
        ({"max_running": 1.5}, "max_running"),
        ({"max_running": True}, "max_running"),
        ({"parallel": "half"}, "parallel"),
        ({"parallel": 101}, "parallel"),
        ({"parallel": None}, "parallel"),
        ({"requests_per_minute": 0}, "requests_per_minute"),
        ({"requests_per_minute": 1_001}, "requests_per_minute"),
        ({"ideas_requests_per_minute": 0}, "ideas_requests_per_minute"),
        ({"images_requests_per_minute": True}, "images_requests_per_minute"),
        ({"jobs_per_day": 1.5}, "jobs_per_day"),
        ({"cost_per_day": 0}, "cost_per_day"),
        ({"tenant_cost_per_day": "5"}, "tenant_cost_per_day"),
        ({"max_speed": 1}, "max_speed"),
        ({"weight": 2}, "weight"),
        ({"max_running": 2, "running": 0}, "running"),
        ({"_id": "other"}, "_id"),
        ({"slots": {}}, "slots"),
        ([], ""),
    ],
)
@on_embedded
async def test_a_wrong_limit_changes_nothing(admin: httpx2.AsyncClient, change: Any, path: str) -> None:
    assert faults(await admin.patch(LIMITS, json=change)).keys() == {path}
    assert await get(admin, LIMITS) == {"limits": OPEN}


async def test_a_tenant_can_have_limits_of_its_own(admin: httpx2.AsyncClient, system: System) -> None:
    assert await get(admin, TENANT) == {"tenant": "shop", "limits": AS_ALL}
    given = {"weight": 3, "max_running": 2, "requests_per_minute": 5, "jobs_per_day": 100, "cost_per_day": 1.5}
    assert await patched(admin, TENANT, given) == {"tenant": "shop", "limits": given}
    assert (await patched(admin, TENANT, {"max_running": None}))["limits"] == given | {"max_running": None}
    assert (await system.limits.read_tenant("shop")).weight == 3
    assert (await get(admin, f"{LIMITS}/tenants/other"))["limits"] == AS_ALL


@on_embedded
async def test_a_tenants_name_may_hold_what_addresses_are_made_of(admin: httpx2.AsyncClient) -> None:
    name = "shop/eu?é #1"
    quoted = f"{LIMITS}/tenants/shop%2Feu%3F%C3%A9%20%231"
    assert (await patched(admin, quoted, {"weight": 2}))["tenant"] == name
    assert await get(admin, quoted) == {"tenant": name, "limits": AS_ALL | {"weight": 2}}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({}, ""),
        ({"weight": 0}, "weight"),
        ({"weight": None}, "weight"),
        ({"weight": "2"}, "weight"),
        ({"weight": 101}, "weight"),
        ({"max_running": 0}, "max_running"),
        ({"parallel": 5}, "parallel"),
        ({"turn": 0}, "turn"),
    ],
)
@on_embedded
async def test_a_wrong_limit_of_a_tenant_changes_nothing(
    admin: httpx2.AsyncClient, change: dict[str, Any], path: str
) -> None:
    assert faults(await admin.patch(TENANT, json=change)).keys() == {path}
    assert await get(admin, TENANT) == {"tenant": "shop", "limits": AS_ALL}


@on_embedded
async def test_a_tenant_has_a_name_of_at_most_two_hundred_characters(admin: httpx2.AsyncClient) -> None:
    for name in ("", "x" * 201):
        assert faults(await admin.get(f"{LIMITS}/tenants/{name}")).keys() == {"tenant"}


async def test_waiting_jobs_are_counted_by_their_priority(api: httpx2.AsyncClient, system: System) -> None:
    for level in ("high", "normal", "low", 50, 2.5):
        await submit_quick(api, priority=level)
    await end_jobs(system, DONE)
    await claimed(system)
    state = await get(api, QUEUE)
    assert state["by_priority"] == {"high": 18, "normal": 20, "low": 10}
    assert sum(state["by_priority"].values()) == state["pending"]


async def test_the_rate_tells_how_much_of_a_minute_is_used_and_how_long_to_wait(
    api: httpx2.AsyncClient, admin: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    assert (await get(api, QUEUE))["rate"] is None
    await patched(admin, LIMITS, {"requests_per_minute": 2})
    assert (await get(api, QUEUE))["rate"] == {"utilization": 0, "seconds_until_next": 0}
    await submit_quick(api)
    await end_jobs(system, DONE)
    clock.move(timedelta(seconds=10))
    assert (await get(api, QUEUE))["rate"] == {"utilization": 0.5, "seconds_until_next": 0}
    await end_jobs(system, DONE)
    assert (await get(api, QUEUE))["rate"] == {"utilization": 1, "seconds_until_next": 50.5}
    clock.move(timedelta(seconds=51))
    assert (await get(api, QUEUE))["rate"] == {"utilization": 0.5, "seconds_until_next": 0}


async def test_a_generator_that_asked_to_be_left_alone_is_not_called_before(
    api: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    await system.limits.change({"requests_per_minute": 20})
    parked = {"$set": {"spaced_until": clock.now() + timedelta(seconds=90)}}
    await system.store.collection("limits").update_one({"_id": "generator:default"}, parked)
    assert (await get(api, QUEUE))["rate"] == {"utilization": 0, "seconds_until_next": 90}


async def test_more_jobs_than_a_day_may_have_are_refused_with_the_figures(
    api: httpx2.AsyncClient, admin: httpx2.AsyncClient
) -> None:
    await patched(admin, LIMITS, {"tenant_jobs_per_day": 15})
    await post(api, BULKS, bulk(10))
    sentence = refused(await api.post(BULKS, json=bulk(10)), 409)
    for figure in ("15 jobs a day", "10 more"):
        assert figure in sentence
    await post(api, BULKS, bulk(10, tenant="another"))
