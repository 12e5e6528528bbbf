"""The page of the queue: what runs and has ended, for oneself and for admins, live, and the limits there."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx2
import pytest
from fastapi import FastAPI

from jobs.outcomes import Failed
from jobs.system import System
from service.server import listen, serve
from tests.service.browsing import HOSTILE, HTMX, mark_of, sent, shown, words
from tests.service.conftest import As, WithKey
from tests.service.requesting import BULKS, DONE, FAILED, OWNER, claimed, end_jobs, get, on_embedded, post, submit_quick
from tests.support.clock import MovableClock

pytestmark = on_embedded

PAGE = "/queue"
LIMITS = f"{PAGE}/limits"


async def test_it_shows_what_runs_and_what_ended_last(
    api: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    await submit_quick(api, 12, name="Boots")
    for _ in range(11):
        claim = await claimed(system)
        clock.move(timedelta(seconds=65))
        await system.queue.finish(claim, FAILED if claim.job["queue_position"] == 11 else DONE)
    running = await claimed(system)
    clock.move(timedelta(seconds=7))
    page = await shown(api, PAGE)
    told = words(page)
    assert f'id="running-{running.job_id}"' in page
    assert f'href="/jobs/{running.job_id}"' in page
    for phrase in (
        "Topic 12",
        "Boots",
        "step 1 of 7",
        "7 s",
        "1 min 05 s",
        "The generator said no.",
        "no limit is set",
    ):
        assert phrase in told
    assert page.count('id="ended-') == 10
    assert page.count('class="badge failed"') == 1
    assert ("Topic 1 " in told, "10 completed" in told, "1 failed" in told) == (False, True, True)


async def test_an_empty_queue_and_missing_workers_are_told_in_words(api: httpx2.AsyncClient, system: System) -> None:
    told = words(await shown(api, PAGE))
    for phrase in (
        "Nothing runs, nothing waits",
        "Nothing has ended yet",
        "No worker is alive: nothing is written now.",
    ):
        assert phrase in told
    await submit_quick(api)
    await system.workers.beat("w1", slots=1, version="0.1.0", jobs=[])
    told = words(await shown(api, PAGE))
    assert ("Nothing runs just now" in told, "10 articles wait" in told, "No worker" in told) == (True, True, False)


async def test_everybody_sees_their_own_part_and_an_admin_all_of_it_with_workers_tenants_and_limits(
    as_user: As, admin: httpx2.AsyncClient, system: System
) -> None:
    for user in (OWNER, "other"):
        await submit_quick(as_user(user), name=f"Of {user}")
    await system.workers.beat("worker-at-work", slots=3, version="9.9", jobs=["6b027bdfe484bda5c9f5777d"])
    for _ in range(2):
        await claimed(system)
    own = words(await shown(as_user(OWNER), PAGE))
    everything = words(await shown(admin, PAGE))
    assert ("Of owner" in own, "Of other" in own) == (True, False)
    for phrase in ("worker-at-work", "Tenants", "Change the limits"):
        assert (phrase in own, phrase in everything) == (False, True)
    for phrase in ("Of owner", "Of other", "1 worker, 3 slots", "Busy", "9.9"):
        assert phrase in everything


async def test_generators_are_told_in_words(api: httpx2.AsyncClient, system: System, clock: MovableClock) -> None:
    await system.limits.change({"requests_per_minute": 10})
    limits = system.store.collection("limits")
    later = clock.now() + timedelta(minutes=1)
    await limits.update_one({"_id": "generator:default"}, {"$set": {"down": True, "probe_at": later, "pace": 7}})
    await limits.update_one({"_id": "generator:ideas"}, {"$set": {"spaced_until": later}})
    await limits.update_one({"_id": "generator:images"}, {"$set": {"ramp": 2}})
    told = words(await shown(api, PAGE))
    for phrase in (
        "Articles Down Down: nothing is sent to it, it is tried again (",
        "0 % of 7 calls a minute used (lowered from 10 by errors).",
        "Ideas Parked Has asked to be left alone (",
        "Images Recovering Back after an outage",
    ):
        assert phrase in told


async def test_the_same_parts_are_on_the_page_and_in_its_stream(
    app: FastAPI, as_user: As, system: System, clock: MovableClock
) -> None:
    api = as_user(OWNER)
    await submit_quick(api, name="Live")
    await end_jobs(system, DONE)
    await claimed(system)
    page = await shown(api, PAGE)
    told = await _first_message(app)
    for part in ("queue-counts", "queue-active", "queue-recent"):
        section = page[page.index(f'<section id="{part}"') :].partition("</section>")[0]
        assert f'<hx-partial hx-target="#{part}" hx-swap="outerMorph"><section id="{part}"' in told
        assert section in told


async def test_a_stream_of_the_page_is_for_callers_only(keyed_app: FastAPI, with_key: WithKey) -> None:
    stranger = httpx2.ASGITransport(keyed_app)
    async with httpx2.AsyncClient(transport=stranger, base_url="http://127.0.0.1:8000") as client:
        answer = await client.get(f"{PAGE}/stream", headers=HTMX)
    assert (answer.status_code, answer.headers["hx-redirect"]) == (204, "/sign-in?next=/queue/stream")


async def test_what_changes_beside_the_queue_is_asked_for_again(
    api: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    await submit_quick(api)
    seen = mark_of(await shown(api, PAGE))
    again = await api.get(f"{PAGE}/around", params={"seen": seen}, headers=HTMX)
    assert again.status_code == 204
    await end_jobs(system, DONE)
    again = await api.get(f"{PAGE}/around", params={"seen": seen}, headers=HTMX)
    assert "1 article completed in the last hour" in words(again.text)
    assert 'hx-target="#queue-throughput"' in again.text
    assert 'hx-target="#queue-workers"' not in again.text


async def test_throughput_is_drawn_and_told_in_a_table(
    api: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    await submit_quick(api)
    await end_jobs(system, DONE, DONE, DONE, FAILED)
    page = await shown(api, PAGE)
    hour = page[page.index('id="throughput-hour"') :].partition("</figure>")[0]
    assert ('class="completed"' in hour, 'height="75.0"' in hour, 'height="25.0"' in hour) == (True, True, True)
    told = words(hour)
    assert "3 completed, 1 failed" in told
    assert "at most 4 in a minute" in told
    assert told.endswith(" 3 1")


async def test_an_admin_changes_the_limits(admin: httpx2.AsyncClient) -> None:
    answer = await sent(admin, LIMITS, max_running="12", parallel="50")
    assert answer.headers["location"] == f"{PAGE}#limits"
    limits = (await get(admin, "/api/limits"))["limits"]
    assert (limits["max_running"], limits["parallel"]) == (12, 50)
    page = await shown(admin, PAGE)
    assert ('value="12"' in page, 'value="50"' in page) == (True, True)
    await sent(admin, LIMITS, max_running="", parallel="0")
    assert (await get(admin, "/api/limits"))["limits"]["max_running"] is None


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ({"max_running": "0", "parallel": "100"}, {"max_running"}),
        ({"max_running": "many", "parallel": "101"}, {"max_running", "parallel"}),
        ({"max_running": "1", "parallel": ""}, {"parallel"}),
        ({"max_running": "9" * 40, "parallel": HOSTILE}, {"max_running", "parallel"}),
    ],
)
async def test_limits_that_are_none_are_told_beside_their_fields_and_nothing_changes(
    admin: httpx2.AsyncClient, typed: dict[str, str], wrong: set[str]
) -> None:
    before = await get(admin, "/api/limits")
    page = (await sent(admin, LIMITS, 400, **typed)).text
    assert page.count('aria-invalid="true"') == len(wrong)
    for name in wrong:
        assert f'<a href="#{name}">' in page
        assert f'id="{name}-told"' in page
    assert ("null" in words(page), HOSTILE in page) == (False, False)
    for text in typed.values():
        assert text in words(page) or f'value="{text}"' in page or text == HOSTILE
    assert await get(admin, "/api/limits") == before


async def test_only_an_admin_changes_limits(api: httpx2.AsyncClient, admin: httpx2.AsyncClient) -> None:
    await sent(api, LIMITS, 403, max_running="5", parallel="100")
    assert (await get(admin, "/api/limits"))["limits"]["max_running"] is None


async def test_hostile_names_errors_and_workers_are_only_text(admin: httpx2.AsyncClient, system: System) -> None:
    items = [{"topic": HOSTILE}] * 10
    await post(admin, BULKS, {"mode": "topic", "items": items, "name": HOSTILE, "tenant": HOSTILE, "delay_seconds": 0})
    await system.workers.beat(HOSTILE, slots=1, version=HOSTILE, jobs=[])
    await end_jobs(system, Failed(HOSTILE, definite=True))
    await claimed(system)
    page = await shown(admin, PAGE)
    assert HOSTILE not in page
    assert words(page).count(HOSTILE) >= 6


async def _first_message(app: FastAPI) -> str:
    """What the stream of the page tells first, on a real server."""
    bound, stop = listen("127.0.0.1", 0), asyncio.Event()
    serving = asyncio.create_task(serve(app, bound, stop, app.state.broadcast.stop), name="served app")
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    lines = []
    async with (
        asyncio.timeout(20),
        httpx2.AsyncClient(base_url=url, headers={"X-Pressrun-User": OWNER}) as client,
        client.stream("GET", f"{PAGE}/stream") as response,
    ):
        assert response.headers["content-type"].startswith("text/event-stream")
        async for line in response.aiter_lines():
            if line.startswith("data: "):
                lines.append(line.removeprefix("data: "))
            elif lines:
                break
    stop.set()
    await serving
    return "\n".join(lines)
