"""Whom a request may have told: `notify` of bulks, mail preferences, and the link in a mail that ends it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from bson import ObjectId
from fastapi import FastAPI

from jobs.callers.keys import Scope
from jobs.storage.store import Store
from jobs.system import System
from service.app import create_app
from tests.service.conftest import As
from tests.service.requesting import BULKS, OWNER, bulk, faults, get, on_embedded, post, refused, settings, submit

PREFERENCES = "/api/notifications/preferences"
HOOK = "http://127.0.0.1:9/hook"
ADA = "ada@shop.example"
SMTP = {"url": "smtp://127.0.0.1:9", "sender": "pressrun@shop.example"}
AT_FIRST = ["bulk.completed", "bulk.paused", "bulk.cancelled"]
Mailed = Callable[..., Awaitable[httpx2.AsyncClient]]


@pytest.fixture
def app(system: System) -> FastAPI:
    """Without authentication, with a mail server."""
    return create_app(settings(smtp=SMTP), system)


@pytest.fixture
def mailed(system: System, open_client: As) -> Mailed:
    """A client with a key, which may know its user's address."""
    keyed = create_app(settings(smtp=SMTP, auth={"mode": "keys"}, mail={"domains": ["team.example"]}), system)

    async def client(email: str | None = None, user: str = OWNER, scope: Scope = Scope.WRITE) -> httpx2.AsyncClient:
        _, text = await system.keys.create(user, scope, email=email)
        return open_client(keyed, {"Authorization": f"Bearer {text}"})

    return client


async def notify_of(client: httpx2.AsyncClient, bulk_id: str) -> Any:
    return (await get(client, f"{BULKS}/{bulk_id}"))["bulk_job"]["notify"]


async def test_a_bulk_keeps_whom_to_tell_and_can_be_changed(api: httpx2.AsyncClient, store: Store) -> None:
    told = {"webhook_url": HOOK, "email": ADA, "progress": [90, 50, 50]}
    bulk_id = await submit(api, notify=told)
    assert await notify_of(api, bulk_id) == {**told, "progress": [50, 90]}
    found = await store.collection("bulk_jobs").find_one({"_id": ObjectId(bulk_id)})
    assert found is not None
    assert found["notify"] == {**told, "progress": [50, 90]}
    changed = await api.patch(f"{BULKS}/{bulk_id}", json={"notify": {"progress": [10]}})
    assert changed.json()["bulk_job"]["notify"] == {"webhook_url": None, "email": None, "progress": [10]}
    assert (await api.patch(f"{BULKS}/{bulk_id}", json={"name": "n"})).json()["bulk_job"]["notify"] is not None
    assert (await api.patch(f"{BULKS}/{bulk_id}", json={"notify": None})).json()["bulk_job"]["notify"] is None


async def test_without_anybody_to_tell_there_is_no_notify(api: httpx2.AsyncClient) -> None:
    wanted: list[Any] = [{}, None, {"progress": []}]
    for notify in wanted:
        assert await notify_of(api, await submit(api, notify=notify)) is None
    assert await notify_of(api, await submit(api)) is None


async def test_submitting_again_tells_the_same(api: httpx2.AsyncClient) -> None:
    bulk_id = await submit(api, notify={"email": ADA, "progress": [50]})
    again = (await post(api, f"{BULKS}/{bulk_id}/again"))["bulk_job_id"]
    assert await notify_of(api, again) == {"webhook_url": None, "email": ADA, "progress": [50]}


@pytest.mark.parametrize(
    ("notify", "path"),
    [
        ({"webhook_url": "http://cms.example/hook"}, "notify.webhook_url"),
        ({"webhook_url": "https://127.0.0.1/hook"}, "notify.webhook_url"),
        ({"webhook_url": "https://169.254.169.254/"}, "notify.webhook_url"),
        ({"webhook_url": ""}, "notify.webhook_url"),
        ({"webhook_url": "https://x.example/" + "x" * 2048}, "notify.webhook_url"),
        ({"email": "no address"}, "notify.email"),
        ({"email": f"{ADA}\r\nBcc: eve@x.example"}, "notify.email"),
        ({"email": f"{ADA}, eve@x.example"}, "notify.email"),
        ({"email": "x" * 300}, "notify.email"),
        ({"email": 7}, "notify.email"),
        ({"progress": [0]}, "notify.progress.0"),
        ({"progress": [50, 100]}, "notify.progress.1"),
        ({"progress": ["50"]}, "notify.progress.0"),
        ({"progress": [50.5]}, "notify.progress.0"),
        ({"progress": list(range(1, 12))}, "notify.progress"),
        ({"progress": 50}, "notify.progress"),
        ({"phone": "1"}, "notify.phone"),
        ("me", "notify"),
    ],
)
@on_embedded
async def test_what_is_wrong_with_notify_is_named_and_nothing_stored(
    api: httpx2.AsyncClient, store: Store, notify: Any, path: str
) -> None:
    assert faults(await api.post(BULKS, json=bulk(notify=notify))).keys() == {path}
    assert await store.collection("bulk_jobs").count({}) == 0
    validated = await post(api, f"{BULKS}/validate", bulk(notify=notify))
    assert [error["path"] for error in validated["errors"]] == [path]


