"""The page of a job: its stages, attempts, input and article, shown safely; its buttons; its article as a file."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from jobs.callers.keys import Scope
from jobs.outcomes import Awaiting, Completed
from jobs.system import System
from tests.service.browsing import HOSTILE, HTMX, pressed, replaced, sent, shown, told, words
from tests.service.conftest import As, WithKey
from tests.service.requesting import (
    BULKS,
    DONE,
    FAILED,
    JOBS,
    claimed,
    end_jobs,
    get,
    job_ids,
    on_embedded,
    post,
    submit_quick,
)

pytestmark = on_embedded

PAGES = ("", "/stream", "/preview", "/raw", "/article")
HARMFUL = (
    f'{HOSTILE}<h1>Title</h1><h2 onclick="x()">Part</h2><p style="color:red">Text <a href="javascript:x()">a</a>'
    '<a href="https://example.org/">b</a></p><img src="https://elsewhere.example/p.png" alt="a picture" onerror="x()">'
    '<img src="/api/assets/6b0000000000000000000000" alt="ours">'
    '<iframe src="/"></iframe><form action="/"><input></form>'
)


async def first_job(client: httpx2.AsyncClient, **fields: Any) -> str:
    return (await job_ids(client, await submit_quick(client, **fields)))[0]


async def test_a_job_is_shown_with_its_stages_its_attempts_and_what_was_asked_for(
    api: httpx2.AsyncClient, system: System
) -> None:
    items = [{"topic": f"Tea {n}", "word_count": 300, "season": "autumn"} for n in range(10)]
    answer = await post(api, BULKS, {"mode": "topic", "items": items, "name": "Teas", "max_retries": 0})
    job_id = (await job_ids(api, answer["bulk_job_id"]))[0]
    await end_jobs(system, FAILED)
    page = await shown(api, f"/jobs/{job_id}")
    read = words(page)
    assert "<title>Tea 0 · Pressrun</title>" in page
    assert "Bulks / Teas / Article 1 of 10" in read
    assert "Validation failed Context building waits" in read
    assert "Word count 300" in read
    assert "Season autumn" in read
    attempts = words(page.split('id="attempts-title"')[1].split("</table>")[0])
    assert "Failed The generator said no." in attempts
    assert "worker-1" in attempts


async def test_a_job_of_somebody_else_is_not_there(api: httpx2.AsyncClient, as_user: As, system: System) -> None:
    job_id = await first_job(api)
    await end_jobs(system, DONE)
    other = as_user("other")
    for page in PAGES:
        answer = await other.get(f"/jobs/{job_id}{page}", headers=HTMX)
        assert answer.status_code == 404, page
        assert "There is no such job." in answer.text
    for button in ("retry", "cancel"):
        await sent(other, f"/jobs/{job_id}/{button}", 404)


async def test_an_article_is_shown_without_anything_that_could_harm(api: httpx2.AsyncClient, system: System) -> None:
    job_id = await first_job(api)
    meta = {"html": HARMFUL, "word_count": 1, "quality": {"passed": False, "findings": [{"text": HOSTILE}]}}
    await end_jobs(system, Completed("# Title", meta))
    page = await shown(api, f"/jobs/{job_id}")  # which looks for scripts
    preview = (await api.get(f"/jobs/{job_id}/preview", headers=HTMX)).text
    for text in (page, preview):
        prose = text.split('<div class="prose">')[1].split("</div>")[0]
        assert "<h3>Title</h3><h4>Part</h4>" in prose
        assert '<a href="https://example.org/" rel="noopener nofollow">b</a>' in prose
        assert '<img src="/api/assets/6b0000000000000000000000" alt="ours">' in prose
        assert '<img alt="a picture">' in prose
        for harmful in ("script", "onclick", "onerror", "style", "javascript", "iframe", "form", "elsewhere"):
            assert harmful not in prose
        assert "1 word" in text
        assert "What the quality check found" in text
        assert "&lt;script&gt;" in text


async def test_an_article_without_html_is_shown_as_it_was_given(api: httpx2.AsyncClient, system: System) -> None:
    text, json_given = await job_ids(api, await submit_quick(api)), {"body": HOSTILE}
    await end_jobs(system, Completed(f"Plain {HOSTILE}", {}), Completed(json_given, {}))
    assert '<pre class="raw"' in (page := await shown(api, f"/jobs/{text[0]}"))
    assert "Plain &lt;script&gt;" in page
    assert "&#34;body&#34;: &#34;&lt;script&gt;" in await shown(api, f"/jobs/{text[1]}")


async def test_the_raw_text_is_asked_for_when_it_is_wanted(api: httpx2.AsyncClient, system: System) -> None:
    job_id = await first_job(api)
    await end_jobs(system, Completed(f"# {HOSTILE}" + "x" * 300_000, {"html": "<p>Text</p>"}))
    assert "xxx" not in await shown(api, f"/jobs/{job_id}")
    raw = (await api.get(f"/jobs/{job_id}/raw", headers=HTMX)).text
    assert "# &lt;script&gt;alert(1)" in raw
    assert "The rest is in the file." in raw
    assert len(raw) < 210_000


async def test_an_article_is_a_file(api: httpx2.AsyncClient, system: System) -> None:
    first, second, *_ = await job_ids(api, await submit_quick(api))
    await end_jobs(system, Completed("# Tea & cups", {"slug": "tea-and-cups"}))
    file = await api.get(f"/jobs/{first}/article")
    assert file.text == "# Tea & cups"
    assert file.headers["content-disposition"] == 'attachment; filename="001-tea-and-cups.md"'
    assert file.headers["content-type"] == "text/plain; charset=utf-8"
    assert file.headers["x-content-type-options"] == "nosniff"
    assert "There is no such article yet." in await shown(api, f"/jobs/{second}/article", 404)


async def test_without_scripts_a_preview_is_the_articles_own_page(api: httpx2.AsyncClient, system: System) -> None:
    job_id = await first_job(api)
    for part, leads_to in (("preview", f"/jobs/{job_id}#article"), ("raw", f"/jobs/{job_id}/article")):
        answer = await api.get(f"/jobs/{job_id}/{part}")
        assert (answer.status_code, answer.headers["location"]) == (303, leads_to)


async def test_a_failed_job_begins_again_at_the_stage_that_was_picked(api: httpx2.AsyncClient, system: System) -> None:
    job_id = await first_job(api)
    claim = await claimed(system)
    await system.queue.finish(claim, FAILED)
    page = await shown(api, f"/jobs/{job_id}")
    assert '<option value="validation" selected>Validation</option>' in page
    assert 'value="context-building"' not in page
    answer = await pressed(api, f"/jobs/{job_id}/retry", from_stage="validation")
    assert told(answer) == "Article 1 is sent back to the queue."
    assert {"job-head", "job-now", "job-stages", "job-article", "job-attempts"} <= replaced(answer)
    assert (await get(api, f"{JOBS}/{job_id}"))["job"]["status"] == "queued"


async def test_a_stage_that_it_has_not_come_to_is_refused(api: httpx2.AsyncClient, system: System) -> None:
    job_id = await first_job(api)
    await end_jobs(system, FAILED)
    page = (await sent(api, f"/jobs/{job_id}/retry", 400, from_stage=HOSTILE)).text
    assert "from_stage" in page
    assert (await get(api, f"{JOBS}/{job_id}"))["job"]["status"] == "failed"


async def test_every_button_works_without_scripts(api: httpx2.AsyncClient, system: System) -> None:
    job_id = await first_job(api)
    for button, status in (("cancel", "cancelled"), ("retry", "queued")):
        answer = await sent(api, f"/jobs/{job_id}/{button}")
        assert answer.headers["location"] == f"/jobs/{job_id}"
        assert (await get(api, f"{JOBS}/{job_id}"))["job"]["status"] == status


async def test_a_button_on_the_bulks_page_leads_back_there_and_changes_its_row(
    api: httpx2.AsyncClient, system: System
) -> None:
    bulk_id = await submit_quick(api)
    job_id = (await job_ids(api, bulk_id))[0]
    await claimed(system)
    answer = await pressed(api, f"/jobs/{job_id}/cancel", on="bulk")
    assert told(answer) == "Article 1 is being stopped."
    assert {f"job-{job_id}", f"cell-{job_id}", "bulk-head", "bulk-figures"} <= replaced(answer)
    back = (await sent(api, f"/jobs/{(await job_ids(api, bulk_id))[1]}/cancel", on="bulk")).headers["location"]
    assert back.startswith(f"/bulks/{bulk_id}#job-")


async def test_what_cannot_be_done_now_is_said(api: httpx2.AsyncClient, system: System) -> None:
    job_id = await first_job(api)
    await end_jobs(system, DONE)
    sentence = "A job that is completed cannot be cancelled."
    assert told(await pressed(api, f"/jobs/{job_id}/cancel", 409)) == sentence
    assert sentence in words((await sent(api, f"/jobs/{job_id}/cancel", 409)).text)


async def test_who_may_only_read_has_no_buttons_and_cannot_press_them(with_key: WithKey, system: System) -> None:
    writer, reader = await with_key(), await with_key(scope=Scope.READ)
    job_id = await first_job(writer)
    assert 'action="/jobs' in await shown(writer, f"/jobs/{job_id}")
    assert 'action="/jobs' not in await shown(reader, f"/jobs/{job_id}")
    await sent(reader, f"/jobs/{job_id}/cancel", 403)


async def test_a_choice_is_shown_open_and_made(blogger: httpx2.AsyncClient, system: System) -> None:
    job_id = await first_job(blogger, pipeline="blog")
    ideas = [{"title": f"Idea {n}", "summary": HOSTILE} for n in (1, 2)]
    asked = {"stage": "selection", "hash": "h", "options": ideas, "recommended": 1, "until": None}
    await system.queue.finish(
        await claimed(system), Awaiting({**asked, "then": "content-generation", "percentage": 40})
    )
    page = await shown(blogger, f"/jobs/{job_id}")
    assert f'href="/selections?bulk_job_id={page.split("bulk_job_id=")[1][:24]}#job-{job_id}"' in page
    assert "Idea 2 Recommended" in words(page)
    await post(blogger, f"{JOBS}/{job_id}/select", {"choice": 0})
    read = words(await shown(blogger, f"/jobs/{job_id}"))
    assert "What was chosen by owner" in read
    assert "Idea 1 Chosen" in read


@pytest.mark.parametrize("job_id", ["nonsense", "f" * 24])
async def test_an_id_that_does_not_exist_is_a_page_that_says_so(api: httpx2.AsyncClient, job_id: str) -> None:
    assert "Nothing here" in await shown(api, f"/jobs/{job_id}", 404)
