"""Formats of a source: asked for on a page, then a tab for each in the order in which they end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx2
import pytest

from jobs.callers.keys import Scope
from jobs.outcomes import Completed
from jobs.storage.store import Store
from jobs.system import System
from service.app import create_app
from service.pages.format_form import count, templates_of, ticks
from tests.service.conftest import As, WithKey
from tests.service.listening import AS_OWNER, PATIENCE, Listener, live_system, served
from tests.service.page_forms import look, send, shown, went_to
from tests.service.requesting import (
    BULKS,
    FAILED,
    NOTHING,
    claimed,
    end_jobs,
    get,
    on_embedded,
    post,
    settings,
    stored,
)
from tests.support.clock import MovableClock

NEW = "/formats/new"
TEXT = {"source.text": "Long ago, somebody drank tea.", "source.title": "Tea"}
HOSTILE = "<script>alert(1)</script>"
NOT_A_BULK = "/formats/6b027bdfe484bda5c9f5777d"


def written(text: str) -> Completed:
    html = f'<h1>{text}</h1><p>Words. {HOSTILE}<img src="https://elsewhere.example/x.png" alt="A cup"></p>'
    return Completed(f"# {text}", {"html": html, "markdown": f"# {text}", "word_count": 120, "reading_minutes": 1})


async def submitted(api: httpx2.AsyncClient, *templates: Any, **fields: Any) -> str:
    body = {"pipeline": "formats", "source": {"text": "Long ago."}, "templates": list(templates), **fields}
    bulk_id: str = (await post(api, BULKS, {"delay_seconds": 0, "max_retries": 0, **body}))["bulk_job_id"]
    return f"/formats/{bulk_id}"


async def job_ids(api: httpx2.AsyncClient, url: str) -> list[str]:
    return [job["id"] for job in (await get(api, f"{BULKS}/{url.removeprefix('/formats/')}"))["jobs"]]


@on_embedded
async def test_what_is_ticked_becomes_a_text_each(api: httpx2.AsyncClient, store: Store) -> None:
    page = await look(api, NEW)
    ticked = {"format.faq": "on", "format.summary.short": "on", "format.summary.long": "on", "others": "Poem, Ballad"}
    response = await send(api, NEW, page.fields | TEXT | ticked, name="Tea", delay_seconds="0", do="submit")
    assert went_to(response).startswith("/formats/")
    jobs = await store.collection("generation_jobs").find({}, sort=[("queue_position", 1)])
    asked = [(job["params"]["template"], job["params"].get("verbosity")) for job in jobs]
    assert asked == [("summary", "short"), ("summary", "long"), ("faq", None), ("Poem", None), ("Ballad", None)]
    assert {job["params"]["title"] for job in jobs} == {"Tea"}
    bulk = (await get(api, BULKS))["bulk_jobs"][0]
    assert (bulk["name"], bulk["pipeline"], bulk["delay_seconds"]) == ("Tea", "formats", 0)


@pytest.mark.parametrize(
    "templates",
    [
        ["summary", {"template": "summary", "verbosity": ["short", "long"]}, "faq"],
        [{"template": "of.my.own", "verbosity": ["medium"]}],
        ["of.my.own"],
    ],
)
def test_templates_become_ticks_and_ticks_templates(templates: list[Any]) -> None:
    assert templates_of(ticks(templates)) == templates


def test_texts_are_counted_with_their_lengths() -> None:
    assert count(["faq", {"template": "summary", "verbosity": ["short", "long"]}]) == 3


@on_embedded
async def test_faults_of_formats_stand_beside_their_fields(api: httpx2.AsyncClient, store: Store) -> None:
    page = await look(api, NEW)
    for do in ("check", "submit"):
        fields = page.fields | {"source.url": "https://10.0.0.8/", "source.title": HOSTILE, "format.faq.long": "on"}
        response = await send(api, NEW, fields, do=do)
        told = shown(response, 400)
        assert told.fields["format.faq.long"] == "on"
        assert "Address: " in told.words
        assert HOSTILE not in response.text
        told = shown(await send(api, NEW, page.fields | TEXT, do=do), 400)
        assert "Formats: must have at least 1 item" in told.words
        assert "#templates" in told.links.values()
    assert await stored(store) == NOTHING


@on_embedded
async def test_formats_are_checked_before_they_are_sent_and_sent_once(api: httpx2.AsyncClient, store: Store) -> None:
    page = await look(api, NEW)
    checked = shown(await send(api, NEW, page.fields | TEXT | {"format.faq": "on"}, do="check"))
    assert "1 text: nothing is wrong with it." in checked.words
    assert await stored(store) == NOTHING
    first = went_to(await send(api, NEW, checked.fields, do="submit"))
    assert went_to(await send(api, NEW, checked.fields, do="submit")) == first


@on_embedded
async def test_formats_of_late_are_listed_and_other_bulks_are_not(api: httpx2.AsyncClient, as_user: As) -> None:
    assert "What you submit here is listed here." in (await look(api, NEW)).words
    url = await submitted(api, "faq", name=HOSTILE)
    await post(api, BULKS, {"mode": "topic", "items": [{"topic": "x"}] * 10, "name": "Articles"})
    page = await look(api, NEW)
    assert page.links[HOSTILE] == url
    assert "Articles" not in page.links
    assert HOSTILE not in (await look(as_user("somebody else"), NEW)).words


@on_embedded
async def test_tabs_stand_in_the_order_in_which_the_formats_end(
    api: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    short = {"template": "summary", "verbosity": "short"}
    url = await submitted(api, "faq", "thread", short, parallelism=2, stagger_ms=0)
    faq, thread = await claimed(system), await claimed(system)
    assert "FAQ Running Thread Running Summary, short Queued" in (await look(api, url)).words
    await system.queue.finish(thread, written("The thread"))
    assert "Thread Ready" in (first := (await look(api, url)).words)
    assert first.index("Thread Ready") < first.index("FAQ Running") < first.index("Summary, short Queued")
    clock.move(timedelta(seconds=1))
    await system.queue.finish(faq, FAILED)
    second = (await look(api, url)).words
    assert second.index("Thread Ready") < second.index("FAQ Failed") < second.index("Summary, short Queued")
    assert "1 of 3 completed, 1 failed" in second


@on_embedded
async def test_what_has_ended_first_is_open_and_shown_safely(api: httpx2.AsyncClient, system: System) -> None:
    url = await submitted(api, "faq", "thread")
    await end_jobs(system, written("The questions"))
    response = await api.get(url, headers={"Accept": "text/html"})
    page = shown(response)
    assert "The questions" in page.words
    assert "120 words · 1 min to read" in page.words
    assert "# The questions" in page.words
    assert HOSTILE not in response.text
    assert "elsewhere.example" not in response.text
    assert page.links["Download"] == f"/jobs/{(await job_ids(api, url))[0]}/article"


@on_embedded
async def test_another_tab_is_open_where_it_is_asked_for(api: httpx2.AsyncClient, system: System) -> None:
    url = await submitted(api, "faq", "thread")
    await end_jobs(system, written("The questions"))
    second = (await job_ids(api, url))[1]
    page = await look(api, f"{url}?show={second}")
    assert "The questions" not in page.words
    assert page.fields["seen"] == "queued"


@on_embedded
async def test_a_failed_format_is_told_and_sent_back(api: httpx2.AsyncClient, system: System) -> None:
    url = await submitted(api, "faq")
    await end_jobs(system, FAILED)
    [job_id] = await job_ids(api, url)
    assert "The generator said no." in (await look(api, url)).words
    back = went_to(await send(api, f"{url}/retry/{job_id}", {}))
    assert back == f"{url}?show={job_id}"
    assert "FAQ Queued" in (await look(api, back)).words


@on_embedded
async def test_a_retry_is_answered_in_place(api: httpx2.AsyncClient, system: System) -> None:
    url = await submitted(api, "faq")
    await end_jobs(system, FAILED)
    [job_id] = await job_ids(api, url)
    response = await api.post(f"{url}/retry/{job_id}", headers={"HX-Request": "true"})
    assert response.status_code == 200
    assert "FAQ is sent back to the queue." in response.text
    for target in ("formats-head", "formats-tabs", "formats-text", "notices"):
        assert f'hx-target="#{target}"' in response.text


@on_embedded
async def test_a_text_that_is_there_already_is_not_sent_again(api: httpx2.AsyncClient, system: System) -> None:
    url = await submitted(api, "faq")
    [job_id] = await job_ids(api, url)
    waiting = await api.get(f"{url}/parts", params={"show": job_id, "seen": "queued"})
    assert 'hx-target="#formats-text"' in waiting.text
    await end_jobs(system, written("The questions"))
    for seen, is_sent in (("queued", True), ("completed", False)):
        parts = await api.get(f"{url}/parts", params={"show": job_id, "seen": seen})
        assert "FAQ" in parts.text
        assert ("The questions" in parts.text) is is_sent


@on_embedded
async def test_what_is_somebody_elses_or_is_no_formats_is_not_there(api: httpx2.AsyncClient, as_user: As) -> None:
    url = await submitted(api, "faq")
    other = as_user("somebody else")
    [job_id] = await job_ids(api, url)
    articles = (await post(api, BULKS, {"mode": "topic", "items": [{"topic": "x"}] * 10}))["bulk_job_id"]
    for client, address in [
        (other, url),
        (other, f"{url}/parts"),
        (other, f"{url}/stream"),
        (api, f"{url}?show=6b027bdfe484bda5c9f5777d"),
        (api, f"{url}?show=nothing"),
        (api, f"/formats/{articles}"),
        (api, NOT_A_BULK),
        (api, "/formats/nothing"),
    ]:
        shown(await client.get(address, headers={"Accept": "text/html"}), 404)
    shown(await send(other, f"{url}/retry/{job_id}", {}), 404)


@on_embedded
async def test_who_may_only_read_sees_no_button_that_writes(with_key: WithKey, system: System) -> None:
    writer, reader = await with_key(), await with_key(scope=Scope.READ)
    url = await submitted(writer, "faq")
    await end_jobs(system, FAILED)
    [job_id] = await job_ids(writer, url)
    page = await reader.get(url, headers={"Accept": "text/html"})
    assert "The generator said no." in shown(page).words
    assert "/retry/" not in page.text
    shown(await send(reader, f"{url}/retry/{job_id}", {}), 403)


class TestOnTheWire:
    @pytest.fixture
    async def system(self, store: Store) -> System:
        return await live_system(store)

    async def test_a_page_hears_of_each_change_and_fetches_what_it_shows(self, system: System) -> None:
        app = create_app(settings(), system)
        async with served(app) as at, httpx2.AsyncClient(base_url=at, headers=AS_OWNER, timeout=PATIENCE) as api:
            url = await submitted(api, "faq")
            async with api.stream("GET", f"{url}/stream") as response:
                listener = Listener(response)
                [first] = await listener.until(lambda heard: heard.name == "changed")
                await end_jobs(system, written("The questions"))
                await listener.until(lambda heard: heard.name == "changed" and heard.data > first.data)
                [job_id] = await job_ids(api, url)
                parts = await api.get(f"{url}/parts", params={"show": job_id, "seen": "queued"})
                assert "The questions" in parts.text
