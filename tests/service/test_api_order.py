"""What a bulk says of its order, its pace and its money: taken, shown, changed while it runs, and heeded."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx2
import pytest
from starlette.requests import Request

from jobs.errors import BudgetUsedUp, PressrunError, QuotaReached
from jobs.expenses import Expense
from jobs.outcomes import Completed
from jobs.storage.store import Store
from jobs.system import System
from service.app import create_app
from service.wire.problems import problem
from tests.service.conftest import As
from tests.service.requesting import (
    BULKS,
    DONE,
    FAILED,
    JOBS,
    as_bulk_id,
    bulk,
    bulk_with,
    claimed,
    end_jobs,
    faults,
    get,
    on_embedded,
    post,
    refused,
    settings,
    submit,
    submit_quick,
)
from tests.support.clock import MovableClock


async def shown(client: httpx2.AsyncClient, bulk_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await get(client, f"{BULKS}/{bulk_id}"))["bulk_job"]
    return found


async def change(client: httpx2.AsyncClient, bulk_id: str, **changes: Any) -> dict[str, Any]:
    response = await client.patch(f"{BULKS}/{bulk_id}", json=changes)
    assert response.status_code == 200, response.text
    changed: dict[str, Any] = response.json()["bulk_job"]
    return changed


@pytest.mark.parametrize(
    ("given", "told"), [("high", "high"), ("normal", "normal"), ("low", "low"), (3, "high"), (0, 0), (2.5, 2.5)]
)
@on_embedded
async def test_a_priority_is_shown_by_its_name_where_it_has_one(
    api: httpx2.AsyncClient, given: object, told: object
) -> None:
    assert (await shown(api, await submit(api, priority=given)))["priority"] == told


async def test_without_a_priority_the_items_and_the_deadline_make_it(
    api: httpx2.AsyncClient, clock: MovableClock
) -> None:
    metadata = {"sku_count": 2_000, "monthly_searches": 20_000, "content_status": "outdated"}
    body = bulk_with({"topic": "x", "metadata": metadata})
    assert (await shown(api, (await post(api, BULKS, body))["bulk_job_id"]))["priority"] == "high"
    soon = (clock.now() + timedelta(hours=5)).isoformat()
    assert (await shown(api, await submit(api, deadline=soon)))["priority"] == "normal"


async def test_a_bulk_of_higher_priority_goes_first(api: httpx2.AsyncClient, system: System) -> None:
    await submit_quick(api)
    urgent = await submit_quick(api, priority="high")
    assert (await claimed(system)).bulk_id == as_bulk_id(urgent)


async def test_a_priority_changed_while_it_waits_moves_the_bulk(api: httpx2.AsyncClient, system: System) -> None:
    first, second = await submit_quick(api, priority="normal"), await submit_quick(api, priority="normal")
    assert (await change(api, second, priority="high"))["priority"] == "high"
    assert (await change(api, first, priority=0.5))["priority"] == 0.5
    assert (await claimed(system)).bulk_id == as_bulk_id(second)


@on_embedded
async def test_priority_changes_can_be_switched_off(system: System, open_client: As) -> None:
    client = open_client(create_app(settings(queue={"priority_changes": "off"}), system))
    bulk_id = await submit(client, priority="low")
    said = refused(await client.patch(f"{BULKS}/{bulk_id}", json={"priority": "high", "name": "n"}), 409)
    assert said == "The priority of a bulk job stays as it was submitted: changes are switched off here."
    found = await shown(client, bulk_id)
    assert (found["priority"], found["name"]) == ("low", None)
    assert (await change(client, bulk_id, name="n"))["name"] == "n"


async def test_as_many_jobs_run_as_the_parallelism_allows_now(
    api: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    bulk_id = await submit_quick(api, parallelism=2, stagger_ms=0)
    for _ in range(2):
        await claimed(system)
    assert await system.queue.claim("w") is None
    assert (await change(api, bulk_id, parallelism=3, stagger_ms=500))["stagger_ms"] == 500
    clock.move(timedelta(seconds=1))
    await claimed(system)
    assert await system.queue.claim("w") is None


async def test_a_budget_tells_what_is_left_and_pauses_the_bulk_when_it_is_used_up(
    api: httpx2.AsyncClient, system: System
) -> None:
    bulk_id = await submit_quick(api, budget={"cost": 1, "cost_per_job": 0.5})
    assert (await shown(api, bulk_id))["budget"] == {"cost": 1, "cost_per_job": 0.5, "left": 1}
    claim = await claimed(system)
    assert (await shown(api, bulk_id))["budget"]["left"] == 0.5
    await system.queue.finish(claim, Completed("text", {"usage": {"cost": 0.75}}, Expense(told=0.75, settled=True)))
    found = await shown(api, bulk_id)
    assert (found["status"], found["budget"]["left"]) == ("paused", 0.25)
    assert (found["pause"]["by"], found["pause"]["cause"]) == ("pressrun", "budget")
    said = refused(await api.post(f"{BULKS}/{bulk_id}/resume"), 409)
    assert said == "The budget of this bulk job is used up: raise it, then resume."
    raised = await change(api, bulk_id, budget={"cost": 2, "cost_per_job": 0.5})
    assert raised["budget"] == {"cost": 2, "cost_per_job": 0.5, "left": 1.25}
    await post(api, f"{BULKS}/{bulk_id}/resume")
    await claimed(system)


async def test_what_is_set_aside_for_a_job_comes_from_the_settings(api: httpx2.AsyncClient) -> None:
    bulk_id = await submit(api, budget={"cost": 5})
    assert (await shown(api, bulk_id))["budget"] == {"cost": 5, "cost_per_job": 0.1, "left": 5}
    assert (await change(api, bulk_id, budget={"cost": 7}))["budget"] == {"cost": 7, "cost_per_job": 0.1, "left": 7}


async def test_a_budget_can_be_taken_off(api: httpx2.AsyncClient, system: System) -> None:
    bulk_id = await submit_quick(api, budget={"cost": 1, "cost_per_job": 1})
    assert (await change(api, bulk_id, budget=None))["budget"] is None
    await end_jobs(system, DONE, DONE)
    assert (await shown(api, bulk_id))["status"] == "processing"


async def test_too_many_failures_pause_the_bulk_with_the_figure(api: httpx2.AsyncClient, system: System) -> None:
    bulk_id = await submit_quick(api, failure_policy={"max_failed_percent": 50, "min_items": 2})
    assert (await shown(api, bulk_id))["failure_policy"] == {"max_failed_percent": 50, "min_items": 2, "canary": None}
    await end_jobs(system, FAILED, FAILED)
    pause = (await shown(api, bulk_id))["pause"]
    assert (pause["cause"], pause["reason"]) == (
        "failure_policy",
        "2 of 2 ended jobs have failed, more than 50 percent",
    )


async def test_a_canary_pauses_the_bulk_after_its_first_jobs(api: httpx2.AsyncClient, system: System) -> None:
    bulk_id = await submit_quick(api, failure_policy={"canary": 1})
    await end_jobs(system, DONE)
    found = await shown(api, bulk_id)
    assert (found["status"], found["pause"]["cause"]) == ("paused", "canary")
    assert found["failure_policy"] == {"max_failed_percent": None, "min_items": 10, "canary": 1}


async def test_an_item_may_ask_to_share_the_result_of_its_like(api: httpx2.AsyncClient, store: Store) -> None:
    job_id = (await post(api, JOBS, {"mode": "topic", "topic": "tea", "dedupe": True}))["job_id"]
    assert (await get(api, f"{JOBS}/{job_id}"))["job"]["dedupe"] is True
    job = await store.collection("generation_jobs").find_one({})
    assert job is not None
    assert job["dedupe"] is True


@on_embedded
async def test_a_budget_below_what_the_settings_set_aside_for_a_job_says_so(api: httpx2.AsyncClient) -> None:
    found = faults(await api.post(BULKS, json=bulk(budget={"cost": 0.05})))
    assert found == {
        "budget.cost": "must not be less than what is set aside for one job (0.1): see cost_per_job",
    }


@on_embedded
async def test_a_priority_that_is_none_is_told_what_there_is(api: httpx2.AsyncClient) -> None:
    found = faults(await api.post(BULKS, json=bulk(priority="urgent")))
    assert found == {"priority": "must be high, normal, low or a number from 0 to 100"}


@pytest.mark.parametrize("error", [BudgetUsedUp(), QuotaReached("You", 5, 10)])
def test_what_is_used_up_is_a_conflict(error: PressrunError) -> None:
    assert problem(Request({"type": "http"}), error).status_code == 409


async def test_a_bulk_and_its_jobs_tell_why_they_wait(api: httpx2.AsyncClient, system: System) -> None:
    bulk_id = await submit_quick(api)
    detail = await get(api, f"{BULKS}/{bulk_id}")
    nobody = {"code": "no_worker", "text": "No worker is alive"}
    assert detail["progress"]["waiting"] == nobody
    assert [job["waiting"] for job in detail["jobs"]] == [nobody] * 10
    await system.workers.beat("w1", slots=1, version="0.1.0", jobs=[])
    await claimed(system)
    detail = await get(api, f"{BULKS}/{bulk_id}")
    assert detail["progress"]["waiting"] is None
    first, second, *_ = detail["jobs"]
    assert (first["waiting"], second["waiting"]["code"]) == (None, "busy")
    for job in (first, second):
        assert (await get(api, f"{JOBS}/{job['id']}"))["job"]["waiting"] == job["waiting"]
    await post(api, f"{BULKS}/{bulk_id}/pause", {"reason": "lunch"})
    detail = await get(api, f"{BULKS}/{bulk_id}")
    assert detail["progress"]["waiting"] == {"code": "paused", "text": "Paused by owner: lunch"}
