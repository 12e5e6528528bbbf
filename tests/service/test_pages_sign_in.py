"""Signing in on a page with an API key, and out again: what the cookie is, where it leads, who may write with it."""

from __future__ import annotations

import httpx2
import pytest
from fastapi import FastAPI

from jobs.keys import Scope
from jobs.system import System
from tests.service.browsing import BROWSER, HOSTILE, HTMX, sent, shown, words
from tests.service.conftest import As
from tests.service.requesting import OWNER

SIGN_IN = "/sign-in"


@pytest.fixture
def stranger(keyed_app: FastAPI, open_client: As) -> httpx2.AsyncClient:
    """A browser that nobody has signed in with; it keeps its cookies."""
    return open_client(keyed_app)


@pytest.fixture
async def key(system: System) -> str:
    return (await system.keys.create(OWNER, Scope.WRITE))[1]


@pytest.mark.parametrize("page", ["/", "/queue", "/selections"])
async def test_every_page_asks_who_it_is_and_leads_back(stranger: httpx2.AsyncClient, key: str, page: str) -> None:
    answer = await stranger.get(page, headers=BROWSER)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{SIGN_IN}?next={page}")
    asked = await shown(stranger, answer.headers["location"])
    assert f'name="next" value="{page}"' in asked
    assert (await sent(stranger, SIGN_IN, key=key, next=page)).headers["location"] == page
    assert OWNER in await shown(stranger, page)


async def test_the_key_is_kept_where_no_script_and_no_other_site_reaches_it(
    stranger: httpx2.AsyncClient, key: str
) -> None:
    cookie = (await sent(stranger, SIGN_IN, key=key)).headers["set-cookie"].lower()
    for attribute in ("httponly", "samesite=lax", "path=/", "max-age=2592000"):
        assert attribute in cookie
    assert "secure" not in cookie  # over http; over https it is
    assert key not in await shown(stranger, "/")


async def test_over_https_the_cookie_is_secure(stranger: httpx2.AsyncClient, key: str) -> None:
    answer = await stranger.post(f"https://127.0.0.1{SIGN_IN}", data={"key": key}, headers=BROWSER)
    assert "secure" in answer.headers["set-cookie"].lower()


@pytest.mark.parametrize("given", ["", "nonsense", "pressrun_" + "x" * 40, HOSTILE, "ключ"])
async def test_a_key_that_is_none_is_refused_and_the_way_back_is_kept(stranger: httpx2.AsyncClient, given: str) -> None:
    answer = await sent(stranger, SIGN_IN, 401, key=given, next="/queue")
    assert "This is no key, or it was revoked." in words(answer.text)
    assert 'role="alert"' in answer.text
    assert 'name="next" value="/queue"' in answer.text
    assert "set-cookie" not in answer.headers
    assert HOSTILE not in answer.text


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "", "a\nb"]
)
async def test_signing_in_leads_to_this_site_alone(stranger: httpx2.AsyncClient, key: str, elsewhere: str) -> None:
    assert (await sent(stranger, SIGN_IN, key=key, next=elsewhere)).headers["location"] == "/"


async def test_who_is_signed_in_already_is_led_on(stranger: httpx2.AsyncClient, key: str) -> None:
    await sent(stranger, SIGN_IN, key=key)
    answer = await stranger.get(SIGN_IN, params={"next": "/queue"}, headers=BROWSER)
    assert (answer.status_code, answer.headers["location"]) == (303, "/queue")


async def test_signing_out_forgets_the_key(stranger: httpx2.AsyncClient, key: str) -> None:
    await sent(stranger, SIGN_IN, key=key)
    assert "Sign out" in await shown(stranger, "/")
    assert (await sent(stranger, "/sign-out")).headers["location"] == SIGN_IN
    assert (await stranger.get("/", headers=BROWSER)).status_code == 303


async def test_a_revoked_key_signs_out_everywhere(stranger: httpx2.AsyncClient, system: System, key: str) -> None:
    await sent(stranger, SIGN_IN, key=key)
    await system.keys.revoke((await system.keys.all())[0]["_id"])
    again = await stranger.get("/queue/around", headers=HTMX)
    assert (again.status_code, again.headers["hx-redirect"]) == (204, f"{SIGN_IN}?next=/queue/around")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 404),
        ({"Origin": "http://127.0.0.1:8000"}, 404),
        ({}, 404),
    ],
)
async def test_a_page_of_another_site_changes_nothing_with_the_cookie(
    stranger: httpx2.AsyncClient, key: str, headers: dict[str, str], status: int
) -> None:
    """404: it was let in, and there is no such job."""
    await sent(stranger, SIGN_IN, key=key)
    url = "/selections/665f1c2ab4d1e0a1b2c3d4e5"
    answer = await stranger.post(url, data={"choice": "1"}, headers={**BROWSER, **headers})
    assert answer.status_code == status


async def test_without_authentication_there_is_nobody_to_sign_in(api: httpx2.AsyncClient) -> None:
    answer = await api.get(SIGN_IN, headers=BROWSER)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "Sign out" not in await shown(api, "/")
