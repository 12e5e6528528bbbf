"""Signing in on a page with an API key, and out again: what the cookie is, where it leads, who may write with it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta

import httpx2
import pytest
from fastapi import FastAPI

from jobs.callers.keys import Scope
from jobs.system import System
from service.app import create_app
from service.auth.failed_tries import FailedTries
from tests.service.browsing import BROWSER, HOSTILE, HTMX, sent, shown, words
from tests.service.conftest import As
from tests.service.requesting import BULKS, OWNER, on_embedded, settings
from tests.support.clock import MovableClock

pytestmark = on_embedded

SIGN_IN = "/sign-in"
PLAIN = "http://127.0.0.1:8000"


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


async def test_the_session_is_kept_where_no_script_and_no_other_site_reaches_it(
    stranger: httpx2.AsyncClient, key: str
) -> None:
    cookie = (await sent(stranger, SIGN_IN, key=key)).headers["set-cookie"]
    assert cookie.startswith("pressrun_session=")
    for attribute in ("httponly", "samesite=lax", "path=/", "max-age=2592000"):
        assert attribute in cookie.lower()
    assert not {"secure", "domain"} & attributes(cookie)  # over http; over https it is secure
    assert key not in await shown(stranger, "/")


def attributes(cookie: str) -> set[str]:
    return {part.strip().partition("=")[0].lower() for part in cookie.split(";")[1:]}


async def test_the_cookie_holds_no_key(stranger: httpx2.AsyncClient, key: str) -> None:
    cookie = (await sent(stranger, SIGN_IN, key=key)).headers["set-cookie"]
    assert key.removeprefix("pressrun_")[:8] not in cookie
    assert hashlib.sha256(key.encode()).hexdigest()[:8] not in cookie


HTTPS = {
    "spoken to over https": ("https://127.0.0.1", {}),
    "behind a proxy": (PLAIN, {"Host": "pressrun.example", "Origin": "https://pressrun.example"}),
}
"""The service behind a proxy is spoken to in plain, and only the browser knows better."""


@pytest.mark.parametrize("reached", HTTPS)
async def test_over_https_the_cookie_is_secure_and_of_this_host_alone(
    stranger: httpx2.AsyncClient, key: str, reached: str
) -> None:
    origin, headers = HTTPS[reached]
    answer = await stranger.post(f"{origin}{SIGN_IN}", data={"key": key}, headers={**BROWSER, **headers})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-pressrun_session=")
    assert {"secure", "path", "httponly"} <= attributes(cookie)
    assert "domain" not in attributes(cookie)
    kept = {"Cookie": cookie.partition(";")[0]}
    assert (await stranger.get(f"{origin}/queue", headers={**BROWSER, **kept})).status_code == 200


async def test_over_https_a_session_that_a_neighbour_may_have_planted_is_none(
    stranger: httpx2.AsyncClient, key: str
) -> None:
    value = (await sent(stranger, SIGN_IN, key=key)).headers["set-cookie"].partition(";")[0].partition("=")[2]
    assert (await stranger.get(f"{PLAIN}/queue", headers=BROWSER)).status_code == 200
    stranger.cookies.clear()
    for name in ("pressrun_session", "__Host-pressrun_session"):
        planted = {**BROWSER, "Cookie": f"{name}={value}"}
        assert (await stranger.get("https://127.0.0.1/queue", headers=planted)).status_code == 303


@pytest.mark.parametrize(
    "change",
    [
        lambda value: "",
        lambda value: "nonsense",
        lambda value: value[:-1],
        lambda value: value + "A",
        lambda value: value.replace(value[:24], "6b027bdfe484bda5c9f5777d"),
        lambda value: value.replace(".1", ".9"),
        lambda value: value.rpartition(".")[0] + ".",
        lambda value: value.rpartition(".")[2],
        lambda value: "." * 3,
        lambda value: "a" * 5_000,
        lambda value: value.rpartition(".")[0] + ".\xff\xfe",
    ],
)
async def test_a_session_that_was_not_signed_here_is_none(
    stranger: httpx2.AsyncClient, key: str, change: Callable[[str], str]
) -> None:
    value = (await sent(stranger, SIGN_IN, key=key)).headers["set-cookie"].partition(";")[0].partition("=")[2]
    stranger.cookies.clear()
    headers = [(b"Accept", b"text/html"), (b"Cookie", f"pressrun_session={change(value)}".encode("latin-1"))]
    assert (await stranger.get("/queue", headers=headers)).status_code == 303


async def test_a_session_lasts_thirty_days_and_no_longer_than_its_key(
    stranger: httpx2.AsyncClient, system: System, clock: MovableClock, key: str
) -> None:
    await sent(stranger, SIGN_IN, key=key)
    kept = stranger.cookies["pressrun_session"]
    for days, code in ((29, 200), (1, 303)):
        clock.move(timedelta(days=days))
        assert (await stranger.get("/", headers={**BROWSER, "Cookie": f"pressrun_session={kept}"})).status_code == code
    _, short = await system.keys.create(OWNER, Scope.READ, expires_at=clock.now() + timedelta(hours=1))
    assert "max-age=3600" in (await sent(stranger, SIGN_IN, key=short)).headers["set-cookie"].lower()


async def test_a_session_is_verified_by_each_secret_and_signed_by_the_first(
    system: System, open_client: As, key: str
) -> None:
    """So one secret can take the place of another without signing anybody out."""

    def browser(*secrets: str) -> httpx2.AsyncClient:
        return open_client(create_app(settings(auth={"mode": "keys", "secrets": list(secrets)}), system))

    old, new = "the secret before, of enough characters", "the secret after, of enough characters"
    before, between, after = browser(old), browser(new, old), browser(new)
    first = {**BROWSER, "Cookie": (await sent(before, SIGN_IN, key=key)).headers["set-cookie"].partition(";")[0]}
    second = {**BROWSER, "Cookie": (await sent(between, SIGN_IN, key=key)).headers["set-cookie"].partition(";")[0]}
    for client in (before, between, after):
        client.cookies.clear()
    codes = [
        [(await one.get("/", headers=kept)).status_code for kept in (first, second)] for one in (before, between, after)
    ]
    assert codes == [[200, 303], [200, 200], [303, 200]]


async def test_without_secrets_the_page_says_what_the_operator_has_to_do(
    system: System, open_client: As, key: str
) -> None:
    client = open_client(create_app(settings(auth={"mode": "keys"}), system))
    sentence = "Nobody can sign in here yet: the operator has to set PRESSRUN_AUTH__SECRETS first."
    page = await shown(client, SIGN_IN)
    assert sentence in words(page)
    assert "<form" not in page
    answer = await sent(client, SIGN_IN, 409, key=key)
    assert sentence in words(answer.text)
    assert "set-cookie" not in answer.headers


async def test_the_cookie_of_former_versions_is_cleared_and_lets_nobody_in(
    stranger: httpx2.AsyncClient, key: str
) -> None:
    stranger.cookies.set("pressrun_key", key)
    assert (await stranger.get("/", headers=BROWSER)).status_code == 303
    answer = await stranger.get(SIGN_IN, headers=BROWSER)
    assert answer.headers["set-cookie"].startswith('pressrun_key="";')
    assert "max-age=0" in answer.headers["set-cookie"].lower()


async def test_who_fails_ten_times_a_minute_waits_and_nobody_else(
    keyed_app: FastAPI, stranger: httpx2.AsyncClient, key: str
) -> None:
    moments = iter(float(number) for number in range(1000))
    keyed_app.state.failed_tries = FailedTries(lambda: next(moments))
    for number in range(10):
        await sent(stranger, SIGN_IN, 401, key=f"pressrun_{number}")
    answer = await sent(stranger, SIGN_IN, 429, key=key)
    assert answer.headers["retry-after"] == "50"
    assert "Too many keys were wrong: try again in 50 seconds." in words(answer.text)
    assert "set-cookie" not in answer.headers
    elsewhere = httpx2.ASGITransport(keyed_app, client=("192.0.2.7", 1))
    async with httpx2.AsyncClient(transport=elsewhere, base_url=PLAIN) as other:
        await sent(other, SIGN_IN, key=key)
    for _ in range(60):
        next(moments)
    await sent(stranger, SIGN_IN, key=key)


@pytest.mark.parametrize("page", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
async def test_a_page_of_another_site_signs_nobody_in(
    stranger: httpx2.AsyncClient, key: str, page: dict[str, str]
) -> None:
    """Under its own key: what is submitted then would be for its eyes."""
    answer = await stranger.post(SIGN_IN, data={"key": key}, headers={**BROWSER, **page})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_who_sends_a_wrong_key_is_not_taken_for_who_has_signed_in(stranger: httpx2.AsyncClient, key: str) -> None:
    await sent(stranger, SIGN_IN, key=key)
    assert (await stranger.get(BULKS)).status_code == 200
    assert (await stranger.get(BULKS, headers={"Authorization": f"Bearer {key}x"})).status_code == 401


async def test_a_key_as_long_as_a_book_is_not_even_read(stranger: httpx2.AsyncClient) -> None:
    """Anybody may ask here; eight megabytes of %41 kept everybody else waiting for a second."""
    long = b"key=" + b"%41" * 10_000
    form = {**BROWSER, "Content-Type": "application/x-www-form-urlencoded"}
    assert (await stranger.post(SIGN_IN, content=long, headers=form)).status_code == 400


@pytest.mark.parametrize("given", ["", "nonsense", "pressrun_" + "x" * 40, HOSTILE, "ключ"])
async def test_a_key_that_is_none_is_refused_and_the_way_back_is_kept(stranger: httpx2.AsyncClient, given: str) -> None:
    answer = await sent(stranger, SIGN_IN, 401, key=given, next="/queue")
    assert "This is no key, or it was revoked or has expired." in words(answer.text)
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


async def test_a_page_of_another_site_signs_nobody_out(stranger: httpx2.AsyncClient, key: str) -> None:
    await sent(stranger, SIGN_IN, key=key)
    answer = await stranger.post("/sign-out", headers={**BROWSER, "Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


async def test_signing_out_ends_the_session(stranger: httpx2.AsyncClient, key: str) -> None:
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
        ({"Origin": "http://["}, 403),
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
