"""To which addresses an event is mailed, by preferences, bulks and unsubscribing; what is collected into a digest."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import ObjectId

from jobs.documents import BulkId, Notify, notify_as_stored
from jobs.errors import NotFound
from jobs.events import BY_PERSON, BY_PRESSRUN, Event, EventType
from jobs.notification.addressed import Addressed, Channel
from jobs.notification.deliveries import Attempt, Delivery
from jobs.notification.digests import MOST_TOLD, Digests
from jobs.notification.mail_address import read_address, read_sender
from jobs.notification.mail_server import parse_mail_server
from jobs.notification.mailing import MailRecipients, next_digest, recipient_key
from jobs.notification.preferences import AT_FIRST, Preference, Way
from jobs.storage.store import Document
from jobs.system import System
from tests.jobs.conftest import OWNER
from tests.support.clock import MovableClock
from tests.support.deliveries import claim

ADA, EVE = "ada@shop.example", "eve@shop.example"
BULK_ID = BulkId(ObjectId())
TOLD: Sequence[EventType] = (EventType.BULK_COMPLETED, EventType.BULK_PAUSED, EventType.BULK_CANCELLED)


def an_event(kind: EventType = EventType.BULK_COMPLETED, *, by: str | None = None, number: int = 1) -> Event:
    at = datetime(2026, 3, 14, 9, tzinfo=UTC)
    return Event(f"{BULK_ID}-{number}-{kind.name.lower()}", kind, at, by, BULK_ID, None, number, {"errors": ["a", "b"]})


def a_bulk(email: str | None = None) -> Document:
    notify = notify_as_stored(Notify(email=email)) if email else None
    return {"_id": BULK_ID, "userId": OWNER, "name": "Spring", "notify": notify}


@pytest.fixture
def recipients(system: System) -> MailRecipients:
    return MailRecipients(system.preferences, system.mailboxes, digest_hour=7)


async def told(recipients: MailRecipients, event: Event, bulk: Document | None = None) -> list[tuple[str | None, bool]]:
    return [(to.address, to.digest is not None) for to in await recipients.of(event, OWNER, bulk or a_bulk())]


async def want(system: System, email: str | None, **ways: Way) -> None:
    chosen = {EventType[name.upper()]: way for name, way in ways.items()}
    await system.preferences.write(OWNER, Preference(email, {**AT_FIRST, **chosen}))


async def test_who_has_said_nothing_is_mailed_nothing(recipients: MailRecipients, system: System) -> None:
    assert await system.preferences.read(OWNER) == Preference()
    assert await told(recipients, an_event()) == []


async def test_an_owner_with_an_address_is_told_of_ends_and_pauses_at_once_and_of_nothing_else(
    recipients: MailRecipients, system: System
) -> None:
    await want(system, ADA)
    for kind in EventType:
        assert await told(recipients, an_event(kind)) == ([(ADA, False)] if kind in TOLD else []), kind


async def test_what_the_owner_has_done_is_not_mailed(recipients: MailRecipients, system: System) -> None:
    await want(system, ADA)
    paused = EventType.BULK_PAUSED
    assert await told(recipients, an_event(paused, by=BY_PERSON), a_bulk(EVE)) == []
    assert await told(recipients, an_event(paused, by=BY_PRESSRUN)) == [(ADA, False)]


async def test_preferences_are_kept_for_each_type_and_each_owner(recipients: MailRecipients, system: System) -> None:
    await want(system, ADA, bulk_completed=Way.OFF, job_failed=Way.AT_ONCE, bulk_paused=Way.DAILY)
    assert await told(recipients, an_event()) == []
    assert await told(recipients, an_event(EventType.JOB_FAILED)) == [(ADA, False)]
    assert await told(recipients, an_event(EventType.BULK_PAUSED)) == [(ADA, True)]
    assert await system.preferences.read("other") == Preference()
    await want(system, None)
    assert await told(recipients, an_event(EventType.JOB_FAILED)) == []


async def test_the_address_that_a_bulk_names_is_told_at_once_beside_the_owners(
    recipients: MailRecipients, system: System
) -> None:
    await want(system, ADA, bulk_completed=Way.DAILY)
    assert await told(recipients, an_event(), a_bulk(EVE)) == [(EVE, False), (ADA, True)]
    assert await told(recipients, an_event(EventType.BULK_PROGRESS), a_bulk(EVE)) == [(EVE, False)]
    assert await told(recipients, an_event(EventType.JOB_FAILED), a_bulk(EVE)) == []


async def test_one_address_is_told_once_of_one_event(recipients: MailRecipients, system: System) -> None:
    await want(system, ADA, bulk_completed=Way.DAILY)
    assert await told(recipients, an_event(), a_bulk("ADA@shop.example")) == [("ADA@shop.example", False)]
    assert recipient_key(ADA) == recipient_key("Ada@Shop.example")


async def test_who_has_unsubscribed_is_mailed_nothing_until_they_want_it_again(
    recipients: MailRecipients, system: System
) -> None:
    await want(system, ADA)
    (to,) = await recipients.of(an_event(), OWNER, a_bulk())
    mailbox = await system.mailboxes.kept(OWNER, ADA)
    assert (await system.mailboxes.by_token(mailbox.token)).address == to.address
    await system.mailboxes.unsubscribe(mailbox)
    await system.mailboxes.unsubscribe(mailbox)
    assert await told(recipients, an_event(), a_bulk("ADA@shop.example")) == []
    assert await told(recipients, an_event(), a_bulk(EVE)) == [(EVE, False)]
    other = await system.mailboxes.kept("other", ADA)
    assert (other.unsubscribed_at, other.token == mailbox.token) == (None, False)
    await system.mailboxes.subscribe(mailbox)
    assert await told(recipients, an_event()) == [(ADA, False)]
    for wrong in ("", "x", mailbox.token[:-1], mailbox.token + "x" * 100):
        with pytest.raises(NotFound):
            await system.mailboxes.by_token(wrong)


async def test_of_many_at_once_who_make_a_mailbox_all_have_the_same(system: System) -> None:
    found = await asyncio.gather(*(system.mailboxes.kept(OWNER, ADA) for _ in range(8)))
    assert len({mailbox.token for mailbox in found}) == 1


async def test_without_a_mail_server_nobody_is_mailed(system: System) -> None:
    await want(system, ADA)
    silent = MailRecipients(system.preferences, system.mailboxes, digest_hour=None)
    assert await told(silent, an_event(), a_bulk(EVE)) == []


def test_the_next_digest_is_at_its_hour_and_always_later() -> None:
    at = datetime(2026, 3, 14, 9, 26, tzinfo=UTC)
    assert next_digest(at, 7) == datetime(2026, 3, 15, 7, tzinfo=UTC)
    assert next_digest(at, 10) == datetime(2026, 3, 14, 10, tzinfo=UTC)
    assert next_digest(datetime(2026, 3, 14, 7, tzinfo=UTC), 7) == datetime(2026, 3, 15, 7, tzinfo=UTC)


async def daily(recipients: MailRecipients, system: System, event: Event) -> Addressed:
    await want(system, ADA, bulk_completed=Way.DAILY)
    (to,) = await recipients.of(event, OWNER, a_bulk())
    return to


async def due_digest(system: System, clock: MovableClock, to: Addressed) -> Delivery:
    assert to.due_at is not None
    clock.move(max(timedelta(0), to.due_at - clock.now()))
    found = await claim(system.deliveries, "worker-1", [Channel.EMAIL])
    assert found is not None
    return found


def ids(digest: Delivery) -> Any:
    return digest.body["data"]["event_ids"]


async def test_a_digest_collects_a_days_events_each_once(
    recipients: MailRecipients, system: System, clock: MovableClock
) -> None:
    digests = Digests(system.store, clock)
    first, second = an_event(), an_event(number=2)
    to = await daily(recipients, system, first)
    await asyncio.gather(*(digests.collect(event, OWNER, to, a_bulk()) for event in (first, second, first)))
    digest = await due_digest(system, clock, to)
    assert sorted(ids(digest)) == sorted([first.id, second.id])
    assert (digest.body["type"], digest.address, digest.tries) == ("digest", ADA, 1)
    line = digest.body["data"]["events"][0]
    assert (line["bulk"], line["bulk_job_id"], line["data"]) == ("Spring", BULK_ID, {"errors": ["a"]})
    assert await system.store.collection("deliveries").count({}) == 1


async def test_what_comes_while_a_digest_is_sent_is_in_the_next_days(
    recipients: MailRecipients, system: System, clock: MovableClock
) -> None:
    digests = Digests(system.store, clock)
    first, late = (replace(an_event(number=number), at=clock.now()) for number in (1, 2))
    to = await daily(recipients, system, first)
    await digests.collect(first, OWNER, to, a_bulk())
    digest = await due_digest(system, clock, to)
    await digests.collect(late, OWNER, to, a_bulk())
    await digests.collect(first, OWNER, to, a_bulk())
    now = clock.now()
    await system.deliveries.failed(digest, Attempt(now, 1.0, error="451"), timedelta(minutes=5))
    await digests.collect(late, OWNER, to, a_bulk())
    clock.move(timedelta(minutes=5))
    again = await claim(system.deliveries, "worker-1", [Channel.EMAIL])
    assert again is not None
    assert (again.id, ids(again)) == (digest.id, [first.id])
    await system.deliveries.delivered(again, Attempt(clock.now(), 1.0, 250))
    next_day = await due_digest(system, clock, replace(to, due_at=(to.due_at or now) + timedelta(days=1)))
    assert ids(next_day) == [late.id]
    assert next_day.id != digest.id


async def test_a_digest_counts_what_it_has_no_room_to_tell(
    recipients: MailRecipients, system: System, clock: MovableClock
) -> None:
    digests = Digests(system.store, clock)
    to = await daily(recipients, system, an_event())
    for number in range(MOST_TOLD + 2):
        await digests.collect(an_event(number=number), OWNER, to, a_bulk())
    await digests.collect(an_event(number=0), OWNER, to, a_bulk())
    data = (await due_digest(system, clock, to)).body["data"]
    assert (len(data["events"]), len(data["event_ids"])) == (MOST_TOLD, MOST_TOLD + 2)


@pytest.mark.parametrize(
    "wrong",
    ["", "ada", "ada@", "@shop.example", "a b@shop.example", "Ada <ada@shop.example>", "ada@shop.example\n\rx",
     "ada@-shop.example", "a@b@c.example", ".ada@shop.example", "a..b@shop.example", "a@" + "x" * 300, "ä@b.example",
     "x" * 65 + "@b.example", '"a b"@shop.example', "ada@shop.example, eve@shop.example", "ada@[127.0.0.1]",
     "ada@shop.example>"],
)  # fmt: skip
def test_what_is_no_plain_address_is_none(wrong: str) -> None:
    with pytest.raises(ValueError, match="must be one mail address"):
        read_address(wrong)


def test_an_address_keeps_its_local_part_and_its_domain_is_made_small() -> None:
    assert read_address(" Ada.L+shop@Shop.EXAMPLE ") == "Ada.L+shop@shop.example"
    assert str(read_sender("Pressrun <press@Shop.example>")) == "Pressrun <press@shop.example>"
    for wrong in ("Pressrun", "a\r\nBcc: x@y.example <a@b.example>", "<>", "x <y>"):
        with pytest.raises(ValueError, match="must be a mail address"):
            read_sender(wrong)


def test_a_mail_servers_url_is_read_and_never_told() -> None:
    server = parse_mail_server("smtps://ada%40shop.example:p%2Fw@mail.example")
    assert (server.host, server.port, server.tls, server.user, server.password) == (
        "mail.example", 465, True, "ada@shop.example", "p/w"
    )  # fmt: skip
    assert "p/w" not in repr(server)
    assert (parse_mail_server("smtp://mail.example").port, parse_mail_server("smtp://[::1]:25").host) == (587, "::1")
    for wrong in ("http://x", "mail.example:25", "smtp://", "smtp://x:99999", "smtp://u:secret@h/path", "smtp://[x"):
        with pytest.raises(ValueError, match="must be smtp://") as caught:
            parse_mail_server(wrong)
        assert "secret" not in str(caught.value)
    with pytest.raises(ValueError, match="both a user and a password"):
        parse_mail_server("smtp://only-user@mail.example")
