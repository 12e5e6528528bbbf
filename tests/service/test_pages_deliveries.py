"""What was sent to a webhook, on pages: by state, page by page, each try, as it changes; and sending it again."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from jobs.system import System
from outbound.allowed import parse_allowed
from service.app import create_app
from service.url_check import UrlCheck
from tests.outbound.asking import Names
from tests.service.browsing import HTMX, mark_of, pressed, replaced, sent, shown, told, words
from tests.service.conftest import As
from tests.service.requesting import get, on_embedded, settings
from tests.service.webhooking import NAMES, WEBHOOKS, created, delivery_to
from tests.support.clock import MovableClock

pytestmark = on_embedded

PAGE = "/webhooks"
REFUSED = "The recipient refused it."


@pytest.fixture
def app(system: System) -> FastAPI:
    """Without authentication, and with names of its own."""
    app = create_app(settings(), system)
    app.state.url_check = UrlCheck(parse_allowed([]), Names(NAMES))
    return app


def listed(page: str) -> list[str]:
    return re.findall(r'<a class="name" href="/webhooks/deliveries/([^"]+)">', page)


async def states(api: httpx2.AsyncClient, endpoint_id: str) -> list[str]:
    return [one["state"] for one in (await get(api, f"{WEBHOOKS}/{endpoint_id}/deliveries"))["deliveries"]]


async def test_deliveries_are_listed_newest_first_and_by_state(
    api: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    endpoint_id = await created(api)
    first = await delivery_to(system, endpoint_id)
    clock.move(timedelta(seconds=1))
    second = await delivery_to(system, endpoint_id, error=REFUSED)
    clock.move(timedelta(seconds=1))
    third = await delivery_to(system, endpoint_id, settle=False)
    url = f"{PAGE}/{endpoint_id}"
    page = await shown(api, url)
    assert listed(page) == [third, second, first]
    assert REFUSED in words(page)
    found = {state: listed(await shown(api, url, state=state)) for state in ("pending", "dead", "delivered", "else")}
    assert found == {"pending": [third], "dead": [second], "delivered": [first], "else": [third, second, first]}


async def test_a_long_log_is_paged(api: httpx2.AsyncClient, system: System, clock: MovableClock) -> None:
    endpoint_id = await created(api)
    for _ in range(21):
        await delivery_to(system, endpoint_id)
        clock.move(timedelta(seconds=1))
    first = await shown(api, f"{PAGE}/{endpoint_id}", state="delivered")
    older = re.search(
        rf'href="(/webhooks/{endpoint_id}\?state=delivered&amp;cursor=[^"#]+)#deliveries" rel="next"', first
    )
    assert older is not None
    second = await shown(api, older[1].replace("&amp;", "&"))
    assert (len(listed(first)), len(listed(second)), 'rel="prev"' in second) == (20, 1, True)


async def test_a_delivery_shows_each_try_and_is_sent_again(api: httpx2.AsyncClient, system: System) -> None:
    endpoint_id = await created(api)
    delivery_id = await delivery_to(system, endpoint_id, error=REFUSED)
    url = f"{PAGE}/deliveries/{delivery_id}"
    page = await shown(api, url)
    for phrase in ("Not delivered", REFUSED, "Send again", delivery_id.partition(".")[0]):
        assert phrase in words(page)
    seen = mark_of(page)
    assert (await api.get(f"{url}/live?seen={seen}", headers=HTMX)).status_code == 204
    answer = await pressed(api, f"{url}/replay")
    assert told(answer) == "It is sent again at once, under the same id."
    assert replaced(answer) == {"delivery", "poll", "seen"}
    assert await states(api, endpoint_id) == ["pending"]
    assert (await api.get(f"{url}/live?seen={seen}", headers=HTMX)).status_code == 200
    assert (await sent(api, f"{url}/replay")).headers["location"] == url
    in_list = await pressed(api, f"{url}/replay", on="list")
    assert replaced(in_list) == {f"delivery-{delivery_id.replace('.', '-')}"}
    assert (await sent(api, f"{url}/replay", on="list")).headers["location"] == f"{PAGE}/{endpoint_id}"


async def test_a_range_of_time_is_sent_again(api: httpx2.AsyncClient, system: System, clock: MovableClock) -> None:
    endpoint_id = await created(api)
    url = f"{PAGE}/{endpoint_id}"
    since = f"{clock.now() - timedelta(minutes=1):%Y-%m-%dT%H:%M}"
    await delivery_to(system, endpoint_id, error=REFUSED)
    await delivery_to(system, endpoint_id)
    clock.move(timedelta(hours=2))
    back = await sent(api, f"{url}/replay", since=since, which="failed")
    assert back.headers["location"] == f"{url}?replayed=1#replayed"
    assert sorted(await states(api, endpoint_id)) == ["delivered", "pending"]
    assert "To be sent again: 1 delivery." in words(await shown(api, back.headers["location"]))
    moved: dict[str, Any] = {"since": since, "since_offset": "-01:00", "which": "all"}
    assert "replayed=0" in (await sent(api, f"{url}/replay", **moved)).headers["location"]
    assert "replayed=1" in (await sent(api, f"{url}/replay", since=since, which="all")).headers["location"]
    assert await states(api, endpoint_id) == ["pending", "pending"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "since"),
        ({"since": "yesterday"}, "since"),
        ({"since": "2026-01-02T00:00", "until": "2026-01-01T00:00"}, "until"),
    ],
)
async def test_a_range_that_is_none_is_told_at_its_field(
    fields: dict[str, str], field: str, api: httpx2.AsyncClient
) -> None:
    page = await sent(api, f"{PAGE}/{await created(api)}/replay", 400, **fields)
    assert f'<a href="#{field}">' in page.text
    for name, typed in fields.items():
        assert re.search(rf'name="{name}"[^>]* value="{typed}"', page.text)


async def test_the_log_is_told_anew_only_when_it_has_changed(api: httpx2.AsyncClient, system: System) -> None:
    endpoint_id = await created(api)
    url = f"{PAGE}/{endpoint_id}"
    seen = mark_of(await shown(api, url))
    assert (await api.get(f"{url}/live?seen={seen}", headers=HTMX)).status_code == 204
    await delivery_to(system, endpoint_id)
    answer = await api.get(f"{url}/live?seen={seen}", headers=HTMX)
    assert replaced(answer.text) == {"endpoint-head", "deliveries", "poll", "seen"}


async def test_nobody_sees_or_repeats_anothers_delivery(api: httpx2.AsyncClient, as_user: As, system: System) -> None:
    delivery_id = await delivery_to(system, await created(api), error=REFUSED)
    stranger = as_user("stranger")
    await shown(stranger, f"{PAGE}/deliveries/{delivery_id}", 404)
    await sent(stranger, f"{PAGE}/deliveries/{delivery_id}/replay", 404)
