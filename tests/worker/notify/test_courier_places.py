"""The courier's places: no recipient has more than its share, none is held up, and a backlog is sent to its end."""

from __future__ import annotations

import asyncio

from jobs.notification.addressed import DeliveryState
from jobs.system import System
from tests.support.deliveries import planned, stored, tried
from tests.support.eventually import eventually
from tests.support.faulty_store import FaultyStore
from tests.worker.notify.scripted_sender import ScriptedSender, a_courier, couriering
from worker.notify import courier as courier_module


async def test_a_recipient_that_hangs_has_eight_sends_open_and_holds_up_nobody(
    system: System, sender: ScriptedSender
) -> None:
    for _ in range(10):
        await planned(system, "hangs")
    sender.script("hangs", *[asyncio.Event() for _ in range(10)])
    others = [await planned(system, f"r{number % 3}") for number in range(30)]
    async with couriering(a_courier(system, sender)):
        for delivery_id in others:
            assert (await tried(system, delivery_id))["state"] == DeliveryState.DELIVERED
        assert sender.open["hangs"] == sender.most_open["hangs"] == 8


async def test_no_recipient_gets_more_than_eight_at_once_and_all_get_all(
    system: System, sender: ScriptedSender
) -> None:
    held = [asyncio.Event() for _ in range(12)]
    sender.script("r", *held)
    all_of_them = [await planned(system) for _ in range(12)]
    async with couriering(a_courier(system, sender)):
        await sender.was_asked(8)
        for event in held:
            event.set()
        for delivery_id in all_of_them:
            await tried(system, delivery_id)
    assert sender.most_open["r"] == 8
    assert len(sender.sent) == 12


async def test_a_backlog_of_more_than_a_look_shows_is_sent_and_so_is_what_is_behind_it(
    system: System, sender: ScriptedSender
) -> None:
    many = [await planned(system, "slow") for _ in range(2 * courier_module.LOOKED_AT + 3)]
    behind = await planned(system, "behind")
    async with couriering(a_courier(system, sender)):
        for delivery_id in [behind, *many]:
            assert (await tried(system, delivery_id))["state"] == DeliveryState.DELIVERED
    assert len(sender.sent) == len(many) + 1


async def test_a_claim_that_the_database_refuses_gives_its_place_back(
    system: System, sender: ScriptedSender, faulty: FaultyStore
) -> None:
    faulty.break_before("deliveries", "find_one_and_update", times=courier_module.LOOKED_AT)
    due = [await planned(system) for _ in range(10)]
    async with couriering(a_courier(system, sender)) as courier:
        await faulty.was_struck(8)

        async def left() -> list[str]:
            courier.wake()
            return [one for one in due if (await stored(system, one))["state"] != DeliveryState.DELIVERED]

        await eventually(left, lambda found: not found)
