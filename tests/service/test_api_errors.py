"""Errors that no route gives: always JSON of the one shape, and nothing of the inside."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import cast

import httpx2
import pytest
from fastapi import FastAPI
from structlog.typing import EventDict

from jobs.errors import Busy, StoreRefused, StoreUnavailable
from jobs.storage.encryption import Cipher
from jobs.storage.store import Store
from jobs.system import Rules, System, assemble
from service.app import create_app
from tests.service.conftest import As
from tests.service.operations import OPERATIONS, Operation, call
from tests.service.requesting import BULKS, get, post, refused, settings, submit
from tests.support.clock import MovableClock

NOTHING_HERE = "There is nothing at this address."
SECRET = "/srv/secret/place mongodb://user:password@db"


@pytest.fixture
def store(embedded_store: Store) -> Store:
    """What goes wrong here goes wrong before or behind any store."""
    return embedded_store


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", "/api"),
        ("GET", "/nope"),
        ("GET", "/docs"),
        ("GET", "/redoc"),
        ("POST", "/nope"),
        ("GET", f"{BULKS}/"),
        ("POST", f"{BULKS}/"),
        ("GET", "/api/jobs/"),
        ("GET", "/healthz/"),
        ("GET", f"{BULKS}/6b027bdfe484bda5c9f5777d/"),
        ("GET", f"{BULKS}/6b027bdfe484bda5c9f5777d/nope"),
        ("GET", f"/{BULKS}"),
        ("GET", "/API/jobs"),
    ],
)
async def test_an_unknown_address_is_a_404_and_never_a_redirect(
    refusing: httpx2.AsyncClient, method: str, url: str
) -> None:
    assert refused(await refusing.request(method, f"http://localhost{url}"), 404) == NOTHING_HERE


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("PUT", BULKS),
        ("DELETE", BULKS),
        ("PATCH", BULKS),
        ("OPTIONS", BULKS),
        ("PUT", f"{BULKS}/6b027bdfe484bda5c9f5777d"),
        ("GET", f"{BULKS}/6b027bdfe484bda5c9f5777d/pause"),
        ("POST", f"{BULKS}/6b027bdfe484bda5c9f5777d/results"),
        ("PUT", "/api/jobs"),
        ("POST", "/api/queue"),
        ("POST", "/healthz"),
        ("TRACE", "/healthz"),
        ("NONSENSE", "/api/limits"),
    ],
)
async def test_a_wrong_method_is_a_405_that_names_one_to_use(
    refusing: httpx2.AsyncClient, method: str, url: str
) -> None:
    response = await refusing.request(method, url)
    assert refused(response, 405) == "This address does not take this method."
    assert response.headers["allow"]


@pytest.mark.parametrize(
    "error",
    [RuntimeError(SECRET), KeyError(SECRET), StoreRefused(SECRET), RecursionError(SECRET), TypeError(SECRET)],
    ids=lambda error: type(error).__name__,
)
async def test_a_fault_of_our_own_is_a_500_without_its_facts(
    api: httpx2.AsyncClient,
    system: System,
    monkeypatch: pytest.MonkeyPatch,
    logs: list[EventDict],
    error: Exception,
) -> None:
    async def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(system.lookup, "bulks", broken)
    response = await api.get(BULKS)
    assert refused(response, 500) == "Something went wrong here; it was noted."
    assert response.json().keys() == {"error"}
    assert "secret" not in response.text
    (noted,) = logs
    assert (noted["event"], noted["log_level"]) == ("unexpected_error", "error")
    assert noted.get("exc_info") is error or noted["error"] == str(error)
    monkeypatch.undo()
    await get(api, BULKS)


async def test_a_bulk_that_others_keep_changing_is_a_409_to_be_asked_again(
    api: httpx2.AsyncClient, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(*_: object) -> None:
        raise Busy("bulk job")

    monkeypatch.setattr(system.controls, "cancel", busy)
    response = await api.post(f"{BULKS}/{await submit(api)}/cancel")
    assert refused(response, 409) == "Others are changing this bulk job at the same moment: ask again."
    assert response.headers["retry-after"] == "1"


class AwayCollection:
    def __getattr__(self, name: str) -> Callable[..., Awaitable[None]]:
        async def unreachable(*_: object, **__: object) -> None:
            raise StoreUnavailable(SECRET)

        return unreachable


class AwayStore:
    """A database that cannot be reached."""

    max_live_jobs = 2000

    def collection(self, _: str) -> AwayCollection:
        return AwayCollection()

    async def server_time(self) -> datetime:
        return datetime.now(UTC)


@pytest.fixture
def app_without_database() -> FastAPI:
    return create_app(
        settings(), assemble(cast("Store", AwayStore()), MovableClock(), Rules(cipher=Cipher(["a key of the tests"])))
    )


@pytest.mark.parametrize("operation", [op for op in OPERATIONS if op.reads_store], ids=lambda op: op.name)
async def test_while_the_database_is_away_every_route_says_to_come_again(
    app_without_database: FastAPI, open_client: As, operation: Operation
) -> None:
    response = await call(open_client(app_without_database), operation)
    assert refused(response, 503) == "The database does not answer: try again."
    assert int(response.headers["retry-after"]) >= 1
    assert "secret" not in response.text


async def test_a_process_without_its_database_is_alive_but_not_ready(
    app_without_database: FastAPI, open_client: As
) -> None:
    client = open_client(app_without_database)
    assert await get(client, "/healthz") == {"status": "ok"}
    refused(await client.get("/readyz"), 503)


async def test_answers_are_json_even_where_a_client_wants_something_else(api: httpx2.AsyncClient) -> None:
    response = await api.get("/api/nope", headers={"Accept": "text/html"})
    assert refused(response, 404) == NOTHING_HERE
    assert (await post(api, f"{BULKS}/{await submit(api)}/pause"))["success"] is True
