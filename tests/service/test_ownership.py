"""Every address there is, asked by nobody, by who may only read, and by somebody else: nothing of anybody's is seen or
touched. Of the API and of the pages, parts, streams, files and form actions included."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Mount, Route

from jobs.callers.keys import Scope
from jobs.system import System
from service.app import create_app
from service.auth.callers import AnyCredentials
from tests.service.belongings import Belongings, belongings, everything
from tests.service.browsing import HTMX
from tests.service.conftest import As
from tests.service.operations import OPERATIONS, call
from tests.service.page_operations import PAGE_OPERATIONS, PageOperation, load, route_of
from tests.service.requesting import ENDPOINTS, OWNER, SECRET, settings
from tests.service.test_auth_origins import FromTheApplication

OF_EVERYBODY = {"getQueue", "getThroughput", "streamQueue", "getSystem", "listWorkers", "getLimits", "changeLimits"}
"""What an admin sees of all."""

NOT_OWNED = {"tenant"}
NAMED = {
    *("{bulk_id}", "{job_id}", "{template_id}", "{schedule_id}", "{endpoint_id}", "{delivery_id}", "{key_id}"),
    *("{name}", "{asset_id}"),
}


@pytest.fixture
def app(system: System) -> FastAPI:
    """With API keys, and generators for every pipeline."""
    auth = {"mode": "keys", "admins": ["boss"], "secrets": [SECRET]}
    return create_app(settings(auth=auth, **ENDPOINTS), system)


@pytest.fixture
def keyed(app: FastAPI, system: System, open_client: As) -> Any:
    async def client(user: str, scope: Scope = Scope.WRITE) -> httpx2.AsyncClient:
        _, text = await system.keys.create(user, scope)
        return open_client(app, {"Authorization": f"Bearer {text}"})

    return client


@pytest.fixture
async def theirs(keyed: Any, system: System) -> Belongings:
    return await belongings(await keyed(OWNER), system)


def addresses(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Of all routes; a router that was included keeps its own."""
    for one in app.routes:
        for route in getattr(getattr(one, "original_router", None), "routes", [one]):
            if isinstance(route, Mount):
                yield "GET", route.path
                continue
            assert isinstance(route, APIRoute | Route), route
            path = route.path.replace(":path}", "}")
            yield from ((method, path) for method in route.methods or () if method != "HEAD")


def test_every_address_is_one_that_is_asked_here(app: FastAPI) -> None:
    asked = {(one.method, one.path) for one in OPERATIONS} | {route_of(one) for one in PAGE_OPERATIONS}
    files = {("GET", "/static"), ("GET", "/openapi.json")}
    found = list(addresses(app))
    assert len(found) == len(set(found)) > 120
    assert set(found) == asked | files


async def test_nobody_is_let_in_anywhere(app: FastAPI, open_client: As, theirs: Belongings, system: System) -> None:
    nobody, before, wrong = open_client(app), await everything(system.store), []
    for operation in OPERATIONS:
        answer = await call(nobody, operation, ids=theirs.ids)
        if operation.needs != "nobody" and (answer.status_code, answer.json()) != (401, {"error": "Unauthorized"}):
            wrong.append((operation.name, answer.status_code))
    for page in (one for one in PAGE_OPERATIONS if one.needs != "nobody"):
        shown, part = await load(nobody, page, theirs.ids), await load(nobody, page, theirs.ids, scripts=True)
        asked_in = (shown.status_code, shown.headers.get("location", "")[:9]) == (303, "/sign-in?")
        if not asked_in or (part.status_code, part.headers.get("hx-redirect", "")[:9]) != (204, "/sign-in?"):
            wrong.append((page.name, shown.status_code))
    assert wrong == []
    assert await everything(system.store) == before


async def test_what_is_open_to_all_shows_and_changes_nothing_of_anybodys(
    app: FastAPI, open_client: As, theirs: Belongings, system: System
) -> None:
    nobody, before = open_client(app), await everything(system.store)
    for operation in (one for one in OPERATIONS if one.needs == "nobody"):
        assert seen(await call(nobody, operation, ids=theirs.ids), theirs) == [], operation.name
    for page in (one for one in PAGE_OPERATIONS if one.needs == "nobody"):
        assert seen(await load(nobody, page, theirs.ids), theirs) == [], page.name
    for url in ("/openapi.json", "/static/app.js"):
        assert seen(await nobody.get(url), theirs) == [], url
    assert await everything(system.store) == before


async def test_who_may_only_read_changes_nothing_of_their_own(keyed: Any, theirs: Belongings, system: System) -> None:
    reader, wrong = await keyed(OWNER, Scope.READ), []
    before = await everything(system.store)
    for operation in (one for one in OPERATIONS if one.needs in ("write", "admin")):
        answer = await call(reader, operation, theirs.ids["bulk_id"], theirs.ids["job_id"], theirs.ids)
        if answer.status_code != 403:
            wrong.append((operation.name, answer.status_code))
    for page in (one for one in PAGE_OPERATIONS if one.needs in ("write", "admin")):
        answers = [await load(reader, page, theirs.ids, scripts=scripts) for scripts in (False, True)]
        if [answer.status_code for answer in answers] != [403, 403]:
            wrong.append((page.name, answers[0].status_code))
    assert wrong == []
    assert await everything(system.store) == before


