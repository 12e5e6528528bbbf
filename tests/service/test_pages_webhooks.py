"""The pages of webhooks: endpoints made, changed, rotated, disabled, tested, removed; each secret shown once."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from jobs.callers.keys import Scope
from jobs.documents import parse_id
from jobs.notification.endpoints import MOST, EndpointId
from jobs.storage.store import Store
from jobs.system import Rules, System, assemble
from outbound.allowed import parse_allowed
from service.app import create_app
from service.url_check import UrlCheck
from tests.outbound.asking import Names
from tests.service.browsing import HOSTILE, pressed, replaced, sent, shown, told, words
from tests.service.conftest import As, WithKey
from tests.service.page_forms import look, send
from tests.service.page_forms import shown as form_shown
from tests.service.requesting import OWNER, get, on_embedded, settings
from tests.service.webhooking import NAMES, URL, WEBHOOKS, created, delivery_to
from tests.support.clock import MovableClock

pytestmark = on_embedded

PAGE = "/webhooks"


@pytest.fixture
def app(system: System) -> FastAPI:
    """Without authentication, and with names of its own."""
    app = create_app(settings(), system)
    app.state.url_check = UrlCheck(parse_allowed([]), Names(NAMES))
    return app


def secret_in(page: str) -> str | None:
    found = re.search(r'<code id="secret">(whsec_[^<]+)</code>', page)
    return found[1] if found else None


async def test_a_webhook_is_made_and_its_secret_is_shown_once(api: httpx2.AsyncClient) -> None:
    page = await look(api, PAGE)
    assert "No webhooks yet" in page.words
    assert "events.bulk.progress" not in page.fields
    made = await send(api, PAGE, page.fields | {"url": URL, "description": HOSTILE})
    assert (made.status_code, made.headers["location"]) == (303, PAGE)
    told = await shown(api, made.headers["location"])
    assert secret_in(told) is not None
    [endpoint] = (await get(api, WEBHOOKS))["endpoints"]
    assert (endpoint["url"], endpoint["description"], len(endpoint["events"])) == (URL, HOSTILE, 5)
    listed = await shown(api, PAGE)
    assert (secret_in(listed), HOSTILE in words(listed)) == (None, True)
    assert secret_in(await shown(api, f"{PAGE}/{endpoint['id']}")) is None


async def test_a_faulty_form_keeps_what_was_typed_with_each_fault_at_its_field(api: httpx2.AsyncClient) -> None:
    page = form_shown(await send(api, PAGE, {"url": "http://inside.example/", "description": "Ours"}), 400)
    assert (page.fields["url"], page.fields["description"]) == ("http://inside.example/", "Ours")
    assert {page.links[link] for link in page.links if link.startswith("Events: ")} == {"#events"}
    only = {"events.bulk.completed": "on"}
    judged = form_shown(await send(api, PAGE, {"url": "https://inside.example/", **only}), 400)
    assert {judged.links[link] for link in judged.links if link.startswith("Address: ")} == {"#url"}
    assert judged.fields["events.bulk.completed"] == "on"
    assert "events.bulk.paused" not in judged.fields
    assert (await get(api, WEBHOOKS))["endpoints"] == []


async def test_one_too_many_is_a_sentence_above_the_form(api: httpx2.AsyncClient, system: System) -> None:
    for _ in range(MOST):
        await system.endpoints.create(OWNER, URL, ["bulk.completed"])
    page = form_shown(await send(api, PAGE, {"url": URL, "events.job.failed": "on"}), 409)
    assert f"as many endpoints as there can be: {MOST} are allowed" in page.words
    assert page.fields["url"] == URL


async def test_without_a_key_for_secrets_the_page_says_what_the_operator_has_to_do(
    store: Store, clock: MovableClock, open_client: As
) -> None:
    app = create_app(settings(), assemble(store, clock, Rules()))
    app.state.url_check = UrlCheck(parse_allowed([]), Names(NAMES))
    page = form_shown(await send(open_client(app), PAGE, {"url": URL, "events.job.failed": "on"}), 409)
    assert "PRESSRUN_ENCRYPTION__KEYS" in page.words


async def test_a_webhook_is_changed_and_what_stays_is_not_judged_again(api: httpx2.AsyncClient, app: FastAPI) -> None:
    endpoint_id = await created(api, description="Before")
    url = f"{PAGE}/{endpoint_id}"
    page = await look(api, url)
    assert (page.fields["url"], page.fields["description"]) == (URL, "Before")
    app.state.url_check = UrlCheck(parse_allowed([]), Names({}))
    fields: dict[str, Any] = {"url": URL, "description": "After", "events.job.failed": "on"}
    await sent(api, f"{url}/change", **fields)
    [endpoint] = (await get(api, WEBHOOKS))["endpoints"]
    assert (endpoint["description"], endpoint["events"]) == ("After", ["job.failed"])
    await sent(api, f"{url}/change", **{**fields, "description": ""})
    assert (await get(api, WEBHOOKS))["endpoints"][0]["description"] == ""
    wrong = await sent(api, f"{url}/change", 400, **{**fields, "url": "https://nowhere.example/"})
    assert 'value="https://nowhere.example/"' in wrong.text
    assert (await get(api, WEBHOOKS))["endpoints"][0]["url"] == URL


async def test_a_new_secret_is_shown_once_beside_how_long_the_old_one_lasts(api: httpx2.AsyncClient) -> None:
    url = f"{PAGE}/{await created(api)}"
    assert (await sent(api, f"{url}/rotate")).headers["location"] == url
    page = await shown(api, url)
    assert secret_in(page) is not None
    assert "The one before is valid until" in words(page)
    assert secret_in(await shown(api, url)) is None


async def test_a_webhook_is_disabled_enabled_and_tested_with_scripts_and_without(
    api: httpx2.AsyncClient, system: System
) -> None:
    endpoint_id = await created(api)
    url = f"{PAGE}/{endpoint_id}"
    answer = await pressed(api, f"{url}/disable")
    assert replaced(answer) == {"endpoint-head", "deliveries", "poll", "seen"}
    assert "By you, at" in words(answer)
    assert not (await get(api, f"{WEBHOOKS}/{endpoint_id}"))["endpoint"]["enabled"]
    await sent(api, f"{url}/test", 409)
    assert (await sent(api, f"{url}/enable")).headers["location"] == url
    assert told(await pressed(api, f"{url}/test")) == "A test event is sent there within 15 seconds."
    page = await shown(api, url)
    assert ("webhook.test" in page, "To be sent" in words(page)) == (True, True)
    found = EndpointId(parse_id(endpoint_id, "endpoint"))
    await system.endpoints.disable_gone(OWNER, found, URL)
    for address in (url, PAGE):
        assert "It answered 410, that it is gone" in words(await shown(api, address))


async def test_a_webhook_is_removed(api: httpx2.AsyncClient) -> None:
    url = f"{PAGE}/{await created(api)}"
    assert "Remove this webhook?" in await shown(api, url)
    assert (await sent(api, f"{url}/remove")).headers["location"] == PAGE
    await shown(api, url, 404)
    assert (await get(api, WEBHOOKS))["endpoints"] == []


async def test_the_list_tells_how_the_last_delivery_went(api: httpx2.AsyncClient, system: System) -> None:
    good, bad = await created(api, description="Good"), await created(api, description="Bad")
    await delivery_to(system, good)
    await delivery_to(system, bad, error="The recipient refused it.")
    await created(api, description="Idle")
    page = words(await shown(api, PAGE))
    for phrase in ("Delivered", "Not delivered", "The recipient refused it.", "none yet"):
        assert phrase in page


async def test_the_secret_of_addresses_of_bulks_can_be_made_before_the_first(api: httpx2.AsyncClient) -> None:
    await shown(api, f"{PAGE}/bulks", 404)
    assert "Make the secret now" in await shown(api, PAGE)
    made = await sent(api, f"{PAGE}/bulks/rotate")
    assert made.headers["location"] == f"{PAGE}/bulks"
    page = await shown(api, f"{PAGE}/bulks")
    assert secret_in(page) is not None
    assert ("New secret" in page, "Send a test" in page, "Remove" in page) == (True, False, False)
    assert 'href="/webhooks/bulks"' in await shown(api, PAGE)


async def test_nobody_sees_or_touches_anothers_webhook(api: httpx2.AsyncClient, as_user: As) -> None:
    url = f"{PAGE}/{await created(api)}"
    stranger = as_user("stranger")
    await shown(stranger, url, 404)
    for what in ("change", "rotate", "enable", "disable", "test", "remove", "replay"):
        await sent(stranger, f"{url}/{what}", 404, url=URL, since="2026-01-01T00:00", **{"events.job.failed": "on"})
    assert "No webhooks yet" in await shown(stranger, PAGE)
    [endpoint] = (await get(api, WEBHOOKS))["endpoints"]
    assert (endpoint["enabled"], endpoint["url"], endpoint["rotated_at"]) == (True, URL, None)


async def test_who_may_only_look_is_shown_no_address(with_key: WithKey) -> None:
    await shown(await with_key(scope=Scope.READ), PAGE, 403)
