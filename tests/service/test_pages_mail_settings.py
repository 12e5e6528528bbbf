"""The page where one says what is mailed."""

from __future__ import annotations

import httpx2
import pytest

from jobs.callers.keys import Scope
from jobs.notification.addressed import Channel
from jobs.system import System
from service.app import create_app
from tests.service.browsing import sent, shown, words
from tests.service.conftest import As, WithKey
from tests.service.page_forms import look, send
from tests.service.page_forms import shown as form_shown
from tests.service.requesting import OWNER, get, on_embedded, settings
from tests.support.deliveries import attempt, claimed, planned

pytestmark = on_embedded

PAGE = "/notifications/settings"
MAIL = "/api/notifications/mail"
PREFERENCES = "/api/notifications/preferences"
SMTP = {"url": "smtp://127.0.0.1:9", "sender": "Pressrun <pressrun@example.com>"}


@pytest.fixture
def mailed(system: System, open_client: As) -> httpx2.AsyncClient:
    """The owner, where there is a mail server."""
    return open_client(create_app(settings(smtp=SMTP), system), {"X-Pressrun-User": OWNER})


async def test_what_is_mailed_is_shown_and_changed(mailed: httpx2.AsyncClient) -> None:
    page = await look(mailed, PAGE)
    assert (page.fields["email"], page.fields["events.bulk.completed"]) == ("", "at_once")
    assert page.fields["events.job.failed"] == "off"
    wanted = {"email": "ada@example.com", "events.bulk.completed": "daily", "events.job.failed": "at_once"}
    answer = await send(mailed, PAGE, page.fields | wanted)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?saved=true")
    told = await get(mailed, PREFERENCES)
    assert (told["email"], told["daily"]) == ("ada@example.com", ["bulk.completed"])
    assert sorted(told["at_once"]) == ["bulk.cancelled", "bulk.paused", "job.failed"]
    again = await look(mailed, answer.headers["location"])
    assert again.fields == page.fields | wanted
    assert "Saved." in again.words
    await send(mailed, PAGE, {name: "off" for name in again.fields if name.startswith("events.")})
    assert await get(mailed, PREFERENCES) == told | {"email": None, "at_once": [], "daily": []}


async def test_an_address_that_cannot_be_taken_is_told_beside_it_and_stays_typed(mailed: httpx2.AsyncClient) -> None:
    before = await get(mailed, PREFERENCES)
    page = await look(mailed, PAGE)
    typed = {"email": "ada at example", "events.job.failed": "daily"}
    wrong = form_shown(await send(mailed, PAGE, page.fields | typed), 400)
    assert {name: wrong.fields[name] for name in typed} == typed
    assert {wrong.links[link] for link in wrong.links if link.startswith("E-mail address: ")} == {"#email"}
    assert await get(mailed, PREFERENCES) == before


async def test_without_a_mail_server_the_page_says_who_can_change_that(api: httpx2.AsyncClient) -> None:
    page = await shown(api, PAGE)
    assert "No mail is sent here" in words(page)
    assert "PRESSRUN_SMTP__URL" in page
    assert "<form" not in page.split("<main")[1]


async def test_who_may_only_look_changes_nothing(with_key: WithKey) -> None:
    reader = await with_key(scope=Scope.READ)
    await shown(reader, PAGE)
    await sent(reader, PAGE, 403, email="ada@example.com")


async def test_mail_that_was_not_delivered_is_shown_and_sent_again(mailed: httpx2.AsyncClient, system: System) -> None:
    delivery_id = await planned(system, channel=Channel.EMAIL, address="ada@example.com")
    await system.deliveries.dead(await claimed(system), attempt(system, "No <such> mailbox."))
    page = words(await shown(mailed, PAGE))
    assert "Mail that was not delivered" in page
    assert "No <such> mailbox." in page
    (told,) = (await get(mailed, MAIL))["mails"]
    assert (told["id"], told["address"], told["tries"]) == (delivery_id, "ada@example.com", 1)
    answer = await send(mailed, f"{PAGE}/mail/{delivery_id}/replay", {})
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    assert "Mail that was not delivered" not in words(await shown(mailed, PAGE))
    assert (await get(mailed, MAIL))["mails"] == []
    refused = await mailed.post(f"{MAIL}/{delivery_id}/replay")
    assert (refused.status_code, refused.json()["error"]) == (404, "There is no such mail that was not delivered.")
