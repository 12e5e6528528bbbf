"""Schedules that the tests make, what they submit, and what came of them. No tests here."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bson import ObjectId

from jobs.documents import BulkRequest, UserId
from jobs.errors import PressrunError, StoreUnavailable
from jobs.scheduling.firing_log import Firing
from jobs.scheduling.schedules import Plan, Schedule
from jobs.storage.store import Store
from jobs.system import System
from jobs.templates import TemplateId
from tests.support.clock import MovableClock
from tests.support.faulty_store import FaultyStore

OWNER = "owner"
TEMPLATE = TemplateId(ObjectId())
HOURLY, DAILY = "0 * * * *", "0 12 * * *"
A_MOMENT = timedelta(seconds=1)
REQUEST = BulkRequest(mode="topic", items=[{"topic": "Tea"}, {"topic": "Milk"}])


class Judge:
    """Finds every template good, but for the refusals that it is told of beforehand."""

    def __init__(self, *refusals: PressrunError) -> None:
        self.asked: list[datetime] = []
        self.refusals = list(refusals)

    async def __call__(self, schedule: Schedule, planned_at: datetime) -> BulkRequest:
        self.asked.append(planned_at)
        if self.refusals:
            raise self.refusals.pop(0)
        return REQUEST


def plan(cron: str = DAILY, **fields: Any) -> Plan:
    return Plan(name="Teas", template_id=TEMPLATE, cron=cron, **fields)


async def due(system: System, clock: MovableClock, owner: UserId = OWNER, cron: str = DAILY, **fields: Any) -> Schedule:
    """A schedule whose first firing was due a moment ago."""
    schedule = await system.schedules.keep(owner, plan(cron, **fields))
    assert schedule.next_at is not None
    clock.move(schedule.next_at - clock.now() + A_MOMENT)
    return schedule


async def bulks(system: System, owner: UserId = OWNER) -> list[Any]:
    return [bulk["_id"] for bulk in await system.store.collection("bulk_jobs").find({"userId": owner})]


async def log_of(system: System, schedule: Schedule) -> list[Firing]:
    """Newest first."""
    return list((await system.firing_log.page(schedule.id, 50)).firings)


def dying(store: Store, collection: str, operation: str, number: int, side: str) -> FaultyStore:
    """A store whose process dies at that operation: nothing of it runs after that."""
    faulty = FaultyStore(store)

    def die() -> None:
        faulty.go_down()
        faulty.struck += 1
        raise StoreUnavailable("its process is dead")

    for _ in range(number):
        faulty.before(collection, operation, lambda: None)
    (faulty.before if side == "before" else faulty.after)(collection, operation, die)
    return faulty


def points(rehearsed: FaultyStore) -> list[tuple[str, str, int, str]]:
    """Where a process can die that does what was rehearsed: as `dying` takes them."""
    return [
        (collection, operation, number, side)
        for (collection, operation), times in rehearsed.done.items()
        for number in range(times)
        for side in ("before", "after")
    ]
