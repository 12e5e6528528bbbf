"""Why a bulk waits although nothing is limited: others go first, or nobody has a hand free."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from jobs.controls import Pause
from jobs.documents import Budget, BulkId, BulkRequest
from jobs.reading.waiting import HeldUp, WaitingCode
from jobs.system import System
from tests.jobs.conftest import OWNER
from tests.jobs.test_queue import claimed
from tests.jobs.test_waiting import of_bulk
from tests.support.clock import MovableClock

Submit = Callable[..., Awaitable[BulkId]]


@pytest.fixture
async def submit(system: System) -> Submit:
    """Bulks of three jobs, of normal priority; a worker is alive, and has slots for ten."""
    await system.workers.beat("w1", slots=10, version="1", jobs=[])

    async def submitted(*, owner: str = OWNER, **fields: Any) -> BulkId:
        items = [{"topic": f"Topic {number}"} for number in range(1, 4)]
        given = {"items": items, "delay": timedelta(0), "priority": 2.0, **fields}
        return (await system.creation.create(owner, BulkRequest(mode="topic", **given))).bulk_id

    return submitted


async def test_a_bulk_whose_jobs_run_on_workers_that_are_gone_says_so(
    system: System, submit: Submit, clock: MovableClock
) -> None:
    bulk_id = await submit()
    await claimed(system)
    assert await of_bulk(system, bulk_id) is None
    clock.move(timedelta(minutes=1))
    assert await of_bulk(system, bulk_id) == HeldUp(WaitingCode.NO_WORKER, "No worker is alive")
    await system.workers.beat("w2", slots=1, version="1", jobs=[])
    assert await of_bulk(system, bulk_id) is None


async def test_workers_that_are_all_busy_are_told_with_their_slots(system: System, submit: Submit) -> None:
    await system.workers.beat("w1", slots=1, version="1", jobs=[])
    _, second = await submit(), await submit()
    await claimed(system)
    text = "The workers' only slot is taken; 1 bulk job of the same tenant goes first"
    assert await of_bulk(system, second) == HeldUp(WaitingCode.WORKERS_BUSY, text)


async def test_bulks_of_the_same_tenant_that_go_first_are_counted(system: System, submit: Submit) -> None:
    await submit(priority=3.0)
    await submit()
    await submit(priority=1.0)
    await submit(owner="other")
    two = HeldUp(WaitingCode.BEHIND, "2 bulk jobs of the same tenant go first")
    assert await of_bulk(system, await submit()) == two


async def test_a_bulk_that_may_not_run_is_not_counted_among_those_that_go_first(
    system: System, submit: Submit, clock: MovableClock
) -> None:
    _, late = await submit(budget=Budget(0.5, 1.0)), await submit()
    await system.controls.pause(OWNER, await submit(), Pause())
    in_5_s = {"$set": {"due_at": clock.now() + timedelta(seconds=5)}}
    await system.store.collection("bulk_jobs").update_one({"_id": late}, in_5_s)
    assert await of_bulk(system, await submit()) is None
