"""Deliveries: planned once, claimed by one courier, settled under its token; wherever a courier dies, none is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from jobs.errors import StoreUnavailable
from jobs.notification.addressed import Channel, DeliveryState
from jobs.notification.deliveries import (
    LEASE,
    LONGEST_ANSWER,
    LONGEST_ERROR,
    MOST_ATTEMPTS_KEPT,
    Attempt,
    Deliveries,
    Delivery,
)
from jobs.storage.store import Store
from jobs.system import System
from tests.support.clock import MovableClock
from tests.support.deliveries import OWNER, WORKER, attempt, claim, claimed, planned, stored
from tests.support.faulty_store import FaultyStore

WAIT = timedelta(minutes=5)
Settle = Callable[[Deliveries, Delivery, Attempt], Awaitable[bool]]
SETTLES: dict[str, Settle] = {
    "delivered": lambda deliveries, delivery, attempt: deliveries.delivered(delivery, attempt),
    "dead": lambda deliveries, delivery, attempt: deliveries.dead(delivery, attempt),
    "failed": lambda deliveries, delivery, attempt: deliveries.failed(delivery, attempt, WAIT),
}
each_settle = pytest.mark.parametrize("settle", SETTLES.values(), ids=SETTLES)


@pytest.fixture
def faulty(store: Store) -> FaultyStore:
    return FaultyStore(store)


@pytest.fixture
def cut(faulty: FaultyStore, clock: MovableClock) -> Deliveries:
    """Over a store whose answers a test cuts off."""
    return Deliveries(faulty, clock)


async def test_what_is_planned_again_is_one_delivery_and_stays_as_it_is(system: System) -> None:
    delivery_id = await planned(system)
    document = await stored(system, delivery_id)
    await system.deliveries.delivered(await claimed(system), attempt(system))
    await asyncio.gather(*(system.deliveries.plan([document]) for _ in range(3)))
    assert (await stored(system, delivery_id))["state"] == DeliveryState.DELIVERED
    assert await system.store.collection("deliveries").count({}) == 1


async def test_a_claim_has_all_that_a_sender_needs(system: System, clock: MovableClock) -> None:
    delivery_id = await planned(system, "mail", channel=Channel.EMAIL, address="a@shop.example")
    delivery = await claimed(system)
    assert (delivery.id, delivery.owner, delivery.channel, delivery.tries) == (delivery_id, OWNER, Channel.EMAIL, 1)
    assert delivery.body["id"] == delivery_id.removesuffix(".mail")
    assert (delivery.body["type"], delivery.body["at"]) == ("bulk.completed", clock.now())
    assert (delivery.address, delivery.until) == ("a@shop.example", clock.now() + LEASE)
    assert "shop.example" not in repr(delivery)


async def test_of_many_couriers_one_gets_it(system: System) -> None:
    await planned(system)
    claims = await asyncio.gather(*(claim(system.deliveries, f"w{n}") for n in range(8)))
    assert len([one for one in claims if one is not None]) == 1


async def test_the_one_that_is_due_the_longest_comes_first_and_none_before_it_is_due(
    system: System, clock: MovableClock
) -> None:
    late = await planned(system, wait=timedelta(seconds=10))
    soon = await planned(system, wait=timedelta(seconds=5))
    assert await claim(system.deliveries, WORKER) is None
    clock.move(timedelta(seconds=10))
    assert [(await claimed(system)).id for _ in range(2)] == [soon, late]


async def test_recipients_at_their_limit_and_channels_without_a_sender_are_passed_over(system: System) -> None:
    await planned(system, "busy")
    await planned(system, "mail", channel=Channel.EMAIL, address="a@shop.example")
    free = await planned(system, "free")
    found = await claim(system.deliveries, WORKER, [Channel.WEBHOOK], ["busy", "other"])
    assert found is not None
    assert found.id == free
    assert await claim(system.deliveries, WORKER, [Channel.WEBHOOK], ["busy"]) is None


async def test_the_end_is_kept_with_its_attempt(system: System, clock: MovableClock) -> None:
    delivery_id = await planned(system)
    delivery = await claimed(system)
    began = clock.now()
    clock.move(timedelta(seconds=2))
    assert await system.deliveries.delivered(delivery, Attempt(began, 2.0, 204, "x" * 5000))
    found = await stored(system, delivery_id)
    assert (found["state"], found["ended_at"], found["lease"]) == ("delivered", clock.now(), None)
    (entry,) = found["attempts"]
    assert (entry["at"], entry["seconds"], entry["status"], entry["error"]) == (began, 2.0, 204, None)
    assert entry["answer"] == "x" * LONGEST_ANSWER
    clock.move(timedelta(days=400))
    assert await claim(system.deliveries, WORKER) is None


async def test_a_failure_falls_due_after_its_wait_and_not_before(system: System, clock: MovableClock) -> None:
    await planned(system)
    assert await system.deliveries.failed(await claimed(system), attempt(system, "x" * 5000), WAIT)
    clock.move(WAIT - timedelta(milliseconds=1))
    assert await claim(system.deliveries, WORKER) is None
    clock.move(timedelta(milliseconds=1))
    again = await claimed(system)
    assert again.tries == 2
    assert len((await stored(system, again.id))["attempts"][0]["error"]) == LONGEST_ERROR


async def test_the_last_attempts_are_kept(system: System, clock: MovableClock) -> None:
    delivery_id = await planned(system)
    for number in range(MOST_ATTEMPTS_KEPT + 2):
        delivery = await claimed(system)
        await system.deliveries.failed(delivery, attempt(system, f"failure {number}"), timedelta(0))
    errors = [entry["error"] for entry in (await stored(system, delivery_id))["attempts"]]
    assert (len(errors), errors[0], errors[-1]) == (50, "failure 2", "failure 51")


async def test_what_a_dead_courier_held_falls_due_with_its_lease_and_its_try_counts(
    system: System, clock: MovableClock
) -> None:
    delivery_id = await planned(system)
    await claimed(system)
    clock.move(LEASE - timedelta(milliseconds=1))
    assert await claim(system.deliveries, "worker-2") is None
    clock.move(timedelta(milliseconds=1))
    again = await claimed(system, "worker-2")
    assert (again.id, again.tries) == (delivery_id, 2)


@each_settle
async def test_a_courier_that_slept_past_its_lease_writes_nothing_once_another_has_claimed(
    system: System, clock: MovableClock, settle: Settle
) -> None:
    delivery_id = await planned(system)
    stale = await claimed(system)
    clock.move(LEASE)
    await claimed(system, "worker-2")
    before = await stored(system, delivery_id)
    assert not await settle(system.deliveries, stale, attempt(system, "late"))
    assert await stored(system, delivery_id) == before


@each_settle
async def test_it_writes_nothing_either_when_the_other_has_settled(
    system: System, clock: MovableClock, settle: Settle
) -> None:
    delivery_id = await planned(system)
    stale = await claimed(system)
    clock.move(LEASE)
    await system.deliveries.delivered(await claimed(system, "worker-2"), attempt(system))
    before = await stored(system, delivery_id)
    assert not await settle(system.deliveries, stale, attempt(system, "late"))
    assert await stored(system, delivery_id) == before


@each_settle
async def test_a_settle_that_is_repeated_after_a_lost_answer_is_success_and_counts_once(
    system: System, cut: Deliveries, faulty: FaultyStore, settle: Settle
) -> None:
    delivery_id = await planned(system)
    delivery = await claimed(system)
    faulty.break_after("deliveries", "update_one")
    with pytest.raises(StoreUnavailable):
        await settle(cut, delivery, attempt(system, "once"))
    after = await stored(system, delivery_id)
    assert after["lease"] is None
    assert await settle(cut, delivery, attempt(system, "once"))
    assert await stored(system, delivery_id) == after
    assert len(after["attempts"]) == 1


@each_settle
async def test_a_settle_that_never_arrived_leaves_the_lease_and_so_another_try(
    system: System, cut: Deliveries, faulty: FaultyStore, clock: MovableClock, settle: Settle
) -> None:
    delivery_id = await planned(system)
    delivery = await claimed(system)
    faulty.break_before("deliveries", "update_one")
    with pytest.raises(StoreUnavailable):
        await settle(cut, delivery, attempt(system, "never"))
    clock.move(LEASE)
    assert (await claimed(system, "worker-2")).id == delivery_id


@pytest.mark.parametrize("took_effect", [True, False])
async def test_a_claim_whose_answer_was_cut_off_is_made_again_after_its_lease_at_the_latest(
    system: System, cut: Deliveries, faulty: FaultyStore, clock: MovableClock, took_effect: bool
) -> None:
    delivery_id = await planned(system)
    fault = faulty.break_after if took_effect else faulty.break_before
    fault("deliveries", "find_one_and_update")
    with pytest.raises(StoreUnavailable):
        await claim(cut, WORKER)
    if took_effect:
        assert await claim(cut, WORKER) is None
        clock.move(LEASE)
    again = await claimed(system)
    assert (again.id, again.tries) == (delivery_id, 2 if took_effect else 1)


@pytest.mark.parametrize("took_effect", [True, False])
async def test_planning_that_was_cut_off_is_completed_by_the_next(
    system: System, cut: Deliveries, faulty: FaultyStore, took_effect: bool
) -> None:
    document = await stored(system, await planned(system))
    await system.store.collection("deliveries").delete_many({})
    other = {**document, "_id": "other"}
    fault = faulty.break_after if took_effect else faulty.break_before
    fault("deliveries", "insert_many")
    with pytest.raises(StoreUnavailable):
        await cut.plan([document, other])
    await cut.plan([document, other])
    assert await system.store.collection("deliveries").count({}) == 2
