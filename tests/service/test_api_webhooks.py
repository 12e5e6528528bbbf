"""Webhooks over the API: endpoints, what was sent to them, sending it again; whose they are, and what is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from structlog.typing import EventDict

from jobs.callers.keys import Scope
from jobs.documents import parse_id
from jobs.notification.endpoints import EndpointId
from jobs.storage.store import Store
from jobs.system import Rules, System, assemble
from outbound.allowed import parse_allowed
from service.app import create_app
from service.url_check import UrlCheck
from tests.outbound.asking import Names
from tests.service.conftest import As, WithKey
from tests.service.requesting import OWNER, faults, get, on_embedded, post, refused, settings
from tests.service.webhooking import NAMES, URL, WEBHOOKS, created, delivery_to, iso
from tests.support.clock import MovableClock
from tests.support.deliveries import planned

ALL_BUT_PROGRESS = [
    "bulk.completed",
    "bulk.paused",
    "bulk.cancelled",
    "job.failed",
    "job.awaiting_selection",
]


@pytest.fixture
def app(system: System) -> FastAPI:
    """Without authentication, and with names of its own."""
    app = create_app(settings(), system)
    app.state.url_check = UrlCheck(parse_allowed(["http://127.0.0.1:9"]), Names(NAMES))
    return app


async def test_an_endpoint_is_made_shown_changed_and_removed(api: httpx2.AsyncClient, clock: MovableClock) -> None:
    made = await post(api, WEBHOOKS, {"url": URL, "description": " Ours "})
    state = {
        "id": made["endpoint"]["id"],
        "kind": "endpoint",
        "url": URL,
        "events": ALL_BUT_PROGRESS,
        "description": "Ours",
        "enabled": True,
        "disabled_at": None,
        "disabled_by": None,
        "created_at": iso(clock),
        "rotated_at": None,
        "old_secret_valid_until": None,
    }
    assert made == {"success": True, "endpoint": state, "secret": made["secret"]}
    assert made["secret"].startswith("whsec_")
    path = f"{WEBHOOKS}/{state['id']}"
    assert await get(api, WEBHOOKS) == {"endpoints": [state]}
    assert await get(api, path) == {"endpoint": state}
    changed = await api.patch(path, json={"events": ["job.failed", "bulk.progress", "job.failed"], "enabled": False})
    state |= {"events": ["bulk.progress", "job.failed"], "enabled": False}
    state |= {"disabled_at": iso(clock), "disabled_by": "owner"}
    assert (changed.status_code, changed.json()) == (200, {"success": True, "endpoint": state})
    changed = await api.patch(path, json={"url": f"{URL}/new", "enabled": True, "description": ""})
    state |= {"url": f"{URL}/new", "description": "", "enabled": True, "disabled_at": None, "disabled_by": None}
    assert changed.json()["endpoint"] == state == (await get(api, path))["endpoint"]
    removed = await api.delete(path)
    assert (removed.status_code, removed.json()) == (200, {"success": True, "message": "Endpoint removed"})
    assert await get(api, WEBHOOKS) == {"endpoints": []}
    assert refused(await api.get(path), 404) == "There is no such endpoint."


async def test_a_rotation_gives_a_new_secret_and_both_sign_for_a_day(
    api: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    made = await post(api, WEBHOOKS, {"url": URL})
    endpoint_id = made["endpoint"]["id"]
    rotated = await post(api, f"{WEBHOOKS}/{endpoint_id}/rotate")
    _, signing = await system.endpoints.signing(OWNER, EndpointId(parse_id(endpoint_id, "endpoint")))
    assert list(signing.secrets) == [rotated["secret"], made["secret"]]
    assert rotated["endpoint"]["old_secret_valid_until"] > iso(clock)


async def test_a_secret_is_told_once_and_never_logged(api: httpx2.AsyncClient, logs: list[EventDict]) -> None:
    made = await post(api, WEBHOOKS, {"url": URL})
    secrets = [made["secret"], (await post(api, f"{WEBHOOKS}/{made['endpoint']['id']}/rotate"))["secret"]]
    told = (await api.get(WEBHOOKS)).text + (await api.get(f"{WEBHOOKS}/{made['endpoint']['id']}")).text + repr(logs)
    assert not [secret for secret in secrets if secret in told]


async def test_that_of_single_bulks_is_made_by_its_first_rotation(api: httpx2.AsyncClient, system: System) -> None:
    assert refused(await api.get(f"{WEBHOOKS}/bulks/deliveries"), 404) == "There is no such endpoint."
    rotated = await post(api, f"{WEBHOOKS}/bulks/rotate")
    assert (rotated["endpoint"]["kind"], rotated["endpoint"]["url"]) == ("bulks", "")
    signing = await system.endpoints.signing_for_bulks(OWNER, URL)
    assert signing.secrets[0] == rotated["secret"]
    delivery_id = await planned(system, "url-1", url=URL)
    (shown,) = (await get(api, f"{WEBHOOKS}/bulks/deliveries"))["deliveries"]
    assert (shown["id"], shown["url"], shown["endpoint_id"]) == (delivery_id, URL, None)
    assert (await post(api, f"{WEBHOOKS}/deliveries/{delivery_id}/replay"))["delivery"]["id"] == delivery_id
    refused(await api.post(f"{WEBHOOKS}/bulks/test"), 404)


async def test_what_is_somebody_elses_is_not_there(as_user: As, system: System) -> None:
    mine, other = as_user(OWNER), as_user("other")
    endpoint_id = await created(mine)
    delivery_id = await delivery_to(system, endpoint_id, error="It said no.")
    assert await get(other, WEBHOOKS) == {"endpoints": []}
    for method, path, body in (
        ("GET", endpoint_id, None),
        ("PATCH", endpoint_id, {"url": "https://inside.example/"}),
        ("DELETE", endpoint_id, None),
        ("POST", f"{endpoint_id}/rotate", None),
        ("POST", f"{endpoint_id}/test", None),
        ("GET", f"{endpoint_id}/deliveries", None),
        ("POST", f"{endpoint_id}/replay", {"since": "2020-01-01T00:00:00Z"}),
        ("GET", f"deliveries/{delivery_id}", None),
        ("POST", f"deliveries/{delivery_id}/replay", None),
    ):
        refused(await other.request(method, f"{WEBHOOKS}/{path}", json=body), 404)
    assert (await get(mine, f"{WEBHOOKS}/deliveries/{delivery_id}"))["delivery"]["state"] == "dead"
    assert (await get(mine, f"{WEBHOOKS}/{endpoint_id}"))["endpoint"]["rotated_at"] is None


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_key_that_may_only_read_sees_no_urls(with_key: WithKey, method: str) -> None:
    reader = await with_key(scope=Scope.READ)
    assert refused(await reader.request(method, WEBHOOKS, json={"url": URL}), 403) == (
        "This needs the scope write; yours is read."
    )


async def test_of_many_who_are_made_at_once_twenty_are(api: httpx2.AsyncClient) -> None:
    answers = await asyncio.gather(*(api.post(WEBHOOKS, json={"url": URL}) for _ in range(23)))
    assert sorted(answer.status_code for answer in answers) == [*[200] * 20, *[409] * 3]
    sentences = {refused(answer, 409) for answer in answers if answer.status_code == 409}
    assert sentences == {"You have as many endpoints as there can be: 20 are allowed."}


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://hooks.example/", "must begin with https://"),
        ("https://127.0.0.1/", "No request may be sent to 127.0.0.1"),
        ("https://169.254.169.254/latest/meta-data", "No request may be sent to"),
        ("https://user:pw@hooks.example/", "must not hold a user name or a password"),
        ("https://inside.example/", "No request may be sent to inside.example"),
        ("https://nowhere.example/", "cannot be resolved"),
        ("", "at least 1 character"),
        (7, "must be a valid string"),
    ],
)
@on_embedded
async def test_a_url_that_the_guard_refuses_is_refused_at_registration_and_at_a_change(
    api: httpx2.AsyncClient, url: Any, said: str
) -> None:
    endpoint_id = await created(api)
    for answer in (
        await api.post(WEBHOOKS, json={"url": url}),
        await api.patch(f"{WEBHOOKS}/{endpoint_id}", json={"url": url}),
    ):
        found = faults(answer)
        assert found.keys() == {"url"}
        assert said in found["url"]
    (kept,) = (await get(api, WEBHOOKS))["endpoints"]
    assert kept["url"] == URL


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({"url": URL, "events": []}, {"events"}),
        ({"url": URL, "events": ["bulk.started"]}, {"events.0"}),
        ({"url": URL, "events": "job.failed"}, {"events"}),
        ({"url": URL, "description": "x" * 201}, {"description"}),
        ({"url": URL, "secret": "mine"}, {"secret"}),
        ({}, {"url"}),
    ],
)
@on_embedded
async def test_other_bad_bodies_are_refused(api: httpx2.AsyncClient, body: dict[str, Any], paths: set[str]) -> None:
    assert faults(await api.post(WEBHOOKS, json=body)).keys() == paths
    assert await get(api, WEBHOOKS) == {"endpoints": []}


@on_embedded
async def test_ids_that_cannot_be_are_not_found(api: httpx2.AsyncClient) -> None:
    for wrong in ("x", "%00", "0" * 24, "x" * 3000, "deliveries"):
        refused(await api.get(f"{WEBHOOKS}/{wrong}"), 404)
        refused(await api.get(f"{WEBHOOKS}/deliveries/{wrong}"), 404)
        refused(await api.post(f"{WEBHOOKS}/{wrong}/rotate"), 404)


@on_embedded
async def test_without_an_encryption_key_none_is_made_and_the_setting_is_named(
    store: Store, clock: MovableClock, open_client: As
) -> None:
    client = open_client(create_app(settings(), assemble(store, clock, Rules())), {"X-Pressrun-User": OWNER})
    for answer in (
        await client.post(WEBHOOKS, json={"url": "http://127.0.0.1:9/"}),
        await client.post(f"{WEBHOOKS}/bulks/rotate"),
    ):
        assert "PRESSRUN_ENCRYPTION__KEYS" in refused(answer, 409)
    assert await get(client, WEBHOOKS) == {"endpoints": []}
