"""The page of a bulk: what is shown on it and to whom, its buttons with scripts and without."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from jobs.callers.keys import Scope
from jobs.system import System
from service.app import create_app
from tests.service.browsing import HOSTILE, HTMX, pressed, replaced, sent, shown, told, words
from tests.service.conftest import As, WithKey
from tests.service.requesting import (
    BULKS,
    DONE,
    FAILED,
    OWNER,
    claimed,
    end_jobs,
    get,
    job_ids,
    on_embedded,
    post,
    settings,
    status_of,
    submit,
    submit_quick,
)
from tests.support.clock import MovableClock

pytestmark = on_embedded

BUTTONS = ("pause", "resume", "cancel", "retry", "settings", "again", "remove")


async def test_a_bulk_is_shown_with_each_of_its_articles(api: httpx2.AsyncClient, system: System) -> None:
    bulk_id = await submit_quick(api, name="Autumn")
    await end_jobs(system, DONE, FAILED)
    running = await claimed(system)
    page = await shown(api, f"/bulks/{bulk_id}")
    read = words(page)
    assert "<title>Autumn · Pressrun</title>" in page
    assert "1 completed 1 running 1 failed 7 queued of 10" in read
    assert "1 of 10 articles completed, 1 failed." in read
    for position, job_id in enumerate(await job_ids(api, bulk_id), 1):
        row = page.split(f'<li id="job-{job_id}"')[1].split("</li>")[0]
        assert f">Topic {position}</a>" in row
        cell = page.split(f'<svg id="cell-{job_id}"')[1].split("</svg>")[0]
        assert f"<title>{position}. Topic {position}: " in cell
    assert f'id="job-{running.job_id}" class="article processing"' in page
    assert "The generator said no." in read
    assert "Why 1 article has failed" in read


async def test_a_bulk_of_somebody_else_is_not_there(api: httpx2.AsyncClient, as_user: As, with_key: WithKey) -> None:
    bulk_id = await submit_quick(api)
    for client in (as_user("other"), await with_key("other")):
        for url in (f"/bulks/{bulk_id}", f"/bulks/{bulk_id}/stream"):
            assert "There is no such bulk job." in words(await shown(client, url, 404))
        for button in BUTTONS:
            await sent(client, f"/bulks/{bulk_id}/{button}", 404)
    assert await status_of(api, bulk_id) == "queued"


@pytest.mark.parametrize("bulk_id", ["nonsense", "f" * 24, "%3Cscript%3E", "f" * 500])
async def test_an_id_that_does_not_exist_is_a_page_that_says_so(api: httpx2.AsyncClient, bulk_id: str) -> None:
    assert "Nothing here" in await shown(api, f"/bulks/{bulk_id}", 404)


async def test_what_others_have_named_is_shown_as_text(api: httpx2.AsyncClient, system: System) -> None:
    items = [{"topic": f"{HOSTILE} {n}"} for n in range(10)]
    body = {"mode": "topic", "items": items, "name": HOSTILE, "delay_seconds": 0, "max_retries": 0}
    answer = await post(api, BULKS, body)
    bulk_id = answer["bulk_job_id"]
    await end_jobs(system, DONE, type(FAILED)(HOSTILE, definite=True))
    await post(api, f"{BULKS}/{bulk_id}/pause", {"reason": HOSTILE})
    page = await shown(api, f"/bulks/{bulk_id}")  # which looks for scripts
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") > 20
    assert f"Paused by {OWNER}: {HOSTILE}." in words(page)


async def test_every_button_works_without_scripts(api: httpx2.AsyncClient, system: System) -> None:
    bulk_id = await submit_quick(api)
    await end_jobs(system, FAILED)
    for button, status in (
        ("pause", "paused"),
        ("resume", "processing"),
        ("retry", "processing"),
        ("cancel", "cancelled"),
    ):
        answer = await sent(api, f"/bulks/{bulk_id}/{button}")
        assert answer.headers["location"] == f"/bulks/{bulk_id}"
        assert await status_of(api, bulk_id) == status
    assert (await get(api, f"{BULKS}/{bulk_id}"))["progress"]["failed"] == 0


async def test_every_button_says_what_came_of_it_in_place(api: httpx2.AsyncClient, system: System) -> None:
    bulk_id = await submit_quick(api, parallelism=2, stagger_ms=0)
    await end_jobs(system, FAILED)
    await claimed(system)
    for button, sentence in (
        ("pause", "Paused: 1 article that had begun is finished first."),
        ("resume", "Resumed."),
        ("retry", "1 failed article sent back to the queue."),
        ("retry", "Nothing has failed."),
        ("cancel", "Cancelled. 1 running article will be stopped."),
    ):
        answer = await pressed(api, f"/bulks/{bulk_id}/{button}")
        assert told(answer) == sentence
        assert {"bulk-head", "bulk-figures", "bulk-facts", "bulk-errors", "count-failed"} <= replaced(answer)


async def test_a_pause_may_stop_what_runs_and_end_by_itself(
    api: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    bulk_id = await submit_quick(api)
    await claimed(system)
    wanted: dict[str, Any] = {"mode": "abort", "reason": "lunch", "for": "60"}
    answer = await pressed(api, f"/bulks/{bulk_id}/pause", **wanted)
    assert told(answer) == "Paused: 1 article that had begun is stopped and put back."
    pause = (await get(api, f"{BULKS}/{bulk_id}"))["bulk_job"]["pause"]
    assert (pause["mode"], pause["reason"], pause["by"]) == ("abort", "lunch", OWNER)
    hour = (clock.now() + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S")
    assert pause["until"].startswith(hour)
    assert f'(until <time datetime="{hour}Z">' in await shown(api, f"/bulks/{bulk_id}")


@pytest.mark.parametrize(
    "wrong", [{"for": "0"}, {"for": "-5"}, {"for": "soon"}, {"for": "9999999999"}, {"mode": "now"}]
)
async def test_a_pause_that_cannot_be_is_refused_in_a_sentence(api: httpx2.AsyncClient, wrong: dict[str, Any]) -> None:
    bulk_id = await submit_quick(api)
    page = await sent(api, f"/bulks/{bulk_id}/pause", 400, **wrong)
    assert "It cannot be paused" in page.text
    answer = await pressed(api, f"/bulks/{bulk_id}/pause", 400, **wrong)
    assert told(answer).startswith("It cannot be paused")
    assert await status_of(api, bulk_id) == "queued"


async def test_what_cannot_be_done_now_is_said_and_changes_nothing(api: httpx2.AsyncClient) -> None:
    bulk_id = await submit_quick(api)
    await sent(api, f"/bulks/{bulk_id}/cancel")
    sentence = "A bulk job that is cancelled cannot be resumed."
    assert sentence in words((await sent(api, f"/bulks/{bulk_id}/resume", 409)).text)
    assert told(await pressed(api, f"/bulks/{bulk_id}/resume", 409)) == sentence


async def test_an_ended_bulk_is_removed_by_its_button_which_asks_first(api: httpx2.AsyncClient, system: System) -> None:
    bulk_id = await submit_quick(api)
    assert f"/bulks/{bulk_id}/remove" not in await shown(api, f"/bulks/{bulk_id}")
    await sent(api, f"/bulks/{bulk_id}/cancel")
    await system.outbox.relay()
    read = words(await shown(api, f"/bulks/{bulk_id}"))
    assert "Remove this bulk? 10 articles and what was written of them would be gone for good." in read
    answer = await sent(api, f"/bulks/{bulk_id}/remove")
    assert answer.headers["location"] == "/"
    assert (await api.get(f"/bulks/{bulk_id}")).status_code == 404


async def test_who_may_only_read_has_no_buttons_and_cannot_press_them(with_key: WithKey, system: System) -> None:
    writer, reader = await with_key(), await with_key(scope=Scope.READ)
    bulk_id = await submit_quick(writer)
    await end_jobs(system, FAILED)
    assert 'method="post" action="/bulks' in await shown(writer, f"/bulks/{bulk_id}")
    page = await shown(reader, f"/bulks/{bulk_id}")
    assert 'action="/bulks' not in page
    assert 'action="/jobs' not in page
    for button in BUTTONS:
        assert "This needs the scope write" in words((await sent(reader, f"/bulks/{bulk_id}/{button}", 403)).text)


async def test_articles_of_one_status_are_shown_by_themselves(api: httpx2.AsyncClient, system: System) -> None:
    bulk_id = await submit_quick(api)
    await end_jobs(system, FAILED, DONE)
    first, second, *rest = await job_ids(api, bulk_id)
    for status, expected in (
        ("failed", [first]),
        ("completed", [second]),
        ("queued", rest),
        ("all", [first, second, *rest]),
    ):
        page = await shown(api, f"/bulks/{bulk_id}?status={status}")
        assert re.findall(r'<li id="job-(\w+)"', page) == expected
        assert len(re.findall(r'<svg id="cell-', page)) == 10
        (chosen,) = re.findall(r'<a href="([^"]+)" aria-current="true"', page)
        assert chosen == f"/bulks/{bulk_id}{'' if status == 'all' else f'?status={status}'}#articles-title"
    assert "None of its articles is like that just now." in await shown(api, f"/bulks/{bulk_id}?status=cancelled")


async def test_a_large_bulk_has_pages_and_a_bar_in_the_place_of_the_sheet(system: System, open_client: As) -> None:
    app: FastAPI = create_app(settings(bulk={"max_items": 500}), system)
    api = open_client(app, {"X-Pressrun-User": OWNER})
    bulk_id = await submit_quick(api, 410)
    await end_jobs(system, FAILED)
    page = await shown(api, f"/bulks/{bulk_id}")
    assert "<svg id=" not in page
    seen = re.findall(r'<span class="position" aria-hidden="true">(\d+)<', page)
    while (further := re.search(r'href="([^"]+)" rel="next"', page)) is not None:
        page = await shown(api, further[1])
        assert 'id="rows-anew"' in page
        seen += re.findall(r'<span class="position" aria-hidden="true">(\d+)<', page)
    assert seen == [str(position) for position in range(1, 411)]
    failed = await shown(api, f"/bulks/{bulk_id}?status=failed")
    assert re.findall(r'<span class="position" aria-hidden="true">(\d+)<', failed) == ["1"]


async def test_a_budget_and_a_policy_are_told_with_what_they_have_done(api: httpx2.AsyncClient, system: System) -> None:
    policy = {"max_failed_percent": 20, "min_items": 2, "canary": 5}
    bulk_id = await submit_quick(api, budget={"cost": 9, "cost_per_job": 0.5}, failure_policy=policy)
    read = words(await shown(api, f"/bulks/{bulk_id}"))
    assert "of 9; 9 left" in read
    assert "after the first 5 articles, to be looked at, and when more than 20 % of at least 2 have failed" in read
    await end_jobs(system, FAILED, FAILED)
    assert "Paused itself: " in words(await shown(api, f"/bulks/{bulk_id}"))


async def test_a_single_article_has_no_page_of_a_bulk(api: httpx2.AsyncClient) -> None:
    created = await post(api, "/api/jobs", {"mode": "topic", "topic": "Tea"})
    answer = await api.get(f"/bulks/{created['bulk_job_id']}", headers=HTMX)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/jobs/{created['job_id']}")


async def test_a_bulk_of_formats_leads_to_them(api: httpx2.AsyncClient) -> None:
    body = {"pipeline": "formats", "source": {"text": "A text."}, "templates": ["summary", "thread"]}
    bulk_id = (await post(api, BULKS, body))["bulk_job_id"]
    page = await shown(api, f"/bulks/{bulk_id}")
    assert f'href="/formats/{bulk_id}"' in page
    assert ">summary</a>" in page


async def test_a_bulk_is_submitted_again_once_however_often_the_page_is_sent(api: httpx2.AsyncClient) -> None:
    bulk_id = await submit(api, name="Worth repeating")
    key = re.search(r'name="key" value="([^"]+)"', await shown(api, f"/bulks/{bulk_id}"))
    assert key is not None
    went_to = {
        (await sent(api, f"/bulks/{bulk_id}/again", key=key[1])).headers["location"],
        (await sent(api, f"/bulks/{bulk_id}/again", key=key[1])).headers["location"],
    }
    assert len(went_to) == 1
    assert went_to != {f"/bulks/{bulk_id}"}
    assert [bulk["name"] for bulk in (await get(api, BULKS))["bulk_jobs"]] == ["Worth repeating"] * 2


async def test_a_bulk_is_kept_as_a_template_from_its_page(api: httpx2.AsyncClient) -> None:
    bulk_id = await submit(api, name="Worth keeping")
    page = await shown(api, f"/bulks/{bulk_id}")
    assert f'name="bulk_job_id" value="{bulk_id}"' in page
    assert "Kept as the template Kept." in await pressed(api, "/templates", bulk_job_id=bulk_id, name="Kept")
    assert "Kept" in await shown(api, "/templates")
