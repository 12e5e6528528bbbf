"""What proxies say of a request: believed of the trusted, and of nobody else."""

from __future__ import annotations

from collections.abc import Callable

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from jobs.callers.keys import Scope as KeyScope
from jobs.system import System
from service.app import create_app
from service.auth.failed_tries import MOST, MOST_ADDRESSES, FailedTries
from service.auth.proxies import TrustedProxies
from tests.service.browsing import BROWSER, sent
from tests.service.requesting import BULKS, OWNER, SECRET, bulk, on_embedded, settings

TRUSTED = ["10.0.0.0/8", "192.0.2.1/32", "fd00::/8", "::1/128"]
Told = list[str]


async def tell(scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope)
    assert request.client is not None
    told = [request.client.host, request.url.scheme, request.headers["host"]]
    await JSONResponse(told)(scope, receive, send)


async def seen(peer: str, headers: list[tuple[str, str]], trusted: list[str] = TRUSTED) -> Told:
    transport = httpx2.ASGITransport(TrustedProxies(tell, trusted), client=(peer, 4711))
    async with httpx2.AsyncClient(transport=transport, base_url="http://inside") as client:
        told: Told = (await client.get("/", headers=headers)).json()
        return told


FOR, PROTO, HOST = "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.1.2.3", "203.0.113.9", "203.0.113.9"),
        ("10.1.2.3", "203.0.113.9:5555", "203.0.113.9"),
        ("10.1.2.3", "198.51.100.7, 203.0.113.9", "203.0.113.9"),
        ("10.1.2.3", "198.51.100.7, 203.0.113.9, 10.9.9.9, 192.0.2.1", "203.0.113.9"),
        ("10.1.2.3", "10.7.7.7, 10.8.8.8", "10.7.7.7"),
        ("10.1.2.3", "2001:db8::5", "2001:db8::5"),
        ("10.1.2.3", "[2001:db8::5]:443", "2001:db8::5"),
        ("10.1.2.3", "198.51.100.7, fd00::2, ::1", "198.51.100.7"),
        ("10.1.2.3", "", "10.1.2.3"),
        ("::ffff:10.1.2.3", "203.0.113.9", "203.0.113.9"),
        ("fd12::1", "203.0.113.9", "203.0.113.9"),
        ("0:0:0:0:0:0:0:1", "203.0.113.9", "203.0.113.9"),
        ("192.0.2.2", "203.0.113.9", "192.0.2.2"),
        ("11.0.0.1", "203.0.113.9", "11.0.0.1"),
        ("2001:db8::1", "203.0.113.9", "2001:db8::1"),
        ("::ffff:192.0.2.2", "203.0.113.9", "192.0.2.2"),
        ("testclient", "203.0.113.9", "testclient"),
    ],
)
async def test_the_client_is_the_last_address_that_no_trusted_proxy_has(peer: str, forwarded: str, client: str) -> None:
    assert (await seen(peer, [(FOR, forwarded)]))[0] == client


async def test_several_headers_of_a_name_are_one_list() -> None:
    """A proxy may add a line of its own to what the client has sent."""
    assert (await seen("10.1.2.3", [(FOR, "198.51.100.7"), (FOR, "203.0.113.9"), (FOR, "10.0.0.2")]))[
        0
    ] == "203.0.113.9"


@pytest.mark.parametrize(
    ("peer", "headers", "scheme", "host"),
    [
        ("10.1.2.3", [(PROTO, "https"), (HOST, "app.example.com")], "https", "app.example.com"),
        ("10.1.2.3", [(PROTO, "ftp")], "http", "inside"),
        ("10.1.2.3", [(HOST, "app.example.com:8443, proxy.inside")], "http", "app.example.com:8443"),
        ("10.1.2.3", [(HOST, "")], "http", "inside"),
        ("192.0.2.2", [(PROTO, "https"), (HOST, "app.example.com")], "http", "inside"),
    ],
)
async def test_scheme_and_host_are_what_a_trusted_proxy_says(
    peer: str, headers: list[tuple[str, str]], scheme: str, host: str
) -> None:
    assert (await seen(peer, headers))[1:] == [scheme, host]


@on_embedded
@pytest.mark.parametrize(("trusted", "may"), [(["127.0.0.1"], True), (["10.0.0.0/8"], False), ([], False)])
async def test_the_service_believes_those_of_its_settings_alone(system: System, trusted: list[str], may: bool) -> None:
    """Seen by the page's host, which an old browser names in `Origin` alone, and by whether the cookie is secure."""
    auth = {"mode": "keys", "secrets": [SECRET]}
    app = create_app(settings(auth=auth, service={"trusted_proxies": trusted}), system)
    _, text = await system.keys.create(OWNER, KeyScope.WRITE)
    proxied = {HOST: "app.example.com", PROTO: "https", FOR: "203.0.113.9"}
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", headers=proxied) as client:
        answer = await sent(client, "/sign-in", key=text)
        assert ("secure" in answer.headers["set-cookie"].lower()) is may
        kept = {"Cookie": answer.headers["set-cookie"].partition(";")[0]}
        origin = {"Origin": "http://app.example.com"}
        assert (await client.post(BULKS, json=bulk(), headers=kept | origin)).status_code == (200 if may else 403)
        for number in range(MOST):
            await sent(client, "/sign-in", 401, key=f"pressrun_{number}")
        elsewhere = await client.post("/sign-in", data={"key": text}, headers={**BROWSER, FOR: "203.0.113.10"})
        assert elsewhere.status_code == (303 if may else 429)


def counting() -> tuple[FailedTries, Callable[[float], None]]:
    moment = [0.0]
    return FailedTries(lambda: moment[0]), lambda seconds: moment.__setitem__(0, moment[0] + seconds)


def test_a_try_is_welcome_again_as_the_oldest_failures_are_past() -> None:
    failed, passes = counting()
    for _ in range(MOST):
        assert failed.seconds_to_wait("192.0.2.1") == 0
        failed.note("192.0.2.1")
        passes(2)
    assert failed.seconds_to_wait("192.0.2.1") == 40
    passes(39.5)
    assert failed.seconds_to_wait("192.0.2.1") == 1
    passes(0.5)
    assert failed.seconds_to_wait("192.0.2.1") == 0
    failed.note("192.0.2.1")
    assert failed.seconds_to_wait("192.0.2.1") == 2


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::2:3", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("unknown", "_hidden", False),
    ],
)
def test_addresses_that_one_customer_has_count_as_one(one: str, other: str, same: bool) -> None:
    failed, _ = counting()
    for _ in range(MOST):
        failed.note(one)
    assert (failed.seconds_to_wait(other) > 0) is same


def test_however_many_addresses_fail_only_so_many_are_kept() -> None:
    failed, _ = counting()
    for number in range(MOST_ADDRESSES + 5):
        failed.note(f"10.{number // 65536}.{number // 256 % 256}.{number % 256}")
    for _ in range(MOST):
        failed.note("192.0.2.1")
    assert len(failed._failed) == MOST_ADDRESSES
    assert failed.seconds_to_wait("192.0.2.1") > 0
