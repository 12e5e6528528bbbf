"""What the tests of forecasts start from: bulks whose jobs take known times, and what is foretold. No tests here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from jobs.documents import BulkId, BulkRequest
from jobs.estimation.forecasts import Foreseen
from jobs.expenses import Expense
from jobs.outcomes import Completed
from jobs.system import System
from tests.jobs.conftest import OWNER
from tests.jobs.test_queue import claimed
from tests.support.clock import MovableClock

STAGE = "component-generation"
Submit = Callable[..., Awaitable[BulkId]]


async def submitted(system: System, count: int = 10, *, owner: str = OWNER, **fields: Any) -> BulkId:
    """A bulk of normal priority whose jobs follow each other at once."""
    items = [{"topic": f"Topic {number}"} for number in range(1, count + 1)]
    given = {"items": items, "delay": timedelta(0), "priority": 2.0, **fields}
    return (await system.creation.create(owner, BulkRequest(mode="topic", **given))).bulk_id


def took(seconds: float, **meta: Any) -> Completed:
    stages = [{"name": "validation", "duration_ms": 0}, {"name": STAGE, "duration_ms": round(seconds * 1000)}]
    return Completed("text", {"pipeline": "article", "stages": stages, **meta}, Expense())


async def run(system: System, clock: MovableClock, *seconds: float) -> None:
    """The next jobs, one after the other, each as long as that."""
    for each in seconds:
        claim = await claimed(system)
        clock.move(timedelta(seconds=each))
        await system.workers.beat("w1", slots=10, version="1", jobs=[])
        await system.queue.finish(claim, took(each))


async def foreseen(system: System, bulk_id: BulkId, owner: str = OWNER) -> Foreseen | None:
    bulk = await system.lookup.bulk(owner, bulk_id)
    held_up = await system.waiting.of_bulk(bulk)
    return await system.forecasts.of_bulk(bulk, (await system.lookup.tally(bulk)).counts, held_up)


async def told(system: System, bulk_id: BulkId, clock: MovableClock, owner: str = OWNER) -> tuple[float, float, str]:
    """The seconds until the two ends of the range, and its basis."""
    found = await foreseen(system, bulk_id, owner)
    assert found is not None
    return (found.low - clock.now()).total_seconds(), (found.high - clock.now()).total_seconds(), found.basis