@pytest.mark.parametrize(("user", "scope"), [("other", Scope.WRITE), ("other", Scope.ADMIN), ("boss", Scope.WRITE)])
async def test_what_is_somebody_elses_is_not_there(
    keyed: Any, theirs: Belongings, system: System, user: str, scope: Scope
) -> None:
    """For an admin neither, but for what is said of the system as a whole (spec §10)."""
    other, admin, wrong = await keyed(user, scope), scope is Scope.ADMIN or user == "boss", []
    before = await everything(system.store)
    for operation in OPERATIONS:
        of_all = admin and operation.name in OF_EVERYBODY
        if of_all or (operation.streams and operation.about is None):
            continue
        answer = await call(other, operation, theirs.ids["bulk_id"], theirs.ids["job_id"], theirs.ids)
        names_theirs = operation.about is not None or any(name in operation.path for name in NAMED)
        if seen(answer, theirs) or (names_theirs and answer.status_code != 404):
            wrong.append((operation.name, answer.status_code))
    for page in PAGE_OPERATIONS:
        if page.needs == "nobody" or (page.of_everybody and (admin or page.streams)):
            continue
        answers = [await load(other, page, theirs.ids, scripts=scripts) for scripts in (False, True)]
        codes = [answer.status_code for answer in answers]
        if page.is_part and answers[0].headers.get("location", "").startswith(whole(page, theirs)):
            codes[0] = 404  # is what is answered there, which is asked for itself
        if any(seen(answer, theirs) for answer in answers) or (page.about and codes != [404, 404]):
            wrong.append((page.name, codes[0]))
    assert wrong == []
    assert mine_of(await everything(system.store)) == mine_of(before)


async def test_the_owner_finds_all_of_it(keyed: Any, theirs: Belongings) -> None:
    """Or the tests above would find nothing because there is nothing."""
    owner, wrong = await keyed(OWNER), []
    for operation in (one for one in OPERATIONS if one.method == "GET" and not one.streams and one.needs != "admin"):
        answer = await call(owner, operation, theirs.ids["bulk_id"], theirs.ids["job_id"], theirs.ids)
        if any(name in operation.path for name in NAMED) and answer.status_code != 200:
            wrong.append((operation.name, answer.status_code))
    for page in (one for one in PAGE_OPERATIONS if one.method == "GET" and one.about and not one.streams):
        answer = await load(owner, page, theirs.ids)
        if answer.status_code not in (200, 204, 303):
            wrong.append((page.name, answer.status_code))
    assert wrong == []


async def test_no_get_changes_anything(keyed: Any, theirs: Belongings, system: System) -> None:
    """But that a notice was opened, which only an own page can do."""
    owner = await keyed(OWNER, Scope.ADMIN)
    owner.headers["Sec-Fetch-Site"] = "cross-site"
    before = await everything(system.store)
    for operation in (one for one in OPERATIONS if one.method == "GET" and not one.streams):
        await call(owner, operation, theirs.ids["bulk_id"], theirs.ids["job_id"], theirs.ids)
        assert await everything(system.store) == before, operation.name
    for page in (one for one in PAGE_OPERATIONS if one.method == "GET" and not one.streams):
        await load(owner, page, theirs.ids)
        assert await everything(system.store) == before, page.name


async def test_with_a_session_of_the_application_it_is_the_same(
    system: System, open_client: As, theirs: Belongings
) -> None:
    app = create_app(settings(auth={"mode": "sessions", "secrets": [SECRET]}, **ENDPOINTS), system)
    app.state.authentication = AnyCredentials([FromTheApplication("other")])
    other, before = open_client(app, {"Sec-Fetch-Site": "same-origin"}), await everything(system.store)
    for operation in (one for one in OPERATIONS if one.about is not None):
        answer = await call(other, operation, theirs.ids["bulk_id"], theirs.ids["job_id"], theirs.ids)
        assert (answer.status_code, seen(answer, theirs)) == (404, []), operation.name
    for page in (one for one in PAGE_OPERATIONS if one.about is not None):
        assert (await load(other, page, theirs.ids, scripts=page.is_part)).status_code == 404, page.name
    assert await everything(system.store) == before
    for page in (one for one in PAGE_OPERATIONS if one.method == "POST" and one.needs != "nobody"):
        answer = await other.post(
            page.path.format(**theirs.ids),
            headers={**HTMX, "Sec-Fetch-Site": "cross-site", "Origin": "https://x.example"},
        )
        assert answer.status_code == 403, page.name


def whole(page: PageOperation, theirs: Belongings) -> str:
    return page.path.format(**theirs.ids).rpartition("/")[0]


def seen(answer: httpx2.Response, theirs: Belongings) -> list[str]:
    """What of theirs stands in the answer; that it repeats the address shows nothing."""
    asked = str(answer.request.url)
    return [mark for mark in theirs.marks if mark in answer.text and mark not in asked]


def mine_of(stored: dict[str, Any]) -> dict[str, list[Any]]:
    """The owner's; others may have made something of their own."""
    return {name: [one for one in documents if one.get("userId") == OWNER] for name, documents in stored.items()}
