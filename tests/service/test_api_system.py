"""The queue, its workers, its limits, and whether the service is alive and ready."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx2

from jobs.system import System
from tests.service.conftest import As
from tests.service.requesting import (
    BULKS,
    DONE,
    FAILED,
    OWNER,
    claimed,
    end_jobs,
    get,
    post,
    refused,
    submit_quick,
)
from tests.service.test_api_jobs import SUMMARY
from tests.support.clock import MovableClock

QUEUE = "/api/queue"
QUEUE_FIELDS = {
    "pending", "processing", "completed", "failed", "total", "by_priority", "throughput", "max_concurrency", "active",
    "recent", "rate",
}  # fmt: skip


def counts(state: dict[str, Any]) -> dict[str, int]:
    return {name: state[name] for name in ("pending", "processing", "completed", "failed", "total")}


async def test_the_queue_counts_ones_own_jobs(api: httpx2.AsyncClient, system: System) -> None:
    await submit_quick(api)
    await end_jobs(system, DONE, DONE, FAILED)
    running = await claimed(system)
    state = await get(api, QUEUE)
    assert state.keys() == QUEUE_FIELDS
    assert counts(state) == {"pending": 6, "processing": 1, "completed": 2, "failed": 1, "total": 10}
    assert (state["by_priority"], state["max_concurrency"]) == ({"high": 0, "normal": 0, "low": 6}, None)
    assert (state["rate"], state["throughput"]) == (None, 3)
    assert [job["id"] for job in state["active"]] == [str(running.job_id)]
    assert state["active"][0]["started_at"] is not None
    in_queue = SUMMARY | {"pipeline", "bulk_name"}
    assert all(job.keys() == in_queue for job in state["recent"])
    assert all(
        job.keys() == in_queue | {"steps", "running_since", "elapsed_seconds", "remaining"} for job in state["active"]
    )


async def test_an_empty_queue_is_all_zeros(api: httpx2.AsyncClient) -> None:
    state = await get(api, QUEUE)
    assert counts(state) == {"pending": 0, "processing": 0, "completed": 0, "failed": 0, "total": 0}
    assert (state["active"], state["recent"], state["throughput"]) == ([], [], 0)


async def test_the_queue_shows_the_last_ten_that_ended_and_counts_the_last_minute(
    api: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    await submit_quick(api, 12)
    ended = []
    for _ in range(12):
        clock.move(timedelta(seconds=10))
        claim = await claimed(system)
        await system.queue.finish(claim, DONE)
        ended.append(str(claim.job_id))
    state = await get(api, QUEUE)
    assert [job["id"] for job in state["recent"]] == ended[:1:-1]
    assert state["throughput"] == 6
    clock.move(timedelta(minutes=1))
    assert (await get(api, QUEUE))["throughput"] == 0


async def test_an_ordinary_user_sees_only_their_part_and_an_admin_everything(
    as_user: As, admin: httpx2.AsyncClient, system: System
) -> None:
    for user, items in ((OWNER, 10), ("other", 12)):
        await submit_quick(as_user(user), items)
    await claimed(system)
    assert [(await get(as_user(user), QUEUE))["total"] for user in (OWNER, "other", "nobody")] == [10, 12, 0]
    active = [len((await get(as_user(user), QUEUE))["active"]) for user in (OWNER, "other")]
    assert sorted(active) == [0, 1]
    everything = await get(admin, QUEUE)
    assert (everything["total"], len(everything["active"])) == (22, 1)


async def test_the_throughput_is_ones_own_and_everybodys_for_an_admin(
    as_user: As, admin: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    for user in (OWNER, "other"):
        await submit_quick(as_user(user))
    await end_jobs(system, DONE, FAILED, DONE)
    everything = await get(admin, f"{QUEUE}/throughput")
    assert (everything["hour"]["completed"][-1], everything["hour"]["failed"][-1]) == (2, 1)
    assert {name: (part["step_seconds"], len(part["failed"])) for name, part in everything.items()} == {
        "hour": (60, 60),
        "day": (900, 96),
    }
    assert everything["hour"]["begin"].endswith(":00.000Z")
    own = [sum((await get(as_user(user), f"{QUEUE}/throughput"))["day"]["completed"]) for user in (OWNER, "other", "x")]
    assert (sum(own), own[2]) == (2, 0)


async def test_the_queue_says_what_kind_of_job_ended(api: httpx2.AsyncClient, system: System) -> None:
    await submit_quick(api, name="Boots")
    await end_jobs(system, DONE)
    (ended,) = (await get(api, QUEUE))["recent"]
    assert (ended["pipeline"], ended["bulk_name"], ended["mode"]) == ("article", "Boots", "topic")


async def test_an_admin_sees_the_generators_and_the_tenants(
    api: httpx2.AsyncClient, admin: httpx2.AsyncClient, system: System
) -> None:
    await submit_quick(api, tenant="shop")
    await claimed(system)
    await system.limits.change({"ideas_requests_per_minute": 30})
    state = await get(admin, "/api/system")
    assert state["tenants"] == [{"tenant": "shop", "running": 1, "waiting": 9, "weight": 1.0}]
    unlimited = {"state": "ready", "until": None, "requests_per_minute": None, "pace": None, "rate": None}
    limited = {"requests_per_minute": 30, "pace": 30, "rate": {"utilization": 0.0, "seconds_until_next": 0.0}}
    names = ("default", "ideas", "images")
    assert state["generators"] == [unlimited | {"name": name} | (limited if name == "ideas" else {}) for name in names]
    refused(await api.get("/api/system"), 403)


async def test_workers_are_shown_while_they_are_heard_of(
    admin: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    await system.workers.beat("gone", slots=1, version="0.1.0", jobs=[])
    clock.move(timedelta(seconds=31))
    await system.workers.beat("w1", slots=2, version="0.1.0", jobs=["6b027bdfe484bda5c9f5777d"])
    await system.workers.beat("w2", slots=1, version="0.1.0", jobs=[])
    heard = clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    both = {"version": "0.1.0", "last_heartbeat": heard}
    busy = {"id": "w1", "busy": True, "current_job": "6b027bdfe484bda5c9f5777d", "slots": 2, **both}
    idle = {"id": "w2", "busy": False, "current_job": None, "slots": 1, **both}
    assert await get(admin, "/api/workers") == {"workers": [busy, idle]}


async def test_the_service_is_alive_by_itself_and_ready_with_a_live_worker(
    api: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    assert await get(api, "/healthz") == {"status": "ok"}
    response = await api.get("/readyz")
    assert refused(response, 503) == "No worker is alive: start one with `pressrun worker`."
    assert int(response.headers["retry-after"]) >= 1
    await system.workers.beat("w1", slots=1, version="0.1.0", jobs=[])
    assert await get(api, "/readyz") == {"status": "ready"}
    clock.move(timedelta(seconds=31))
    refused(await api.get("/readyz"), 503)


async def test_a_cancelled_bulk_is_not_waiting_in_the_queue(api: httpx2.AsyncClient) -> None:
    bulk_id = await submit_quick(api)
    await post(api, f"{BULKS}/{bulk_id}/cancel")
    assert counts(await get(api, QUEUE)) == {"pending": 0, "processing": 0, "completed": 0, "failed": 0, "total": 10}
