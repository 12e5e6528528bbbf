"""CORS: pages of listed origins may call the API and read its answers, refusals too; pages of others may not."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from structlog.typing import EventDict

from jobs.callers.keys import Scope
from jobs.system import System
from service.app import create_app
from tests.service.conftest import As
from tests.service.requesting import BULKS, OWNER, SECRET, bulk, on_embedded, refused, settings, submit

pytestmark = on_embedded

LISTED = "https://app.example.com"
ALLOW = "access-control-allow-origin"
PREFLIGHT = {"Origin": LISTED, "Access-Control-Request-Method": "POST"}


@pytest.fixture
def listing_app(system: System) -> FastAPI:
    return create_app(settings(auth={"mode": "keys", "secrets": [SECRET], "origins": [LISTED]}), system)


@pytest.fixture
def page(listing_app: FastAPI, open_client: As) -> httpx2.AsyncClient:
    """A page of the listed origin, where nobody has signed in."""
    return open_client(listing_app, {"Origin": LISTED})


@pytest.fixture
async def keyed_page(system: System, page: httpx2.AsyncClient) -> httpx2.AsyncClient:
    _, text = await system.keys.create(OWNER, Scope.WRITE)
    page.headers["Authorization"] = f"Bearer {text}"
    return page


def varies(answer: httpx2.Response) -> set[str]:
    return {name.strip() for name in answer.headers.get("vary", "").split(",")}


def readable(answer: httpx2.Response) -> bool:
    """By the page, and whatever its credentials."""
    assert "Origin" in varies(answer)
    credentials = answer.headers.get("access-control-allow-credentials")
    return bool(answer.headers.get(ALLOW) == LISTED and credentials == "true")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_a_preflight_is_answered_before_anybody_is_asked_for(page: httpx2.AsyncClient, method: str) -> None:
    headers = {
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "content-type, idempotency-key,authorization, last-event-id",
    }
    answer = await page.options(BULKS, headers=headers)
    assert (answer.status_code, readable(answer)) == (200, True)
    assert method in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-max-age"] == "600"


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"Origin": "https://evil.example"}, "Pages of this origin may not call the API"),
        ({"Origin": "null"}, "Pages of this origin may not call the API"),
        ({"Origin": "http://app.example.com"}, "Pages of this origin may not call the API"),
        ({"Origin": f"{LISTED}:444"}, "Pages of this origin may not call the API"),
        ({"Access-Control-Request-Method": "TRACE"}, "The API takes no such method or header from a page."),
        ({"Access-Control-Request-Headers": "x-pressrun-user"}, "The API takes no such method or header from a page."),
        ({"Access-Control-Request-Private-Network": "true"}, "The API takes no such method or header from a page."),
    ],
)
async def test_a_preflight_for_what_is_not_allowed_is_refused(
    page: httpx2.AsyncClient, asked: dict[str, str], sentence: str
) -> None:
    answer = await page.options(BULKS, headers={**PREFLIGHT, **asked})
    assert refused(answer, 403).startswith(sentence)
    assert ALLOW not in answer.headers
    assert "Origin" in varies(answer)


async def test_answers_are_readable_with_the_headers_a_client_needs(keyed_page: httpx2.AsyncClient) -> None:
    bulk_id = await submit(keyed_page)
    for url in (BULKS, f"{BULKS}/{bulk_id}/results?format=zip"):
        answer = await keyed_page.get(url)
        assert (answer.status_code, readable(answer)) == (200, True)
        shown = {name.strip().lower() for name in answer.headers["access-control-expose-headers"].split(",")}
        assert shown == {"retry-after", "location", "content-disposition"}


async def test_refusals_are_readable_too(page: httpx2.AsyncClient, keyed_page: httpx2.AsyncClient) -> None:
    wrong: list[tuple[int, dict[str, Any]]] = [
        (400, {"json": {"mode": "poem"}}),
        (401, {"json": bulk(), "headers": {"Authorization": ""}}),
        (413, {"content": b"[" + b" " * 9_000_000, "headers": {"Content-Type": "application/json"}}),
        (415, {"content": b"mode=topic", "headers": {"Content-Type": "text/plain"}}),
    ]
    for code, sent in wrong:
        answer = await keyed_page.post(BULKS, **sent)
        assert (answer.status_code, readable(answer)) == (code, True)
    for url, code in ((f"{BULKS}/nonsense", 404), ("/api/nowhere", 404), ("/api/limits", 403)):
        answer = await keyed_page.get(url)
        assert (answer.status_code, readable(answer)) == (code, True)


async def test_a_fault_of_ours_is_readable_too(
    keyed_page: httpx2.AsyncClient, system: System, monkeypatch: pytest.MonkeyPatch, logs: list[EventDict]
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the inside")

    monkeypatch.setattr(system.lookup, "bulks", broken)
    answer = await keyed_page.get(BULKS)
    assert (answer.status_code, readable(answer)) == (500, True)
    assert "x-content-type-options" in answer.headers
    assert [entry["event"] for entry in logs] == ["unexpected_error"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", f"{LISTED}.evil.example"])
async def test_others_are_answered_and_cannot_read_it(keyed_page: httpx2.AsyncClient, origin: str) -> None:
    answer = await keyed_page.get(BULKS, headers={"Origin": origin})
    assert (answer.status_code, ALLOW in answer.headers) == (200, False)
    assert "Origin" in varies(answer)


async def test_answers_to_nobodys_page_vary_by_origin_as_well(keyed_page: httpx2.AsyncClient) -> None:
    """Or a browser would show a page the answer that it kept from before."""
    del keyed_page.headers["Origin"]
    answer = await keyed_page.get(BULKS)
    assert (ALLOW in answer.headers, "Origin" in varies(answer)) == (False, True)


@pytest.mark.parametrize("url", ["/", "/keys", "/sign-in", "/healthz"])
async def test_no_page_of_ours_is_for_another_to_read(keyed_page: httpx2.AsyncClient, url: str) -> None:
    assert ALLOW not in (await keyed_page.get(url, headers={"Accept": "text/html"})).headers
    assert (await keyed_page.options(url, headers=PREFLIGHT)).status_code == 405


async def test_without_listed_origins_nobody_is_allowed(keyed_app: FastAPI, open_client: As) -> None:
    client = open_client(keyed_app)
    assert ALLOW not in (await client.get(BULKS, headers={"Origin": LISTED})).headers
    refused(await client.options(BULKS, headers=PREFLIGHT), 403)
