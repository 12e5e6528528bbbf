"""What a person sees where something went wrong: a page, or a sentence on the page they are on; machines get JSON."""

from __future__ import annotations

import httpx2
import pytest
from structlog.typing import EventDict

from jobs.errors import StoreUnavailable
from jobs.system import System
from tests.service.browsing import BROWSER, HOSTILE, HTMX, pressed, shown, words
from tests.service.requesting import on_embedded, refused

NOWHERE = "665f1c2ab4d1e0a1b2c3d4e5"


async def test_an_address_that_is_none_is_a_page_with_a_way_back(refusing: httpx2.AsyncClient) -> None:
    page = await shown(refusing, "/nowhere", 404)
    assert "Nothing here There is nothing at this address." in words(page)
    assert 'href="/"' in page


async def test_a_method_that_is_not_taken_is_a_page(refusing: httpx2.AsyncClient) -> None:
    answer = await refusing.post("/", headers=BROWSER)
    assert answer.status_code == 405
    assert "This address does not take this method." in words(answer.text)


@pytest.mark.parametrize("path", ["/api/nowhere", "/static/nowhere.css"])
async def test_the_api_and_files_answer_browsers_as_machines(refusing: httpx2.AsyncClient, path: str) -> None:
    refused(await refusing.get(path, headers=BROWSER), 404)


async def test_machines_get_json_at_the_address_of_a_page(refusing: httpx2.AsyncClient) -> None:
    refused(await refusing.get("/nowhere"), 404)
    refused(await refusing.get("/selections", params={"cursor": "x"}), 400)


async def test_a_button_that_cannot_be_is_told_where_it_was_pressed(refusing: httpx2.AsyncClient) -> None:
    told = await pressed(refusing, f"/selections/{NOWHERE}", 404, choice="1")
    assert 'hx-target="#notices"' in told
    assert 'role="alert"' in told
    assert "There is no such job." in words(told)


async def test_what_was_asked_is_never_repeated_as_markup(refusing: httpx2.AsyncClient) -> None:
    for url, query in (("/selections", {"cursor": HOSTILE}), (f"/{HOSTILE}", {}), ("/", {"cursor": HOSTILE})):
        answer = await refusing.get(url, params=query, headers=BROWSER)
        assert (answer.status_code in (400, 404), HOSTILE in answer.text) == (True, False)


@on_embedded
@pytest.mark.parametrize("page", ["/", "/queue", "/selections"])
async def test_a_database_that_is_away_is_told_without_its_reason(
    api: httpx2.AsyncClient, system: System, monkeypatch: pytest.MonkeyPatch, logs: list[EventDict], page: str
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("the address of a secret server")

    for reader, name in ((system.lookup, "bulks"), (system.lookup, "selections"), (system.overview, "queue")):
        monkeypatch.setattr(reader, name, away)
    told = words(await shown(api, page, 503))
    assert "Just a moment The database does not answer: try again." in told
    assert "secret" not in told
    assert {entry["event"] for entry in logs} == {"database_away"}


@on_embedded
async def test_a_fault_of_ours_shows_nothing_of_the_inside(
    api: httpx2.AsyncClient, system: System, monkeypatch: pytest.MonkeyPatch, logs: list[EventDict]
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the inside")

    monkeypatch.setattr(system.lookup, "bulks", broken)
    told = words(await shown(api, "/", 500))
    assert "Something went wrong here; it was noted." in told
    assert "inside" not in told
    assert [entry["event"] for entry in logs] == ["unexpected_error"]


@on_embedded
async def test_pages_are_compressed_and_answers_of_the_api_are_not(api: httpx2.AsyncClient) -> None:
    packed = {"Accept-Encoding": "gzip"}
    assert (await api.get("/", headers={**BROWSER, **packed})).headers["content-encoding"] == "gzip"
    assert "content-encoding" not in (await api.get("/api/queue", headers=packed)).headers


@on_embedded
async def test_files_are_kept_for_ever_under_the_address_that_names_their_content(api: httpx2.AsyncClient) -> None:
    page = await shown(api, "/")
    url = page.partition('<link rel="stylesheet" href="')[2].partition('"')[0]
    answer = await api.get(url)
    assert (answer.status_code, "immutable" in answer.headers["cache-control"]) == (200, True)
    assert (await api.get(url.partition("?")[0])).headers["cache-control"] == "no-cache"


async def test_asking_again_while_something_is_wrong_is_no_page(refusing: httpx2.AsyncClient) -> None:
    answer = await refusing.get("/live", params={"cursor": "x"}, headers=HTMX)
    assert answer.status_code == 400
    assert "<html" not in answer.text
