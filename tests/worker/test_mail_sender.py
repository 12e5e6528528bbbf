"""The courier's sender of mail: from a stored delivery to a mailbox, on a real mail server."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId

from jobs.configuration.settings import load_settings
from jobs.documents import BulkId
from jobs.events import Event, EventType
from jobs.notification.addressed import Addressed, Channel, new_delivery
from jobs.notification.deliveries import Delivery
from jobs.notification.digests import Digests
from jobs.notification.mail_address import read_sender
from jobs.notification.mail_server import parse_mail_server
from jobs.notification.mailing import at_once
from jobs.storage.embedded.store import EmbeddedStore
from jobs.system import Rules, System, assemble
from tests.support.clock import MovableClock
from tests.support.deliveries import claim
from tests.support.mail_server import Postbox, mail_server
from worker.__main__ import senders_of
from worker.notify import mail_examples
from worker.notify.mail_rendering import MailTemplates
from worker.notify.mail_sender import MailSender
from worker.notify.mail_view import Links
from worker.notify.sending import SendFailed
from worker.notify.smtp import MailRoute

OWNER, ADA = "owner", "ada@shop.example"
BULK_ID = BulkId(ObjectId())


@pytest.fixture
async def postbox() -> AsyncIterator[Postbox]:
    async with mail_server(Postbox()) as box:
        yield box


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def system(clock: MovableClock) -> System:
    return assemble(EmbeddedStore.in_memory(), clock, Rules(digest_hour=7))


@pytest.fixture
def sender(postbox: Postbox, system: System) -> MailSender:
    route = MailRoute(parse_mail_server(f"smtp://127.0.0.1:{postbox.port}"), None, ssl.create_default_context())
    return MailSender(
        route,
        MailTemplates(),
        system.mailboxes,
        system.clock,
        sender=read_sender("Pressrun <pressrun@shop.example>"),
        links=Links("https://press.example"),
    )


def an_event(system: System, **data: Any) -> Event:
    kind = EventType.BULK_COMPLETED
    told = {**mail_examples.events()[kind]["data"], **data}
    return Event(f"{BULK_ID}-1-completed", kind, system.clock.now(), None, BULK_ID, None, 1, told)


async def claimed(system: System, event: Event, to: Addressed) -> Delivery:
    await system.deliveries.plan([new_delivery(event, OWNER, to, system.clock.now())])
    return await due(system)


async def due(system: System) -> Delivery:
    found = await claim(system.deliveries, "worker-1", [Channel.EMAIL])
    assert found is not None
    return found


async def test_a_stored_delivery_becomes_a_mail_and_its_repeat_the_same_mail(
    sender: MailSender, system: System, postbox: Postbox
) -> None:
    mailbox = await system.mailboxes.kept(OWNER, ADA)
    delivery = await claimed(system, an_event(system), at_once(ADA))
    first = await sender.send(delivery)
    await sender.send(delivery)
    assert (first.status, postbox.recipients) == (250, [ADA, ADA])
    mail, again = postbox.messages
    assert mail["Subject"] == "Done, with 3 failed: Spring catalogue"
    assert mail["Message-ID"] == again["Message-ID"]
    assert mail["List-Unsubscribe"] == f"<https://press.example/unsubscribe/{mailbox.token}>"
    body = mail.get_body(("plain",))
    assert body is not None
    assert f"https://press.example/bulks/{BULK_ID}" in body.get_content()


async def test_names_from_anywhere_reach_the_mailbox_as_names(
    sender: MailSender, system: System, postbox: Postbox
) -> None:
    name = "Größe\r\nBcc: eve@x.example\r\n\r\n" + "茶" * 90
    await sender.send(await claimed(system, an_event(system, name=name, failed=0), at_once(ADA)))
    (mail,) = postbox.messages
    assert mail["Subject"].startswith("Done: Größe Bcc: eve@x.example 茶茶")
    assert (mail["Bcc"], postbox.recipients) == (None, [ADA])


async def test_who_unsubscribes_meanwhile_is_sent_nothing_more(
    sender: MailSender, system: System, postbox: Postbox
) -> None:
    delivery = await claimed(system, an_event(system), at_once(ADA))
    await system.mailboxes.unsubscribe(await system.mailboxes.kept(OWNER, ADA))
    with pytest.raises(SendFailed, match="unsubscribed") as caught:
        await sender.send(delivery)
    assert (caught.value.permanent, postbox.messages) == (True, [])


async def test_a_digest_is_one_mail(sender: MailSender, system: System, clock: MovableClock, postbox: Postbox) -> None:
    tomorrow = clock.now() + timedelta(days=1)
    to = Addressed(Channel.EMAIL, "mail-a", address=ADA, due_at=tomorrow, digest="digest-today")
    digests = Digests(system.store, clock)
    await digests.collect(an_event(system), OWNER, to, {"name": "Spring catalogue"})
    clock.move(timedelta(days=1))
    await sender.send(await due(system))
    (mail,) = postbox.messages
    assert mail["Subject"].endswith(": 1 thing happened")
    body = mail.get_body(("html",))
    assert body is not None
    assert f"https://press.example/bulks/{BULK_ID}" in body.get_content()


async def test_a_worker_takes_mail_only_where_there_is_a_mail_server(postbox: Postbox, system: System) -> None:
    def senders(**given: Any) -> set[Channel]:
        return set(senders_of(load_settings({"auth": {"mode": "off"}, **given}, {}), system))

    assert senders() == {Channel.WEBHOOK}
    smtp = {"url": f"smtp://127.0.0.1:{postbox.port}", "sender": "pressrun@shop.example"}
    assert senders(smtp=smtp) == {Channel.WEBHOOK, Channel.EMAIL}