async def test_only_ones_own_address_or_one_of_an_allowed_domain_is_taken(mailed: Mailed) -> None:
    ada, nobody = await mailed("Ada@shop.example"), await mailed(user="other")
    for address in (ADA, "boss@team.example", "boss@TEAM.example"):
        assert await notify_of(ada, await submit(ada, notify={"email": address})) is not None
    own = "must be your own address, or an address at team.example"
    for address in ("eve@shop.example", "a@sub.team.example", "a@team.example.evil.example", "a@evilteam.example"):
        assert faults(await ada.post(BULKS, json=bulk(notify={"email": address}))) == {"notify.email": own}
        assert faults(await ada.put(PREFERENCES, json={"email": address})) == {"email": own}
    unknown = "must be your own address, and none is known of you, or an address at team.example"
    assert faults(await nobody.post(BULKS, json=bulk(notify={"email": ADA}))) == {"notify.email": unknown}
    bulk_id = await submit(ada)
    assert faults(await ada.patch(f"{BULKS}/{bulk_id}", json={"notify": {"email": "e@x.example"}})).keys() == {
        "notify.email"
    }


async def test_where_no_mail_is_sent_no_address_is_taken(system: System, open_client: As) -> None:
    silent = open_client(create_app(settings(), system))
    sentence = "no mail is sent here: the operator has to set PRESSRUN_SMTP__URL first"
    assert faults(await silent.post(BULKS, json=bulk(notify={"email": ADA}))) == {"notify.email": sentence}
    assert (await get(silent, PREFERENCES))["mails"] is False


async def test_preferences_are_as_at_first_until_they_are_changed(mailed: Mailed) -> None:
    ada = await mailed(ADA)
    at_first = {
        "email": None,
        "at_once": AT_FIRST,
        "daily": [],
        "own_address": ADA,
        "unsubscribed": False,
        "mails": True,
    }
    assert await get(ada, PREFERENCES) == at_first
    wanted = {"email": ADA, "at_once": ["job.awaiting_selection"], "daily": ["bulk.completed", "job.failed"]}
    changed = await ada.put(PREFERENCES, json=wanted)
    assert changed.json() == {"success": True, "preferences": {**at_first, **wanted}}
    assert await get(ada, PREFERENCES) == {**at_first, **wanted}
    assert (await get(await mailed(user="other"), PREFERENCES))["email"] is None
    await ada.put(PREFERENCES, json={"email": ADA})
    assert await get(ada, PREFERENCES) == {**at_first, "email": ADA}
    await ada.put(PREFERENCES, json={"email": ADA, "daily": []})
    assert await get(ada, PREFERENCES) == {**at_first, "email": ADA, "at_once": []}


@pytest.mark.parametrize(
    ("body", "path", "said"),
    [
        ({"at_once": ["bulk.begun"]}, "at_once.0", "must be "),
        ({"at_once": "bulk.completed"}, "at_once", "must be a valid list"),
        ({"at_once": ["job.failed"], "daily": ["job.failed"]}, "", "job.failed is to be mailed at once and once a day"),
        ({"events": {}}, "events", "is not a field"),
        ({"email": 1}, "email", "must be"),
    ],
)
@on_embedded
async def test_wrong_preferences_change_nothing(api: httpx2.AsyncClient, body: Any, path: str, said: str) -> None:
    await api.put(PREFERENCES, json={"email": ADA})
    before = await get(api, PREFERENCES)
    found = faults(await api.put(PREFERENCES, json=body))
    assert found.keys() == {path}
    assert said in found[path]
    assert await get(api, PREFERENCES) == before


async def link(system: System) -> str:
    return f"/unsubscribe/{(await system.mailboxes.kept(OWNER, ADA)).token}"


async def test_opening_the_link_changes_nothing_and_a_post_ends_the_mail(
    mailed: Mailed, system: System, open_client: As, keyed_app: FastAPI
) -> None:
    ada, anybody = await mailed(ADA), open_client(keyed_app)
    await ada.put(PREFERENCES, json={"email": ADA})
    url = await link(system)
    shown = await anybody.get(url, headers={"Accept": "text/html"})
    assert (shown.status_code, "No more mail" in shown.text, ADA in shown.text) == (200, True, True)
    assert shown.headers["referrer-policy"] == "no-referrer"
    assert (await get(ada, PREFERENCES))["unsubscribed"] is False
    one_click = {"Content-Type": "application/x-www-form-urlencoded"}
    for _ in range(2):
        ended = await anybody.post(url, content="List-Unsubscribe=One-Click", headers=one_click)
        assert (ended.status_code, "gets no more mail" in ended.text) == (200, True)
    assert (await get(ada, PREFERENCES))["unsubscribed"] is True
    assert "gets no more mail" in (await anybody.get(url)).text
    assert (await anybody.post(f"{url}/undo")).status_code == 200
    assert (await get(ada, PREFERENCES))["unsubscribed"] is False


async def test_only_who_has_the_address_takes_its_unsubscribing_back_by_preferences(
    mailed: Mailed, system: System
) -> None:
    colleague = "boss@team.example"
    ada = await mailed(ADA)
    for address, wants_mail in ((ADA, True), (colleague, False)):
        await system.mailboxes.unsubscribe(await system.mailboxes.kept(OWNER, address))
        changed = (await ada.put(PREFERENCES, json={"email": address})).json()["preferences"]
        assert changed["unsubscribed"] is not wants_mail


@pytest.mark.parametrize("token", ["x", "%00", "a" * 500, "é"])
@on_embedded
async def test_a_link_that_was_never_sent_leads_nowhere(api: httpx2.AsyncClient, token: str) -> None:
    for method, path in (("GET", ""), ("POST", ""), ("POST", "/undo")):
        refused(await api.request(method, f"/unsubscribe/{token}{path}"), 404)
