"""The relay: every event becomes its notice and is planned, however it is cut short or doubled. On both stores."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from bson import ObjectId

import jobs.notification.outbox
from jobs.documents import BulkId, UserId
from jobs.errors import StoreRefused, StoreUnavailable
from jobs.events import Event
from jobs.notification.notices import Notices
from jobs.notification.outbox import UNTOLD, Outbox
from jobs.outcomes import Cancelled, Completed, Failed
from jobs.storage.store import Document
from jobs.system import System
from jobs.wake import MOST, Wake
from tests.jobs.conftest import LEASE, OWNER, MakeBulk
from tests.jobs.test_events import run
from tests.jobs.test_queue import claimed
from tests.support.clock import MovableClock

DONE = Completed("text", {})
FAILED = Failed("no", definite=True)


class Planned:
    """A planner that keeps what it was told, and refuses some."""

    def __init__(self) -> None:
        self.told: Counter[str] = Counter()
        self.by_owner: dict[str, UserId] = {}
        self.notify: list[Document | None] = []
        self.refused: dict[str, Exception] = {}

    async def plan(self, event: Event, owner: UserId, bulk: Document) -> None:
        if event.type.value in self.refused:
            raise self.refused[event.type.value]
        self.told[event.id] += 1
        self.by_owner[event.id] = owner
        self.notify.append(bulk["notify"])


@pytest.fixture
def planned() -> Planned:
    return Planned()


@pytest.fixture
def outbox(system: System, planned: Planned) -> Outbox:
    return Outbox(system.store, system.notices, system.outbox.wake, planned)


async def notices(system: System) -> list[str]:
    return sorted(notice["_id"] for notice in await system.store.collection("notices").find({}))


async def untold(system: System) -> int:
    bulks = await system.store.collection("bulk_jobs").find(UNTOLD)
    jobs = await system.store.collection("generation_jobs").find(UNTOLD)
    return sum(len(document["events"]) for document in [*bulks, *jobs])


async def test_events_of_bulks_and_jobs_become_notices_and_are_taken_away(
    system: System, outbox: Outbox, planned: Planned, make_bulk: MakeBulk
) -> None:
    bulk_id = await make_bulk(2)
    await run(system, DONE, FAILED)
    assert (await outbox.relay(), await outbox.relay_jobs()) == (1, 1)
    assert await notices(system) == sorted(planned.told)
    assert f"{bulk_id}-1-completed" in planned.told
    assert set(planned.by_owner.values()) == {OWNER}
    assert await untold(system) == 0
    assert (await outbox.relay(), await outbox.relay_jobs()) == (0, 0)


async def test_without_a_planner_there_are_notices_all_the_same(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(1)
    await run(system, DONE)
    assert await system.outbox.relay() == 1
    assert await notices(system) == [f"{bulk_id}-1-completed"]


async def test_to_take_an_event_away_is_no_change_that_anybody_sees(
    system: System, outbox: Outbox, make_bulk: MakeBulk
) -> None:
    bulk_id = await make_bulk(1)
    await run(system, DONE)
    before = await system.lookup.bulk(OWNER, bulk_id)
    await outbox.relay()
    assert await system.lookup.bulk(OWNER, bulk_id) == before | {"events": []}


async def test_an_event_that_comes_while_others_are_told_is_not_taken_away(
    system: System, planned: Planned, make_bulk: MakeBulk
) -> None:
    bulk_id = await make_bulk(2)
    await run(system, FAILED, DONE)

    class Slow(Notices):
        async def keep(self, event: Event, owner: UserId) -> None:
            await super().keep(event, owner)
            if event.generation == 1:
                await system.controls.retry(OWNER, bulk_id)
                await run(system, DONE)

    outbox = Outbox(system.store, Slow(system.store, system.clock), Wake(), planned)
    assert await outbox.relay() == 1
    assert await outbox.relay() == 1
    assert planned.told == {f"{bulk_id}-1-completed": 1, f"{bulk_id}-2-completed": 1}


async def test_two_relays_at_once_tell_under_the_same_ids(
    system: System, outbox: Outbox, planned: Planned, make_bulk: MakeBulk
) -> None:
    bulk_ids = [await make_bulk(1) for _ in range(20)]
    await run(system, *[DONE] * 20)
    await asyncio.gather(outbox.relay(), outbox.relay())
    assert await notices(system) == sorted(planned.told) == sorted(f"{one}-1-completed" for one in bulk_ids)
    assert await untold(system) == 0


async def test_what_cannot_be_told_now_stays_and_holds_nothing_else_up(
    system: System, outbox: Outbox, planned: Planned, make_bulk: MakeBulk
) -> None:
    refused = await make_bulk(2)
    await run(system, DONE, FAILED)
    planned.refused["bulk.completed"] = StoreRefused("too large")
    assert (await outbox.relay(limit=1), await outbox.relay_jobs()) == (0, 1)
    await system.controls.cancel(OWNER, await make_bulk(1))
    assert await outbox.relay(limit=1) == 1
    assert await untold(system) == 1
    planned.refused.clear()
    outbox.wake.bulk(refused)
    assert (await outbox.relay(), await outbox.relay_fresh()) == (0, 1)


async def test_what_could_not_be_told_is_looked_at_again_after_a_while(
    system: System, outbox: Outbox, planned: Planned, make_bulk: MakeBulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs.notification.outbox, "PUT_OFF_SECONDS", 0.0)
    await make_bulk(1)
    await run(system, DONE)
    planned.refused["bulk.completed"] = StoreRefused("too large")
    assert await outbox.relay() == 0
    planned.refused.clear()
    assert await outbox.relay() == 1


async def test_while_the_database_is_away_nothing_is_taken_away(
    system: System, outbox: Outbox, planned: Planned, make_bulk: MakeBulk
) -> None:
    await make_bulk(1)
    await run(system, DONE)
    planned.refused["bulk.completed"] = StoreUnavailable("gone")
    with pytest.raises(StoreUnavailable):
        await outbox.relay()
    assert (await untold(system), await notices(system)) == (1, [])


async def test_a_relay_that_dies_before_it_takes_the_event_away_is_repeated(
    system: System, outbox: Outbox, planned: Planned, make_bulk: MakeBulk
) -> None:
    bulk_id = await make_bulk(1)
    await run(system, DONE)
    (event,) = (await system.lookup.bulk(OWNER, bulk_id))["events"]
    await outbox.relay()
    await system.store.collection("bulk_jobs").update_one({"_id": bulk_id}, {"$push": {"events": event}})
    await system.notices.mark_read(OWNER)
    assert await outbox.relay() == 1
    assert (await notices(system), await system.notices.unread(OWNER)) == ([event["id"]], 0)


async def test_this_process_is_woken_for_what_it_has_just_made(
    system: System, outbox: Outbox, planned: Planned, make_bulk: MakeBulk
) -> None:
    bulk_id = await make_bulk(2)
    waiting = asyncio.create_task(outbox.wake.wait())
    await run(system, DONE)
    assert not waiting.done()
    await run(system, FAILED)
    await asyncio.wait_for(waiting, 5)
    assert await outbox.relay_fresh() == 2
    assert len(planned.told) == 2
    assert await outbox.relay_fresh() == 0
    cancelled = await make_bulk(1)
    await system.controls.cancel(OWNER, cancelled)
    assert await outbox.relay_fresh() == 1
    assert {f"{bulk_id}-1-completed", f"{cancelled}-1-cancelled"} <= set(planned.told)


async def test_this_process_is_woken_for_a_job_that_its_sweep_has_failed(
    system: System, outbox: Outbox, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    await make_bulk(2)
    await system.sweep.run()
    clock.move(LEASE)
    await system.store.collection("generation_jobs").update_many({}, {"$set": {"lost_workers": 2}})
    await claimed(system)
    clock.move(LEASE * 2)
    assert await system.sweep.run() == 1
    assert await outbox.relay_fresh() == 1


async def test_a_process_without_a_relay_does_not_collect_hints_for_ever() -> None:
    wake = Wake()
    for _ in range(MOST + 5):
        wake.bulk(BulkId(ObjectId()))
    assert len(wake.take()[0]) == MOST
    assert wake.take() == ([], [])


async def test_the_planner_is_told_what_the_bulk_was_submitted_with(
    system: System, outbox: Outbox, planned: Planned, make_bulk: MakeBulk
) -> None:
    bulk_id = await make_bulk(2)
    chosen: Document = {"webhook_url": "https://a.example/", "email": None, "progress": []}
    await system.controls.change(OWNER, bulk_id, {"notify": chosen})
    await run(system, FAILED, Cancelled())
    await outbox.relay()
    await outbox.relay_jobs()
    assert planned.notify == [chosen, chosen]


async def test_events_of_a_deleted_bulks_jobs_and_of_earlier_versions_are_forgotten(
    system: System, outbox: Outbox, planned: Planned, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    deleted, older = await make_bulk(2), await make_bulk(1)
    await run(system, FAILED)
    await system.store.collection("bulk_jobs").delete_one({"_id": deleted})
    event = {"id": f"{older}:1:bulk.paused:3", "type": "bulk.paused", "at": clock.now(), "cause": "canary"}
    await system.store.collection("bulk_jobs").update_one({"_id": older}, {"$push": {"events": event}})
    await outbox.relay()
    await outbox.relay_jobs()
    assert (await untold(system), planned.told, await notices(system)) == (0, {}, [])


async def test_an_event_that_only_a_newer_version_knows_is_left_to_its_workers(
    system: System, outbox: Outbox, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await make_bulk(1)
    event = {"id": "new", "type": "bulk.archived", "at": clock.now(), "by": None, "generation": 1, "data": {}}
    await system.store.collection("bulk_jobs").update_one({"_id": bulk_id}, {"$push": {"events": event}})
    assert await outbox.relay() == 0
    assert await untold(system) == 1


async def test_no_more_are_told_at_once_than_was_asked_for(system: System, outbox: Outbox, make_bulk: MakeBulk) -> None:
    for _ in range(3):
        await make_bulk(1)
    await run(system, *[FAILED] * 3)
    assert [await outbox.relay(limit=2), await outbox.relay(limit=2)] == [2, 1]
    assert [await outbox.relay_jobs(limit=2), await outbox.relay_jobs(limit=2)] == [2, 1]
