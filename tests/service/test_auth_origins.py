"""Which pages may change something by the cookie of who has signed in, and that no key and no GET is asked for one."""

from __future__ import annotations

from dataclasses import dataclass

import httpx2
import pytest
from fastapi import FastAPI, Request

from jobs.callers.keys import Scope
from jobs.documents import user_id
from jobs.storage.store import Store
from jobs.system import System
from service.app import create_app
from service.auth.caller import Caller
from service.auth.callers import AnyCredentials
from tests.service.conftest import As, WithKey
from tests.service.operations import OPERATIONS, Operation, call
from tests.service.requesting import BULKS, NOTHING, OWNER, SECRET, bulk, on_embedded, refused, settings, stored

pytestmark = on_embedded

LISTED = "https://app.example.com"
SESSIONS = {"mode": "sessions", "secrets": [SECRET], "origins": [LISTED]}
SENTENCE = "A page of another site may not change anything here: its origin is not in PRESSRUN_AUTH__ORIGINS."
HOST = "127.0.0.1:8000"


@dataclass(frozen=True)
class FromTheApplication:
    """Says of every request that a session of the application has made it."""

    user: str

    async def caller_of(self, request: Request) -> Caller | None:
        return Caller(user_id(self.user), Scope.WRITE, by_cookie=True)


@pytest.fixture
def behind(system: System) -> FastAPI:
    """As behind the application, whose pages of `LISTED` may also call without going through it."""
    app = create_app(settings(auth=SESSIONS), system)
    app.state.authentication = AnyCredentials([FromTheApplication(OWNER)])
    return app


@pytest.mark.parametrize(
    ("headers", "may"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": ""}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": LISTED}, True),
        ({"Sec-Fetch-Site": "same-site", "Origin": f"{LISTED}.evil.example"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": f"http://{HOST}"}, False),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://www.example.com", "Host": "internal:8000"}, True),
        ({}, True),
        ({"Origin": LISTED}, True),
        ({"Origin": f"http://{HOST}"}, True),
        ({"Origin": f"https://{HOST}"}, True),
        ({"Origin": "http://127.0.0.1"}, False),
        ({"Origin": "http://127.0.0.1:8001"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": ""}, False),
        ({"Origin": "https://"}, False),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "https://evil.example", "X-Forwarded-Host": "evil.example"}, False),
        ({"Origin": "https://evil.example", "Referer": f"http://{HOST}/"}, False),
    ],
)
async def test_a_write_by_cookie_comes_from_an_own_or_a_listed_page(
    behind: FastAPI, open_client: As, store: Store, headers: dict[str, str], may: bool
) -> None:
    answer = await open_client(behind).post(BULKS, json=bulk(), headers=headers)
    if may:
        assert answer.status_code == 200
    else:
        assert refused(answer, 403) == SENTENCE
        assert await stored(store) == NOTHING


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.method != "GET"], ids=lambda one: one.name)
async def test_every_write_is_checked(behind: FastAPI, open_client: As, store: Store, operation: Operation) -> None:
    evil = open_client(behind, {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"})
    assert refused(await call(evil, operation), 403) == SENTENCE
    assert await stored(store) == NOTHING


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_what_changes_nothing_may_come_from_anywhere(behind: FastAPI, open_client: As, method: str) -> None:
    """A link on another site leads here; what it leads to is for the browser's owner alone to see."""
    answer = await open_client(behind).request(method, BULKS, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == (200 if method == "GET" else 405)


async def test_a_key_needs_no_page(with_key: WithKey) -> None:
    """No browser sends one unasked."""
    evil = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    assert (await (await with_key()).post(BULKS, json=bulk(), headers=evil)).status_code == 200


async def test_a_wrong_key_beside_a_session_is_nobodys(system: System, keyed_app: FastAPI, open_client: As) -> None:
    """Or who forgot to revoke one would be somebody else than they think."""
    _, text = await system.keys.create(OWNER, Scope.WRITE)
    browser = open_client(keyed_app)
    assert (await browser.post("/sign-in", data={"key": text})).status_code == 303
    for wrong in ("Bearer pressrun_wrong", "Bearer ", "bearer"):
        assert (await browser.get(BULKS, headers={"Authorization": wrong})).status_code == 401
    for other in ("Basic c3RhZ2luZzpzZWNyZXQ=", ""):
        assert (await browser.get(BULKS, headers={"Authorization": other})).status_code == 200


async def test_nobody_is_told_nothing_of_origins(keyed_app: FastAPI, open_client: As) -> None:
    client: httpx2.AsyncClient = open_client(keyed_app, {"Sec-Fetch-Site": "cross-site"})
    assert (await client.post(BULKS, json=bulk())).status_code == 401
