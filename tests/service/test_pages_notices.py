"""The page of notices, and the number of unread ones that every page shows: live, read by opening or by a button."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx2
from fastapi import FastAPI

from jobs.callers.keys import Scope
from jobs.system import System
from tests.service.browsing import BROWSER, HOSTILE, HTMX, mark_of, pressed, replaced, sent, shown, told, words
from tests.service.conftest import As, WithKey
from tests.service.noticing import ended, relayed
from tests.service.requesting import DONE, claimed, end_jobs, get, on_embedded, submit_quick
from tests.service.test_pages_selections import asks
from tests.support.clock import MovableClock

pytestmark = on_embedded

PAGE = "/notifications"


def listed(page: str) -> list[str]:
    return re.findall(r'<a class="name" href="/notifications/([^"]+)">', page)


def unread_of(page: str) -> str:
    found = re.search(r'<span id="unread"[^>]*>(.*?)</span>\n', page, re.DOTALL)
    assert found is not None
    return words(found[1])


async def test_a_notice_tells_what_happened_and_leads_to_it(
    api: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    bulk_id = await ended(api, system, HOSTILE)
    page = await shown(api, PAGE)
    assert listed(page) == [f"{bulk_id}-1-completed"]
    for phrase in (HOSTILE, "10 of 10 articles completed", "Completed", "New", "1 unread"):
        assert phrase in words(page)
    opened = await api.get(f"{PAGE}/{bulk_id}-1-completed", headers=BROWSER)
    assert (opened.status_code, opened.headers["location"]) == (303, f"/bulks/{bulk_id}")
    after = await shown(api, PAGE)
    assert "All is read." in words(after)
    assert "New" not in words(after).replace("New bulk", "")


async def test_a_question_leads_to_its_article_and_a_self_pause_gives_its_reason(
    blogger: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    await submit_quick(blogger, name="Looked at", failure_policy={"canary": 1})
    await end_jobs(system, DONE)
    await relayed(system)
    assert "The first job has ended" in words(await shown(blogger, PAGE))
    await submit_quick(blogger, pipeline="blog")
    claim = await claimed(system)
    await system.queue.finish(claim, asks(clock))
    await relayed(system)
    page = await shown(blogger, PAGE)
    assert "3 ideas to choose from, until" in words(page)
    job_id = str(claim.job_id)
    [notice_id] = [one for one in listed(page) if one.startswith(job_id)]
    opened = await blogger.get(f"{PAGE}/{notice_id}", headers=BROWSER)
    assert opened.headers["location"] == f"/jobs/{job_id}"


async def test_every_page_tells_how_many_are_unread(api: httpx2.AsyncClient, system: System) -> None:
    assert unread_of(await shown(api, "/")) == ""
    await ended(api, system, "Boots")
    await ended(api, system, "Hats")
    for url in ("/", "/queue", "/templates", "/bulks/new", PAGE, "/webhooks", f"{PAGE}/settings"):
        assert unread_of(await shown(api, url)) == "2 unread"


async def test_a_page_that_asks_is_answered_only_when_the_number_is_another(
    api: httpx2.AsyncClient, system: System
) -> None:
    assert (await api.get(f"{PAGE}/unread?seen=0", headers=HTMX)).status_code == 204
    await ended(api, system, "Boots")
    told_of = await api.get(f"{PAGE}/unread?seen=0", headers=HTMX)
    assert replaced(told_of.text) == {"unread", "unread-poll"}
    assert "/notifications/unread?seen=1" in told_of.text
    assert (await api.get(f"{PAGE}/unread?seen=1", headers=HTMX)).status_code == 204


async def test_a_new_notice_comes_without_the_page_being_loaded_anew(api: httpx2.AsyncClient, system: System) -> None:
    seen = mark_of(await shown(api, PAGE))
    assert (await api.get(f"{PAGE}/live?seen={seen}", headers=HTMX)).status_code == 204
    await ended(api, system, "Boots")
    answer = await api.get(f"{PAGE}/live?seen={seen}", headers=HTMX)
    assert replaced(answer.text) == {"notice-list", "poll", "seen", "unread", "unread-poll"}
    assert "Boots" in answer.text


async def test_one_and_all_are_marked_as_read_with_scripts_and_without(
    api: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    ids = []
    for name in ("Boots", "Hats", "Coats"):
        ids.append(f"{await ended(api, system, name)}-1-completed")
        clock.move(timedelta(seconds=1))
    answer = await pressed(api, f"{PAGE}/read", id=ids[0])
    assert told(answer) == "1 notification marked as read."
    assert {"notice-list", "unread"} <= replaced(answer)
    up_to = re.search(r'name="up_to" value="([^"]+)"', await shown(api, PAGE))
    assert up_to is not None
    later = f"{await ended(api, system, 'Socks')}-1-completed"
    back = await sent(api, f"{PAGE}/read", up_to=up_to[1])
    assert back.headers["location"] == PAGE
    unread = [one["id"] for one in (await get(api, "/api/notifications"))["notices"] if one["read_at"] is None]
    assert unread == [later]


async def test_long_lists_are_paged(api: httpx2.AsyncClient, system: System, clock: MovableClock) -> None:
    for number in range(31):
        await ended(api, system, f"Bulk {number}")
        clock.move(timedelta(seconds=1))
    first = await shown(api, PAGE)
    older = re.search(r'href="(/notifications\?cursor=[^"]+)" rel="next"', first)
    assert (len(listed(first)), older is not None) == (30, True)
    assert older is not None
    second = await shown(api, older[1])
    assert (len(listed(second)), "Bulk 0" in second, 'rel="prev"' in second) == (1, True, True)


async def test_another_persons_notice_is_none(api: httpx2.AsyncClient, as_user: As, system: System) -> None:
    bulk_id = await ended(api, system, "Mine")
    stranger = as_user("stranger")
    await shown(stranger, f"{PAGE}/{bulk_id}-1-completed", 404)
    assert "Nothing has happened yet" in await shown(stranger, PAGE)
    assert (await get(api, "/api/notifications"))["unread"] == 1


async def test_a_page_of_another_site_leads_to_what_it_tells_of_and_it_stays_unread(
    api: httpx2.AsyncClient, system: System
) -> None:
    bulk_id = await ended(api, system, "Summer")
    url = f"{PAGE}/{bulk_id}-1-completed"
    for site, unread in (("cross-site", 1), ("same-site", 1), ("same-origin", 0)):
        opened = await api.get(url, headers={**BROWSER, "Sec-Fetch-Site": site})
        assert opened.headers["location"] == f"/bulks/{bulk_id}"
        assert (await get(api, "/api/notifications"))["unread"] == unread


async def test_who_may_only_look_has_no_buttons_and_leaves_all_unread(
    api: httpx2.AsyncClient, with_key: WithKey, system: System
) -> None:
    bulk_id = await ended(api, system, "Boots")
    reader = await with_key(scope=Scope.READ)
    page = await shown(reader, PAGE)
    assert "Mark" not in words(page)
    assert 'href="/webhooks"' not in page
    opened = await reader.get(f"{PAGE}/{bulk_id}-1-completed", headers=BROWSER)
    assert opened.headers["location"] == f"/bulks/{bulk_id}"
    assert (await get(api, "/api/notifications"))["unread"] == 1
    await sent(reader, f"{PAGE}/read", 403, id=f"{bulk_id}-1-completed")


async def test_marking_nothing_is_refused_in_a_sentence(api: httpx2.AsyncClient) -> None:
    await sent(api, f"{PAGE}/read", 400, up_to="yesterday")
    await shown(api, PAGE, 400, cursor="nonsense")


async def test_who_is_not_signed_in_any_more_comes_back_to_the_page_that_asked(
    keyed_app: FastAPI, open_client: As
) -> None:
    nobody = open_client(keyed_app)
    headers = HTMX | {"HX-Current-URL": "http://127.0.0.1:8000/bulks/new?from=file"}
    answer = await nobody.get(f"{PAGE}/unread?seen=0", headers=headers)
    assert (answer.status_code, answer.headers["hx-redirect"]) == (204, "/sign-in?next=/bulks/new")
