"""How far a bulk and its jobs have come, how fast, and when they will have ended, as the API tells it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest

from jobs.checkpoints import Reached
from jobs.expenses import Expense
from jobs.outcomes import Completed
from jobs.states import JobStatus
from jobs.system import System
from tests.service.requesting import BULKS, JOBS, claimed, get, post, submit_quick
from tests.support.clock import MovableClock

QUEUE = "/api/queue"


@pytest.fixture(autouse=True)
async def worker(system: System) -> None:
    await system.workers.beat("w1", slots=1, version="1", jobs=[])


async def run(system: System, clock: MovableClock, *seconds: int) -> None:
    for each in seconds:
        claim = await claimed(system)
        clock.move(timedelta(seconds=each))
        stages = [{"name": "component-generation", "status": "completed", "duration_ms": each * 1000}]
        meta = {"pipeline": "article", "stages": stages}
        await system.queue.finish(claim, Completed("text", meta, Expense()))
        await system.workers.beat("w1", slots=1, version="1", jobs=[])


def seconds_until(moment: str, clock: MovableClock) -> float:
    return (datetime.fromisoformat(moment) - clock.now()).total_seconds()


async def test_a_bulk_tells_its_range_its_basis_and_its_speed(
    api: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    bulk_id = await submit_quick(api)
    await run(system, clock, 100, 110, 90, 100)
    detail = await get(api, f"{BULKS}/{bulk_id}")
    estimate = detail["progress"]["estimate"]
    assert seconds_until(estimate["low"], clock) < 600 < seconds_until(estimate["high"], clock) < 1000
    assert estimate["basis"].startswith("4 articles done, 1 min 40 s each at the median (")
    assert detail["bulk_job"]["estimated_completion"] == estimate["high"]
    assert detail["progress"]["per_hour"] == 36.0


async def test_nothing_is_foretold_while_it_is_paused_and_waiting_says_why(
    api: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    bulk_id = await submit_quick(api)
    await run(system, clock, 100)
    await post(api, f"{BULKS}/{bulk_id}/pause", {"reason": "lunch"})
    detail = await get(api, f"{BULKS}/{bulk_id}")
    assert (detail["progress"]["estimate"], detail["bulk_job"]["estimated_completion"]) == (None, None)
    assert detail["progress"]["waiting"]["text"].endswith("lunch")


async def test_a_list_foretells_nothing(api: httpx2.AsyncClient, system: System, clock: MovableClock) -> None:
    await submit_quick(api)
    await run(system, clock, 100)
    assert [bulk["estimated_completion"] for bulk in (await get(api, BULKS))["bulk_jobs"]] == [None]


async def test_jobs_tell_their_steps_their_time_and_what_is_left(
    api: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    bulk_id = await submit_quick(api)
    await run(system, clock, 100, 100, 100)
    claim = await claimed(system)
    began = {"at": clock.now(), "duration_ms": 0}
    for stage, then in (("validation", "context-building"), ("context-building", "component-generation")):
        await system.checkpoints.keep(claim, Reached(stage, began, then, 20), Expense())
    clock.move(timedelta(seconds=40))
    rows = (await get(api, f"{BULKS}/{bulk_id}"))["jobs"]
    assert [row["steps"] for row in (rows[0], rows[3], rows[4])] == [{"done": done, "total": 7} for done in (7, 2, 0)]
    assert [row["elapsed_seconds"] for row in rows[:5]] == [100.0, 100.0, 100.0, 40.0, None]
    assert [row["remaining"] is not None for row in rows] == [False] * 3 + [True] + [False] * 6
    left = rows[3]["remaining"]
    assert 0 < left["low"] < 60 < left["high"] < 200
    shown = (await get(api, f"{JOBS}/{claim.job_id}"))["job"]
    active = (await get(api, QUEUE))["active"]
    for same in (shown, *active):
        assert (same["steps"], same["elapsed_seconds"]) == ({"done": 2, "total": 7}, 40.0)
        assert 0 < same["remaining"]["low"] < same["remaining"]["high"]


async def test_a_running_job_of_a_kind_that_nobody_measured_has_no_time_left(
    api: httpx2.AsyncClient, system: System
) -> None:
    bulk_id = await submit_quick(api)
    claim = await claimed(system)
    detail = await get(api, f"{BULKS}/{bulk_id}")
    row = detail["jobs"][0]
    assert (row["status"], row["elapsed_seconds"], row["remaining"]) == (JobStatus.PROCESSING, 0.0, None)
    told: Any = (await get(api, QUEUE))["active"]
    assert [(job["id"], job["remaining"]) for job in told] == [(str(claim.job_id), None)]
    assert (detail["progress"]["estimate"], detail["progress"]["per_hour"]) == (None, None)
