"""The list of bulks: found by name, id and status, page by page, as they change, and nobody else's."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from markupsafe import escape

from jobs.system import System
from tests.service.browsing import HOSTILE, HTMX, mark_of, shown, words
from tests.service.conftest import As
from tests.service.requesting import BULKS, DONE, FAILED, claimed, end_jobs, on_embedded, post, submit, submit_quick
from tests.service.test_pages_selections import asks
from tests.support.clock import MovableClock


def listed(page: str) -> list[str]:
    return re.findall(r'<tr id="bulk-([0-9a-f]{24})">', page)


@on_embedded
async def test_bulks_are_listed_newest_first_with_how_far_they_are(
    api: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    first = await submit_quick(api, name="Boots & hats")
    await end_jobs(system, DONE, DONE, FAILED)
    clock.move(timedelta(seconds=1))
    second = await submit(api, 12)
    page = await shown(api, "/")
    assert listed(page) == [second, first]
    told = words(page)
    for phrase in ("Boots & hats", "Topic · article", "2 / 10 1 failed", "0 / 12", "Untitled", "Running", "Queued"):
        assert phrase in told
    assert 'aria-label="2 of 10 completed"' in page


@on_embedded
async def test_who_has_none_is_shown_the_way_to_the_first(api: httpx2.AsyncClient) -> None:
    page = await shown(api, "/")
    assert ("No bulks yet" in page, 'href="/bulks/new"' in page) == (True, True)


@on_embedded
async def test_a_bulk_that_waits_for_its_owner_says_so(
    blogger: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    bulk_id = await submit_quick(blogger, pipeline="blog")
    seen = mark_of(await shown(blogger, "/"))
    for _ in range(3):
        await system.queue.finish(await claimed(system), asks(clock))
    page = await shown(blogger, "/")
    assert f'href="/selections?bulk_job_id={bulk_id}">3 await your choice' in page
    assert mark_of(page) != seen


@on_embedded
async def test_a_pause_tells_its_reason(api: httpx2.AsyncClient) -> None:
    bulk_id = await submit(api)
    await post(api, f"{BULKS}/{bulk_id}/pause", {"mode": "finish", "reason": "Prices change tonight"})
    assert "Prices change tonight" in words(await shown(api, "/"))


@on_embedded
async def test_bulks_are_found_by_words_of_their_name_by_id_and_by_status(
    api: httpx2.AsyncClient, clock: MovableClock
) -> None:
    spring = await submit(api, name="Spring boots")
    clock.move(timedelta(seconds=1))
    autumn = await submit(api, name="Autumn boots")
    await post(api, f"{BULKS}/{spring}/cancel")
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"q": "boots"}, [autumn, spring]),
        ({"q": " SPRI "}, [spring]),
        ({"q": autumn}, [autumn]),
        ({"status": "cancelled"}, [spring]),
        ({"status": "live"}, [autumn]),
        ({"q": "boots", "status": "queued"}, [autumn]),
        ({"status": "no such"}, [autumn, spring]),
        ({"q": "", "status": "", "cursor": ""}, [autumn, spring]),
        ({"q": "winter"}, []),
    ]
    for query, expected in cases:
        page = await shown(api, "/", **query)
        assert listed(page) == expected, query
        assert (expected == []) == ("Nothing like that" in page)


@on_embedded
async def test_the_form_keeps_what_was_asked(api: httpx2.AsyncClient) -> None:
    page = await shown(api, "/", q=f'"{HOSTILE}', status="paused")
    assert HOSTILE not in page
    assert f'value="{escape(chr(34) + HOSTILE)}"' in page
    assert '<option value="paused" selected>' in page


@on_embedded
async def test_older_bulks_are_pages_further_on_and_the_way_back_is_there(
    api: httpx2.AsyncClient, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.pages.bulks_live.SHOWN", 2)
    made = []
    for number in range(5):
        made.append(await submit(api, name=f"Boots {number}"))
        clock.move(timedelta(seconds=1))
    url, seen = "/?q=boots", list[str]()
    for count in (2, 2, 1):
        page = await shown(api, url)
        assert len(listed(page)) == count
        seen += listed(page)
        older = re.search(r'href="(/\?[^"]+)" rel="next"', page)
        url = older[1].replace("&amp;", "&") if older else ""
    assert (seen, url) == (made[::-1], "")
    back = re.search(r'href="(/\?[^"]+)" rel="prev"', page)
    assert back is not None
    assert listed(await shown(api, back[1].replace("&amp;", "&"))) == made[::-1][2:4]


@on_embedded
async def test_the_list_is_answered_again_only_where_a_bulk_has_changed(
    api: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    first = await submit_quick(api)
    page = await shown(api, "/", status="live")
    assert 'data-poll="2"' in page
    assert 'hx-get="/live?status=live"' in page

    async def again(seen: str) -> httpx2.Response:
        return await api.get("/live", params={"seen": seen, "status": "live"}, headers=HTMX)

    assert (await again(mark_of(page))).status_code == 204
    await end_jobs(system, DONE)
    moved = await again(mark_of(page))
    assert "1 / 10" in words(moved.text)
    assert listed(moved.text) == [first]
    clock.move(timedelta(seconds=1))
    second = await submit_quick(api)
    await post(api, f"{BULKS}/{first}/cancel")
    changed = await again(mark_of(moved.text))
    assert listed(changed.text) == [second]
    await post(api, f"{BULKS}/{second}/cancel")
    last = await again(mark_of(changed.text))
    assert ('data-poll="10"' in last.text, "Nothing like that" in last.text) == (True, True)
    assert (await again(mark_of(last.text))).status_code == 204


@on_embedded
async def test_nobody_sees_the_bulks_of_others(api: httpx2.AsyncClient, as_user: As) -> None:
    bulk_id = await submit(api, name="Secret plans")
    other = as_user("other")
    asked: list[dict[str, Any]] = [{}, {"q": "secret"}, {"q": bulk_id}, {"status": "queued"}]
    for query in asked:
        assert listed(await shown(other, "/", **query)) == []
    assert "Secret" not in (await other.get("/live", headers=HTMX)).text


@pytest.mark.parametrize("query", [{"cursor": "x"}, {"q": "q" * 201}, {"cursor": "c" * 101}, {"status": "s" * 21}])
async def test_a_wrong_address_is_a_page_that_says_so(refusing: httpx2.AsyncClient, query: dict[str, str]) -> None:
    assert "That cannot be taken" in words(await shown(refusing, "/", 400, **query))


@on_embedded
async def test_hostile_names_are_only_text(api: httpx2.AsyncClient) -> None:
    bulk_id = await submit(api, name=HOSTILE)
    await post(api, f"{BULKS}/{bulk_id}/pause", {"mode": "finish", "reason": HOSTILE})
    page = await shown(api, "/")
    assert (HOSTILE in page, words(page).count(HOSTILE)) == (False, 2)
