"""The page of API keys: one is made and shown once, loading again makes no second, and one is taken back."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx2
import pytest
from fastapi import FastAPI

from jobs.callers.keys import Scope
from jobs.system import System
from tests.service.browsing import BROWSER, HOSTILE, HTMX, sent, shown, words
from tests.service.conftest import As, WithKey
from tests.service.page_forms import look, send
from tests.service.page_forms import shown as form_shown
from tests.service.requesting import BULKS, OWNER, get, on_embedded
from tests.support.clock import MovableClock

pytestmark = on_embedded

PAGE = "/keys"
KEYS = "/api/keys"


def key_in(page: str) -> str | None:
    found = re.search(r'<code id="secret">(pressrun_[^<]+)</code>', page)
    return found[1] if found else None


async def test_a_key_is_made_and_shown_once(api: httpx2.AsyncClient, keyed_app: FastAPI, open_client: As) -> None:
    page = await look(api, PAGE)
    assert "No keys yet" in page.words
    assert (page.fields["scope"], page.fields["expires_days"]) == ("write", "90")
    answer = await send(api, PAGE, page.fields | {"name": HOSTILE})
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    told = await shown(api, PAGE)
    text = key_in(told)
    assert text is not None
    assert "It is shown this once" in words(told)
    assert text not in answer.headers["set-cookie"]
    again = await shown(api, PAGE)
    assert (key_in(again), HOSTILE in words(again)) == (None, True)
    [key] = (await get(api, KEYS))["keys"]
    assert (key["name"], key["scope"]) == (HOSTILE, "write")
    new = open_client(keyed_app, {"Authorization": f"Bearer {text}"})
    assert (await new.get(BULKS)).status_code == 200


async def test_what_is_shown_once_is_for_who_made_it_on_that_page_within_a_minute(
    app: FastAPI, api: httpx2.AsyncClient, as_user: As, clock: MovableClock
) -> None:
    async def fresh() -> dict[str, str]:
        answer = await send(api, PAGE, {"name": "n", "scope": "read"})
        cookie = answer.headers["set-cookie"]
        assert {"HttpOnly", "SameSite=strict", "Path=/keys", "Max-Age=60"} <= {
            part.strip() for part in cookie.split(";")
        }
        return {"Cookie": cookie.partition(";")[0]}

    kept = await fresh()
    api.cookies.clear()
    other = as_user("other")
    assert key_in((await other.get(PAGE, headers={**BROWSER, **kept})).text) is None
    assert "whsec_" not in (elsewhere := (await api.get("/webhooks", headers={**BROWSER, **kept})).text)
    assert key_in(elsewhere) is None
    assert key_in((await api.get(PAGE, headers={**BROWSER, "Cookie": "pressrun_shown_once=x"})).text) is None
    clock.move(timedelta(seconds=59))
    assert key_in((await api.get(PAGE, headers={**BROWSER, **kept})).text) is not None
    clock.move(timedelta(seconds=2))
    assert key_in((await api.get(PAGE, headers={**BROWSER, **kept})).text) is None


async def test_a_faulty_form_keeps_what_was_typed(api: httpx2.AsyncClient) -> None:
    page = form_shown(await send(api, PAGE, {"name": "", "scope": "write", "expires_days": "soon"}), 400)
    assert page.fields["expires_days"] == "soon"
    assert "Days until it expires: must be a whole number of days" in page.words
    page = form_shown(await send(api, PAGE, {"name": "", "scope": "root", "expires_days": "5000"}), 400)
    assert {page.links[link] for link in page.links if link.startswith(("Name: ", "May: ", "Days "))} == {
        "#name", "#scope", "#expires_days",
    }  # fmt: skip
    assert (await get(api, KEYS))["keys"] == []


async def test_one_too_many_is_a_sentence_above_the_form(api: httpx2.AsyncClient, system: System) -> None:
    for _ in range(100):
        await system.keys.create(OWNER, Scope.READ)
    page = form_shown(await send(api, PAGE, {"name": "n", "scope": "read"}), 409)
    assert "as many API keys as there can be: 100 are allowed" in page.words
    assert page.fields["name"] == "n"


async def test_only_scopes_that_one_may_pass_on_are_offered_and_taken(with_key: WithKey) -> None:
    reader, writer = await with_key(scope=Scope.READ), await with_key(scope=Scope.WRITE)
    assert "New key" not in await shown(reader, PAGE)
    assert "Revoke" not in await shown(reader, PAGE)
    await sent(reader, PAGE, 403, name="n", scope="read")
    page = await shown(writer, PAGE)
    assert ('value="write"' in page, 'value="admin"' in page) == (True, False)
    answer = form_shown(await send(writer, PAGE, {"name": "n", "scope": "admin"}), 403)
    assert "You may make keys of the scopes read, write alone." in answer.words


async def test_a_key_is_revoked_with_a_question_and_its_state_is_shown(
    with_key: WithKey, system: System, clock: MovableClock
) -> None:
    mine = await with_key()
    key, text = await system.keys.create(OWNER, Scope.READ, "laptop")
    await system.keys.create(OWNER, Scope.READ, "short", expires_at=clock.now() + timedelta(minutes=1))
    clock.move(timedelta(minutes=1))
    page = words(await shown(mine, PAGE))
    assert ("Revoke this key?" in page, "you are using it now" in page, "Expired" in page) == (True, True, True)
    url = f"{PAGE}/{key['_id']}/revoke"
    assert (await sent(mine, url)).headers["location"] == PAGE
    pressed = await mine.post(url, headers=HTMX)
    assert (pressed.status_code, pressed.headers["hx-redirect"]) == (204, PAGE)
    assert await system.keys.find(text) is None
    assert "Revoked" in words(await shown(mine, PAGE))


async def test_nobody_takes_back_anothers_key(with_key: WithKey, system: System) -> None:
    key, text = await system.keys.create(OWNER, Scope.READ)
    other = await with_key("other")
    await sent(other, f"{PAGE}/{key['_id']}/revoke", 404)
    await sent(other, f"{PAGE}/nonsense/revoke", 404)
    assert await system.keys.find(text) is not None


@pytest.mark.parametrize("page", ["/", PAGE])
async def test_the_keys_are_reached_from_every_page(api: httpx2.AsyncClient, page: str) -> None:
    assert f'href="{PAGE}"' in await shown(api, page)
