"""The courier: what is due is sent and settled, failures come again or end, and nobody is held up by another."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import NoReturn

import pytest

from jobs.errors import StoreUnavailable
from jobs.notification.addressed import Channel, DeliveryState
from jobs.notification.deliveries import LEASE
from jobs.notification.redelivery import MOST_TRIES, WAITS
from jobs.storage.store import Store
from jobs.system import Rules, System, start
from tests.support.clock import MovableClock
from tests.support.deliveries import claimed, planned, stored, tried
from tests.support.eventually import eventually
from tests.support.faulty_store import FaultyStore
from tests.worker.conftest import Logged, events
from tests.worker.notify.scripted_sender import ScriptedSender, a_courier, couriering
from worker.notify import courier as courier_module
from worker.notify.courier import DIED_EACH_TIME, SENDER_BROKE
from worker.notify.sending import SendFailed
from worker.shutdown import Shutdown

NO = SendFailed("It answered 500.", 500, "oh no")
A_MOMENT = timedelta(milliseconds=50)


async def test_what_is_due_is_sent_and_kept_with_what_was_answered(system: System, sender: ScriptedSender) -> None:
    delivery_id = await planned(system)
    async with couriering(a_courier(system, sender)):
        found = await tried(system, delivery_id)
    assert (found["state"], found["tries"]) == (DeliveryState.DELIVERED, 1)
    (attempt,) = found["attempts"]
    assert (attempt["status"], attempt["answer"], attempt["error"]) == (200, "thanks", None)
    assert 0 <= attempt["seconds"] < 30


async def test_what_is_planned_while_it_waits_is_sent_once_it_is_woken(system: System, sender: ScriptedSender) -> None:
    async with couriering(a_courier(system, sender)) as courier:
        delivery_id = await planned(system)
        courier.wake()
        await tried(system, delivery_id)


async def test_it_looks_by_itself_now_and_then(system: System, sender: ScriptedSender) -> None:
    async with couriering(a_courier(system, sender, look_every=A_MOMENT)):
        await tried(system, await planned(system))


async def test_a_failure_is_tried_again_after_each_wait_and_is_dead_after_the_last(
    system: System, sender: ScriptedSender, clock: MovableClock
) -> None:
    delivery_id = await planned(system)
    sender.script("r", *[NO] * MOST_TRIES)
    async with couriering(a_courier(system, sender)) as courier:
        for number, wait in enumerate(WAITS, 1):
            found = await tried(system, delivery_id, number)
            assert (found["state"], found["due_at"]) == (DeliveryState.PENDING, clock.now() + wait)
            clock.move(wait)
            courier.wake()
        found = await tried(system, delivery_id, MOST_TRIES)
    assert (found["state"], found["ended_at"]) == (DeliveryState.DEAD, clock.now())
    assert {(one["status"], one["answer"], one["error"]) for one in found["attempts"]} == {
        (500, "oh no", "It answered 500.")
    }
    assert len(sender.sent) == MOST_TRIES


async def test_it_knows_by_itself_when_its_own_failures_fall_due(
    store: Store, sender: ScriptedSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = await start(store, Rules())
    monkeypatch.setattr(courier_module, "wait_after", lambda *_: A_MOMENT)
    delivery_id = await planned(system)
    sender.script("r", NO)
    async with couriering(a_courier(system, sender)):
        assert (await tried(system, delivery_id, 2))["state"] == DeliveryState.DELIVERED


async def test_a_recipient_that_asks_for_time_gets_it(
    system: System, sender: ScriptedSender, clock: MovableClock
) -> None:
    delivery_id = await planned(system)
    sender.script("r", SendFailed("It answered 429.", 429, retry_after=timedelta(hours=3)))
    async with couriering(a_courier(system, sender)):
        assert (await tried(system, delivery_id))["due_at"] == clock.now() + timedelta(hours=3)


async def test_what_no_other_try_would_help_is_dead_at_once(system: System, sender: ScriptedSender) -> None:
    delivery_id = await planned(system)
    sender.script("r", SendFailed("This endpoint was removed.", permanent=True))
    async with couriering(a_courier(system, sender)):
        found = await tried(system, delivery_id)
    assert (found["state"], found["attempts"][0]["error"]) == (DeliveryState.DEAD, "This endpoint was removed.")


async def test_a_sender_that_does_not_keep_its_time_is_stopped(system: System, sender: ScriptedSender) -> None:
    delivery_id = await planned(system)
    sender.script("r", asyncio.Event())
    async with couriering(a_courier(system, sender, within=A_MOMENT)):
        found = await tried(system, delivery_id)
    assert (found["state"], found["attempts"][0]["error"]) == ("pending", "It was not taken within 0.05 s.")
    assert not sender.open["r"]


async def test_a_fault_of_the_sender_is_noted_tells_nothing_and_is_tried_again(
    system: System, sender: ScriptedSender, logged: Logged
) -> None:
    broken, other = await planned(system), await planned(system, "other")
    sender.script("r", ValueError("secret"))
    async with couriering(a_courier(system, sender)):
        found = await tried(system, broken)
        await tried(system, other)
    assert (found["state"], found["attempts"][0]["error"]) == (DeliveryState.PENDING, SENDER_BROKE)
    assert len(events(logged, "sender_broke")) == 1


async def test_a_courier_that_slept_past_its_lease_changes_nothing_and_says_so_once(
    system: System, sender: ScriptedSender, clock: MovableClock, logged: Logged
) -> None:
    delivery_id = await planned(system)
    slept = asyncio.Event()
    sender.script("r", slept)
    async with couriering(a_courier(system, sender)):
        await sender.was_asked(1)
        clock.move(LEASE)
        async with couriering(a_courier(system, sender, worker_id="worker-2")):
            before = await tried(system, delivery_id)
        slept.set()

        async def look() -> Logged:
            return events(logged, "delivery_lease_lost")

        assert len(await eventually(look)) == 1
    assert await stored(system, delivery_id) == before
    assert [delivery.body["id"] for delivery in sender.sent] == [delivery_id.removesuffix(".r")] * 2


async def test_what_killed_its_courier_each_time_is_given_up_unsent(
    system: System, sender: ScriptedSender, clock: MovableClock
) -> None:
    delivery_id = await planned(system)
    for _ in range(MOST_TRIES):
        await claimed(system)
        clock.move(LEASE)
    async with couriering(a_courier(system, sender)):
        found = await tried(system, delivery_id)
    assert (found["state"], found["attempts"][0]["error"]) == (DeliveryState.DEAD, DIED_EACH_TIME)
    assert sender.sent == []


async def test_a_settle_whose_answer_was_lost_is_repeated_and_nothing_is_sent_twice(
    system: System, faulty: FaultyStore, sender: ScriptedSender, logged: Logged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier_module, "SETTLE_AGAIN_SECONDS", 0.01)
    delivery_id = await planned(system)
    faulty.break_after("deliveries", "update_one")
    faulty.break_before("deliveries", "update_one", times=2)
    async with couriering(a_courier(system, sender)):
        await faulty.was_struck(3)

        async def look() -> Logged:
            return events(logged, "delivered")

        await eventually(look)
    found = await stored(system, delivery_id)
    assert (found["state"], len(found["attempts"]), len(sender.sent)) == (DeliveryState.DELIVERED, 1, 1)


async def test_what_cannot_be_settled_within_its_lease_is_sent_again_under_the_same_id(
    system: System, faulty: FaultyStore, sender: ScriptedSender, clock: MovableClock, logged: Logged
) -> None:
    def outlast_the_lease() -> NoReturn:
        clock.move(LEASE)
        raise StoreUnavailable("cut by a test")

    delivery_id = await planned(system)
    faulty.before("deliveries", "update_one", outlast_the_lease)
    async with couriering(a_courier(system, sender)):
        found = await tried(system, delivery_id)
    assert (found["state"], found["tries"]) == (DeliveryState.DELIVERED, 2)
    assert len({delivery.body["id"] for delivery in sender.sent}) == 1
    assert len(events(logged, "delivery_not_settled")) == 1


@pytest.mark.parametrize("took_effect", [True, False])
async def test_a_database_that_is_away_at_a_claim_is_asked_again(
    system: System,
    faulty: FaultyStore,
    sender: ScriptedSender,
    clock: MovableClock,
    took_effect: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(courier_module, "AGAIN_AFTER_OUTAGE", A_MOMENT)
    delivery_id = await planned(system)
    fault = faulty.break_after if took_effect else faulty.break_before
    fault("deliveries", "find_one_and_update")
    async with couriering(a_courier(system, sender)) as courier:
        await faulty.was_struck(1)
        if took_effect:
            clock.move(LEASE)
            courier.wake()
        assert (await tried(system, delivery_id))["state"] == DeliveryState.DELIVERED
    assert len(sender.sent) == 1


async def test_what_it_has_no_sender_for_is_left_to_others(system: System, sender: ScriptedSender) -> None:
    mail = await planned(system, "mail", channel=Channel.EMAIL, address="a@shop.example")
    other = await planned(system)
    async with couriering(a_courier(system, sender)):
        await tried(system, other)
    assert (await stored(system, mail))["tries"] == 0


async def test_a_shutdown_takes_no_more_and_lets_end_what_ends_soon(system: System, sender: ScriptedSender) -> None:
    first = await planned(system)
    shutdown, held = Shutdown(), asyncio.Event()
    sender.script("r", held)
    running = asyncio.create_task(a_courier(system, sender, shutdown).run())
    await sender.was_asked(1)
    shutdown.ask()
    second = await planned(system, "other")
    held.set()
    await running
    assert (await stored(system, first))["state"] == DeliveryState.DELIVERED
    assert (await stored(system, second))["tries"] == 0


async def test_a_shutdown_leaves_what_hangs_to_its_lease(
    system: System, sender: ScriptedSender, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier_module, "ENDING_TIME", A_MOMENT)
    delivery_id = await planned(system)
    shutdown = Shutdown()
    sender.script("r", asyncio.Event())
    running = asyncio.create_task(a_courier(system, sender, shutdown).run())
    await sender.was_asked(1)
    shutdown.ask()
    await running
    assert (await stored(system, delivery_id))["lease"] is not None
    clock.move(LEASE)
    async with couriering(a_courier(system, sender, worker_id="worker-2")):
        assert (await tried(system, delivery_id))["tries"] == 2


async def test_a_courier_whose_cancellation_the_driver_swallows_ends_all_the_same(
    system: System, faulty: FaultyStore, sender: ScriptedSender
) -> None:
    faulty.swallow_cancellation("deliveries", "find")
    running = asyncio.create_task(a_courier(system, sender).run())
    await faulty.did("deliveries", "find", 1)
    running.cancel()
    async with asyncio.timeout(5):
        await asyncio.gather(running, return_exceptions=True)
    assert running.cancelled()


async def test_a_worker_that_is_told_urgently_has_ended_in_five_seconds_though_a_send_hangs(
    system: System, sender: ScriptedSender
) -> None:
    await planned(system)
    shutdown = Shutdown()
    sender.script("r", asyncio.Event())
    running = asyncio.create_task(a_courier(system, sender, shutdown).run())
    await sender.was_asked(1)
    shutdown.ask_urgently()
    async with asyncio.timeout(5):
        await running


async def test_a_recipient_is_not_blamed_for_a_database_that_is_away(system: System, sender: ScriptedSender) -> None:
    await planned(system)
    sender.script("r", StoreUnavailable("away"), *[asyncio.Event() for _ in range(4)])
    async with couriering(a_courier(system, sender)) as courier:
        await sender.was_asked(1)
        for _ in range(4):
            await planned(system)
        courier.wake()
        await sender.was_asked(5)  # one after the other, were it troubled: and the first of these never ends
