"""How many jobs have ended over time: every part is what a recount gives, and what is over is read once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from jobs.clock import Clock
from jobs.documents import UserId
from jobs.estimation import throughput
from jobs.estimation.throughput import Series, Throughput
from jobs.outcomes import Completed, Failed
from jobs.storage.store import Document, Filter, Store
from jobs.system import System
from tests.jobs.conftest import OWNER, MakeBulk
from tests.jobs.test_queue import claimed
from tests.support.clock import MovableClock

DONE = Completed("text", {})
FAILED = Failed("no", definite=True)


async def end(system: System, *outcomes: Completed | Failed) -> None:
    for outcome in outcomes:
        await system.queue.finish(await claimed(system), outcome)


def shown(series: Series) -> list[tuple[int, int, int]]:
    """Steps back from the last one, completed, failed; of those in which something ended."""
    parts = enumerate(zip(reversed(series.completed), reversed(series.failed), strict=True))
    return [(back, completed, failed) for back, (completed, failed) in parts if completed or failed]


def on_the_hour(clock: MovableClock) -> None:
    now = clock.now()
    clock.move(now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1, seconds=10) - now)


async def test_ends_are_counted_by_minute_and_by_quarter_of_an_hour(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    on_the_hour(clock)
    await make_bulk(6, max_retries=0)
    await end(system, DONE, FAILED)
    clock.move(timedelta(minutes=1))
    await end(system, DONE)
    clock.move(timedelta(minutes=29))
    await end(system, DONE)
    hour, day = await system.throughput.last_hour(OWNER), await system.throughput.last_day(OWNER)
    assert (len(hour.completed), len(hour.failed), len(day.completed)) == (60, 60, 96)
    assert (shown(hour), shown(day)) == ([(0, 1, 0), (29, 1, 0), (30, 1, 1)], [(0, 1, 0), (2, 2, 1)])
    assert hour.begin + 59 * hour.step <= clock.now() < hour.begin + 60 * hour.step
    clock.move(timedelta(minutes=31))
    assert shown(await system.throughput.last_hour(OWNER)) == [(31, 1, 0)]
    clock.move(timedelta(hours=24))
    assert shown(await system.throughput.last_day(OWNER)) == []


async def test_everyone_has_a_series_of_their_own_and_none_is_of_all(system: System, make_bulk: MakeBulk) -> None:
    for owner in (OWNER, "other"):
        await make_bulk(1, owner=owner)
    await end(system, DONE, DONE)
    owners: tuple[UserId | None, ...] = (OWNER, "other", "nobody", None)
    assert [sum((await system.throughput.last_hour(owner)).completed) for owner in owners] == [1, 1, 0, 2]


async def test_cancelled_jobs_are_no_throughput(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(3)
    await system.controls.cancel(OWNER, bulk_id)
    assert shown(await system.throughput.last_hour(OWNER)) == []


class Asked:
    """A store that notes from when on ended jobs were asked for."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.since: list[datetime] = []
        self._jobs = store.collection("generation_jobs")

    def collection(self, _: str) -> Asked:
        return self

    async def aggregate(self, pipeline: list[Filter]) -> list[Document]:
        self.since.append(pipeline[0]["$match"]["completed_at"]["$gte"])
        return await self._jobs.aggregate(pipeline)


async def test_what_is_over_is_read_once(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    on_the_hour(clock)
    await make_bulk(4)
    await end(system, DONE)
    asked: Any = Asked(store, clock)
    kept = Throughput(asked, clock)
    for minutes in (0, 10, 1, 30):
        clock.move(timedelta(minutes=minutes))
        await end(system, *[DONE] * (minutes == 10))
        told = await kept.last_hour(OWNER)
        assert told == await Throughput(store, clock).last_hour(OWNER)
    first, second, third, fourth = asked.since
    assert [second - first, third - second, fourth - third] == [timedelta(minutes=each) for each in (57, 10, 1)]


async def test_an_end_that_is_stored_late_is_counted(system: System, store: Store, clock: MovableClock) -> None:
    on_the_hour(clock)
    kept = Throughput(store, clock)
    assert shown(await kept.last_hour(None)) == []
    clock.move(timedelta(minutes=1))
    assert shown(await kept.last_hour(None)) == []
    late = {"_id": 1, "schema": 1, "status": "completed", "completed_at": clock.now() - timedelta(seconds=61)}
    await store.collection("generation_jobs").insert_one(late)
    clock.move(timedelta(seconds=30))
    assert shown(await kept.last_hour(None)) == [(1, 1, 0)]


async def test_no_more_owners_are_remembered_than_there_is_room_for(
    system: System, store: Store, make_bulk: MakeBulk, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throughput, "MOST_REMEMBERED", 2)
    await make_bulk(1)
    await end(system, DONE)
    asked: Any = Asked(store, clock)
    kept = Throughput(asked, clock)
    for owner in ("a", "b", "a", OWNER, "a", "b"):
        await kept.last_hour(owner)
    whole = asked.since[0]
    assert [since == whole for since in asked.since] == [True, True, False, True, False, True]
    assert sum((await kept.last_hour(OWNER)).completed) == 1
