"""Authentication off, for development: this machine only, the header names the user, and the start says so."""

from __future__ import annotations

import httpx2
import pytest
from bson import ObjectId
from fastapi import FastAPI
from structlog.typing import EventDict

from jobs.configuration.settings import WrongSettings
from jobs.storage.store import Store
from jobs.system import System
from service.app import create_app
from service.auth.off import check_host
from tests.service.conftest import As
from tests.service.requesting import BULKS, NOTHING, bulk, get, on_embedded, refused, settings, stored, submit


async def test_the_header_names_the_user(as_user: As) -> None:
    bulk_id = await submit(as_user("anna"))
    assert (await get(as_user("anna"), f"{BULKS}/{bulk_id}"))["bulk_job"]["userId"] == "anna"
    refused(await as_user("bert").get(f"{BULKS}/{bulk_id}"), 404)
    assert (await get(as_user("bert"), BULKS))["bulk_jobs"] == []


async def test_without_the_header_it_is_the_developer_who_is_an_admin(app: FastAPI, open_client: As) -> None:
    for headers in ({}, {"X-Pressrun-User": ""}, {"X-Pressrun-User": "  "}, {"X-Pressrun-User": "developer"}):
        client = open_client(app, headers)
        assert (await client.get("/api/limits")).status_code == 200
        await submit(client)
    assert len((await get(open_client(app), BULKS))["bulk_jobs"]) == 4


async def test_others_are_no_admins_unless_the_settings_name_them(system: System, open_client: As) -> None:
    app = create_app(settings(auth={"mode": "off", "admins": ["boss"]}), system)
    for user, status in (("boss", 200), ("anna", 403), ("Boss", 403)):
        client = open_client(app, {"X-Pressrun-User": user})
        for url in ("/api/limits", "/api/workers"):
            assert (await client.get(url)).status_code == status
        assert (await client.patch("/api/limits", json={"max_running": 2})).status_code == status


async def test_a_user_with_an_object_id_is_one(as_user: As, store: Store) -> None:
    name = "665f1c2ab4d1e0a1b2c3d4e5"
    bulk_id = await submit(as_user(name))
    found = await store.collection("bulk_jobs").find_one({"_id": ObjectId(bulk_id)})
    assert found is not None
    assert found["userId"] == ObjectId(name)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost.evil.example", "http://10.0.0.5"])
async def test_a_page_of_another_site_is_refused(refusing: httpx2.AsyncClient, origin: str) -> None:
    answer = await refusing.post(f"{BULKS}/665f1c2ab4d1e0a1b2c3d4e5/cancel", headers={"Origin": origin})
    refused(answer, 403)


@pytest.mark.parametrize("origin", ["http://localhost:8000", "http://127.0.0.1:3000", "http://[::1]:8000"])
async def test_a_page_of_this_machine_is_let_in(refusing: httpx2.AsyncClient, origin: str) -> None:
    assert (await refusing.get(BULKS, headers={"Origin": origin})).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8000", "LocalHost:1", "127.0.0.1", "127.0.0.1:8000", "[::1]", "[::1]:8000"],
)
async def test_this_machine_is_let_in(refusing: httpx2.AsyncClient, host: str) -> None:
    assert (await refusing.get(BULKS, headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "",
        "example.com",
        "example.com:8000",
        "localhost.example.com",
        "127.0.0.1.example.com:8000",
        "example.com:127.0.0.1",
        "127.0.0.2",
        "0.0.0.0:8000",
        "10.0.0.1",
        "[::]:8000",
        "[::2]",
        "::1",
        "[::ffff:127.0.0.1]",
        "localhost.",
        "localhost@example.com",
        "example.com\tlocalhost",
    ],
)
async def test_a_foreign_host_is_refused_everywhere(
    refusing: httpx2.AsyncClient, empty_store: Store, host: str
) -> None:
    sentence = "While authentication is off, the Host must be localhost, 127.0.0.1 or [::1]."
    for method, url in (("GET", BULKS), ("POST", BULKS), ("GET", "/healthz"), ("GET", "/openapi.json"), ("GET", "/no")):
        response = await refusing.request(
            method, url, json=bulk() if method == "POST" else None, headers={"Host": host}
        )
        assert refused(response, 403) == sentence
    assert await stored(empty_store) == NOTHING


@pytest.mark.parametrize("header", ["X-Forwarded-For", "x-forwarded-host", "X-FORWARDED-PROTO", "X-Forwarded-Anything"])
async def test_what_came_through_a_proxy_is_refused_everywhere(
    refusing: httpx2.AsyncClient, empty_store: Store, header: str
) -> None:
    sentence = "While authentication is off, requests through a proxy (X-Forwarded-*) are refused."
    for method, url in (("GET", BULKS), ("POST", BULKS), ("GET", "/healthz")):
        for value in ("127.0.0.1", ""):
            body = bulk() if method == "POST" else None
            response = await refusing.request(method, url, json=body, headers={header: value})
            assert refused(response, 403) == sentence
    assert await stored(empty_store) == NOTHING


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_only_a_loopback_address_may_be_bound(host: str) -> None:
    check_host(host)


@pytest.mark.parametrize(
    "host",
    [
        "0.0.0.0",
        "::",
        "",
        "10.0.0.1",
        "192.168.1.2",
        "203.0.113.9",
        "example.com",
        "localhost.example.com",
        "2001:db8::1",
    ],
)
@on_embedded
async def test_the_service_is_not_started_where_others_could_reach_it(system: System, host: str) -> None:
    with pytest.raises(WrongSettings) as refusal:
        check_host(host)
    (fault,) = refusal.value.faults
    assert fault.path == "PRESSRUN_AUTH__MODE"
    assert fault.message == f"off serves this machine only, not {host}: use 127.0.0.1, or mode keys"
    with pytest.raises(WrongSettings):
        create_app(settings(service={"host": host}), system)


@on_embedded
async def test_with_keys_any_address_may_be_bound(system: System) -> None:
    create_app(settings(auth={"mode": "keys"}, service={"host": "0.0.0.0"}), system)


@on_embedded
async def test_the_start_says_that_authentication_is_off(system: System, logs: list[EventDict]) -> None:
    create_app(settings(auth={"mode": "keys"}), system)
    assert logs == []
    create_app(settings(), system)
    (line,) = logs
    assert (line["event"], line["log_level"]) == ("authentication_is_off", "warning")
    assert "development only" in line["sentence"]
