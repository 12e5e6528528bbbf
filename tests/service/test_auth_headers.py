"""The headers that keep every answer to itself, and that no answer leads to an address of the inside."""

from __future__ import annotations

import httpx2
import pytest
from fastapi import FastAPI
from structlog.typing import EventDict

from jobs.callers.keys import Scope
from jobs.system import System
from tests.service.browsing import BROWSER, sent
from tests.service.conftest import As, WithKey
from tests.service.requesting import BULKS, JSON, OWNER, on_embedded, submit

pytestmark = on_embedded

LOCKED = "default-src 'none'; frame-ancestors 'none'"
INSIDE = {"Host": "pressrun.internal:8000", "X-Forwarded-Host": "app.example.com", "X-Forwarded-Proto": "https"}


def safe(answer: httpx2.Response) -> None:
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert "cache-control" in answer.headers
    assert "strict-transport-security" not in answer.headers
    for name in ("cache-control", "content-security-policy", "x-content-type-options"):
        assert len(answer.headers.get_list(name)) == 1


@pytest.mark.parametrize(
    ("method", "url", "code"),
    [
        ("GET", BULKS, 200),
        ("GET", "/api/keys", 200),
        ("GET", f"{BULKS}/nonsense", 404),
        ("GET", "/api/nowhere", 404),
        ("GET", "/nowhere", 404),
        ("DELETE", BULKS, 405),
        ("GET", "/api/limits", 403),
        ("GET", "/healthz", 200),
        ("GET", "/openapi.json", 200),
        ("OPTIONS", BULKS, 405),
    ],
)
async def test_json_is_kept_by_nobody_and_shown_in_no_frame(
    with_key: WithKey, method: str, url: str, code: int
) -> None:
    answer = await (await with_key()).request(method, url)
    assert answer.status_code == code
    safe(answer)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"] == LOCKED


async def test_what_is_refused_before_any_route_is_no_less_safe(keyed_app: FastAPI, open_client: As) -> None:
    client = open_client(keyed_app)
    for answer in (
        await client.get(BULKS),
        await client.post(BULKS, content=b"{", headers=JSON),
        await client.post(BULKS, content=b"x", headers={"Content-Type": "text/plain"}),
    ):
        assert answer.status_code in (400, 401, 415)
        safe(answer)
        assert answer.headers["content-security-policy"] == LOCKED


async def test_a_fault_of_ours_is_no_less_safe(
    api: httpx2.AsyncClient, system: System, monkeypatch: pytest.MonkeyPatch, logs: list[EventDict]
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the inside")

    monkeypatch.setattr(system.lookup, "bulks", broken)
    answer = await api.get(BULKS)
    assert (answer.status_code, len(logs)) == (500, 1)
    safe(answer)
    assert answer.headers["cache-control"] == "no-store"


async def test_while_authentication_is_off_answers_are_as_safe(api: httpx2.AsyncClient) -> None:
    answer = await api.get(BULKS, headers={"Host": "evil.example"})
    assert answer.status_code == 403
    safe(answer)


async def test_pages_and_files_keep_their_own_headers(with_key: WithKey) -> None:
    mine = await with_key()
    page = await mine.get("/", headers=BROWSER)
    safe(page)
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["cross-origin-opener-policy"] == "same-origin"
    file = page.text.partition('<link rel="stylesheet" href="')[2].partition('"')[0]
    answer = await mine.get(file)
    safe(answer)
    assert "immutable" in answer.headers["cache-control"]
    bulk_id = await submit(mine)
    for name in ("json", "jsonl", "csv", "zip"):
        safe(await mine.get(f"{BULKS}/{bulk_id}/results?format={name}"))


async def test_whatever_leads_elsewhere_leads_to_a_path_of_this_site(
    system: System, keyed_app: FastAPI, open_client: As, with_key: WithKey
) -> None:
    """Behind a rewrite the service does not know its own address, and that of the inside is nobody's to see."""
    key, text = await system.keys.create(OWNER, Scope.WRITE)
    browser = open_client(keyed_app, INSIDE)
    answers = [
        await browser.get("/queue", headers=BROWSER),
        await sent(browser, "/sign-in", key=text, next="/queue"),
        await sent(browser, "/sign-out"),
        await (await with_key()).post(f"/keys/{key['_id']}/revoke", headers={**BROWSER, **INSIDE}),
    ]
    for answer in answers:
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/")
        assert not answer.headers["location"].startswith("//")


@pytest.mark.parametrize(
    "path",
    [
        f"{BULKS}/",
        "/queue/",
        "/bulks/new/",
        "/static",
        "/static/",
        "/api/bulk-generate//",
        "/keys/",
    ],
)
async def test_a_slash_too_many_leads_nowhere(with_key: WithKey, path: str) -> None:
    """A redirect would name the inside, and go in circles with the one that Next.js makes of it."""
    answer = await (await with_key()).get(path, headers={**BROWSER, **INSIDE})
    assert (answer.status_code, "location" in answer.headers) == (404, False)
    assert "internal" not in answer.text
