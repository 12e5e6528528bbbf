"""Mail that was given up: its owner sees it, and has it sent again; nobody else, and nothing that was not given up."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.errors import NotFound
from jobs.notification.addressed import Channel
from jobs.notification.dead_mail import MOST_SHOWN
from jobs.system import System
from tests.support.deliveries import OWNER, attempt, claimed, planned

ADDRESS = "ada@example.com"


async def given_up(system: System, **to: Any) -> str:
    delivery_id = await planned(system, "r", **{"channel": Channel.EMAIL, "address": ADDRESS, **to})
    delivery = await claimed(system)
    assert delivery.id == delivery_id
    await system.deliveries.dead(delivery, attempt(system, "No such mailbox."))
    return delivery_id


async def test_what_was_given_up_is_shown_with_its_reason_until_it_is_sent_again(system: System) -> None:
    delivery_id = await given_up(system)
    (mail,) = await system.dead_mails.newest(OWNER)
    assert (mail.id, mail.address, mail.error, mail.tries) == (delivery_id, ADDRESS, "No such mailbox.", 1)
    await system.dead_mails.send_again(OWNER, delivery_id)
    assert await system.dead_mails.newest(OWNER) == []
    again = await claimed(system)
    assert (again.id, again.tries) == (delivery_id, 1)


async def test_only_its_owner_sees_it_and_sends_it_again(system: System) -> None:
    delivery_id = await given_up(system)
    assert await system.dead_mails.newest("other") == []
    with pytest.raises(NotFound):
        await system.dead_mails.send_again("other", delivery_id)
    assert len(await system.dead_mails.newest(OWNER)) == 1


async def test_neither_waiting_mail_nor_a_dead_webhook_is_among_it(system: System) -> None:
    webhook = await given_up(system, channel=Channel.WEBHOOK, address=None, url="https://hooks.example/")
    waiting = await planned(system, "s", channel=Channel.EMAIL, address=ADDRESS)
    assert await system.dead_mails.newest(OWNER) == []
    for delivery_id in (webhook, waiting):
        with pytest.raises(NotFound):
            await system.dead_mails.send_again(OWNER, delivery_id)


async def test_no_more_than_the_newest_fifty_are_shown(system: System) -> None:
    made = [await given_up(system) for _ in range(MOST_SHOWN + 1)]
    shown = [mail.id for mail in await system.dead_mails.newest(OWNER)]
    assert len(shown) == MOST_SHOWN
    assert set(shown) <= set(made)
