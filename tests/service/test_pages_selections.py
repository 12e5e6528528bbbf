"""The page of selections: what is shown, chosen, edited and approved on it, with scripts and without."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from jobs.callers.keys import Scope
from jobs.outcomes import Awaiting
from jobs.system import System
from tests.service.browsing import HOSTILE, HTMX, mark_of, pressed, sent, shown, words
from tests.service.conftest import As, WithKey
from tests.service.requesting import BULKS, JOBS, OWNER, claimed, get, on_embedded, post, submit_quick
from tests.support.clock import MovableClock

PAGE = "/selections"
IDEAS = [
    {"title": f"Idea {n}", "summary": f"Summary {n}", "angle": "From above", "keywords": ["tea", "cups"]}
    for n in (1, 2, 3)
]


def asks(clock: MovableClock, ideas: list[dict[str, Any]] | None = None) -> Awaiting:
    return Awaiting(
        {
            "stage": "selection",
            "hash": "secret-hash",
            "options": ideas or IDEAS,
            "recommended": 1,
            "until": clock.now() + timedelta(hours=1),
            "then": "content-generation",
            "percentage": 40,
        }
    )


async def asked(client: httpx2.AsyncClient, system: System, clock: MovableClock, jobs: int = 1, **fields: Any) -> str:
    """A bulk of blogs of which so many jobs ask."""
    bulk_id = await submit_quick(client, pipeline="blog", **fields)
    for _ in range(jobs):
        await system.queue.finish(await claimed(system), asks(clock))
        clock.move(timedelta(seconds=1))
    return bulk_id


async def waiting(client: httpx2.AsyncClient) -> list[str]:
    return [one["job_id"] for one in (await get(client, "/api/selections"))["selections"]]


async def job_of(client: httpx2.AsyncClient, job_id: str) -> dict[str, Any]:
    job: dict[str, Any] = (await get(client, f"{JOBS}/{job_id}"))["job"]
    return job


@on_embedded
async def test_ideas_stand_side_by_side_and_the_recommended_one_is_marked(
    blogger: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    bulk_id = await asked(blogger, system, clock, 2, name="Spring")
    page = await shown(blogger, PAGE)
    told = words(page)
    for phrase in ("Topic 1", "Topic 2", "Idea 1", "Summary 2", "From above", "tea", "2 articles await your choice"):
        assert phrase in told
    assert told.count("Recommended") == 2
    assert "Idea 2 Recommended" in told
    assert "Take the recommended for all 2" in told
    assert (page.count(f"/bulks/{bulk_id}"), page.count("secret-hash")) == (1, 0)


@on_embedded
async def test_a_choice_without_scripts_leads_back_to_the_page(
    blogger: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    bulk_id = await asked(blogger, system, clock, 2)
    first, second = await waiting(blogger)
    answer = await sent(blogger, f"{PAGE}/{first}?bulk_job_id={bulk_id}", choice="3")
    assert answer.headers["location"] == f"{PAGE}?bulk_job_id={bulk_id}"
    chosen = (await job_of(blogger, first))["selection"]["chosen"]
    assert (chosen["choice"], chosen["by"]) == (2, OWNER)
    assert await waiting(blogger) == [second]


@on_embedded
async def test_a_choice_with_scripts_is_told_and_its_article_leaves(
    blogger: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    await asked(blogger, system, clock, 2)
    first, second = await waiting(blogger)
    answer = await pressed(blogger, f"{PAGE}/{first}", choice="1")
    assert "“Idea 1” was chosen for “Topic 1”." in words(answer)
    assert 'hx-target="#waiting"' in answer
    assert (f'id="job-{first}"' in answer, f'id="job-{second}"' in answer) == (False, True)


@on_embedded
async def test_an_idea_is_edited_before_it_is_chosen(
    blogger: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    await asked(blogger, system, clock)
    (job_id,) = await waiting(blogger)
    fields: dict[str, Any] = {
        "choice": "2",
        "edit": "yes",
        "title": "My own",
        "summary": "",
        "keywords": " tea , , cups ",
    }
    await sent(blogger, f"{PAGE}/{job_id}", **fields)
    chosen = (await job_of(blogger, job_id))["selection"]["chosen"]
    assert (chosen["choice"], chosen["edited"]) == (None, {"title": "My own", "keywords": ["tea", "cups"]})


@on_embedded
@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        ({"title": "  "}, {"title": "is required"}),
        ({"title": "t" * 2_001}, {"title": "must have at most 2000 characters"}),
        ({"title": "t", "angle": "a" * 2_001}, {"angle": "must have at most 2000 characters"}),
    ],
)
async def test_what_is_wrong_with_an_edited_idea_stands_beside_its_field_and_what_was_typed_is_kept(
    blogger: httpx2.AsyncClient, system: System, clock: MovableClock, fields: dict[str, str], faults: dict[str, str]
) -> None:
    await asked(blogger, system, clock)
    (job_id,) = await waiting(blogger)
    typed = {"choice": "3", "edit": "yes", "keywords": "kept words", **fields}
    whole = (await sent(blogger, f"{PAGE}/{job_id}", 400, **typed)).text
    parts = await pressed(blogger, f"{PAGE}/{job_id}", 400, **typed)
    for answer in (whole, parts):
        for name, message in faults.items():
            assert f'<a href="#{name}-3-{job_id}">' in answer
            assert f'id="{name}-3-{job_id}-told"' in answer
            assert message in words(answer)
        assert 'role="alert"' in answer
        assert 'value="kept words"' in answer
        assert answer.count("<details") == 3
        assert answer.count(" open>") == 1
    assert await waiting(blogger) == [job_id]


@on_embedded
@pytest.mark.parametrize("choice", ["", "0", "-1", "x", "1.0", "²", "9" * 30, "000001" + "9" * 5_000])
async def test_a_choice_that_is_none_is_refused_in_words(
    blogger: httpx2.AsyncClient, system: System, clock: MovableClock, choice: str
) -> None:
    await asked(blogger, system, clock)
    (job_id,) = await waiting(blogger)
    told = words(await pressed(blogger, f"{PAGE}/{job_id}", 400, choice=choice))
    assert "Choose one of the ideas." in told
    assert "That cannot be taken" in words((await sent(blogger, f"{PAGE}/{job_id}", 400, choice=choice)).text)
    assert await waiting(blogger) == [job_id]


@on_embedded
async def test_who_chooses_too_late_is_told_so(
    blogger: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    await asked(blogger, system, clock)
    (job_id,) = await waiting(blogger)
    await pressed(blogger, f"{PAGE}/{job_id}", choice="1")
    told = words(await pressed(blogger, f"{PAGE}/{job_id}", 409, choice="2"))
    assert "Another option was chosen before" in told


@on_embedded
@pytest.mark.parametrize("scripts", [True, False])
async def test_the_recommended_ones_of_a_bulk_are_taken_at_once(
    blogger: httpx2.AsyncClient, system: System, clock: MovableClock, scripts: bool
) -> None:
    bulk_id = await asked(blogger, system, clock, 3)
    url = f"{PAGE}/approve/{bulk_id}"
    if scripts:
        told = words(await pressed(blogger, url))
        assert "The recommended idea was taken for 3 articles." in told
        assert "Nothing to choose" in told
    else:
        assert (await sent(blogger, url)).headers["location"] == PAGE
    assert await waiting(blogger) == []


@on_embedded
async def test_the_page_shows_one_bulk_alone(blogger: httpx2.AsyncClient, system: System, clock: MovableClock) -> None:
    first = await asked(blogger, system, clock, name="First")
    await post(blogger, f"{BULKS}/{first}/pause")
    second = await asked(blogger, system, clock, 2, name="Second")
    assert "3 articles await your choice" in words(await shown(blogger, PAGE))
    told = words(await shown(blogger, PAGE, bulk_job_id=second))
    assert ("2 articles await your choice" in told, "of First" in told, "of Second" in told) == (True, False, True)


@on_embedded
async def test_what_somebody_else_is_asked_is_not_shown_and_cannot_be_chosen(
    blogger: httpx2.AsyncClient, system: System, clock: MovableClock, as_user: As
) -> None:
    bulk_id = await asked(blogger, system, clock)
    (job_id,) = await waiting(blogger)
    other = as_user("other")
    assert "Nothing to choose" in words(await shown(other, PAGE))
    await shown(other, PAGE, 404, bulk_job_id=bulk_id)
    await sent(other, f"{PAGE}/{job_id}", 404, choice="1")
    await sent(other, f"{PAGE}/approve/{bulk_id}", 404)
    assert await waiting(blogger) == [job_id]


@on_embedded
async def test_a_key_that_only_reads_sees_the_ideas_and_no_buttons(
    blogger: httpx2.AsyncClient, system: System, clock: MovableClock, with_key: WithKey
) -> None:
    await asked(blogger, system, clock, 2)
    (job_id, _) = await waiting(blogger)
    reader = await with_key(OWNER, Scope.READ)
    page = await shown(reader, PAGE)
    assert ("Idea 1" in page, "<button" in page.partition("<main")[2]) == (True, False)
    await sent(reader, f"{PAGE}/{job_id}", 403, choice="1")


@on_embedded
async def test_hostile_names_and_ideas_are_only_text(
    blogger: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    body = {"mode": "topic", "items": [{"topic": HOSTILE}] * 10, "pipeline": "blog", "name": HOSTILE}
    await post(blogger, BULKS, body)
    ideas = [{"title": HOSTILE, "keywords": HOSTILE, '"><b>': HOSTILE}] * 2
    await system.queue.finish(await claimed(system), asks(clock, ideas))
    page = await shown(blogger, PAGE)
    assert HOSTILE not in page
    assert HOSTILE in words(page)


@on_embedded
async def test_the_browser_is_answered_only_where_something_has_changed(
    blogger: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    await asked(blogger, system, clock)
    seen = mark_of(await shown(blogger, PAGE))
    ask = _asking(blogger)
    assert (await ask(seen)).status_code == 204
    await system.queue.finish(await claimed(system), asks(clock))
    answer = await ask(seen)
    assert answer.status_code == 200
    assert "2 articles await your choice" in words(answer.text)
    assert "data-announce>2 articles await your choice<" in answer.text
    assert (await ask(mark_of(answer.text))).status_code == 204


@pytest.mark.parametrize("query", [{"cursor": "x"}, {"cursor": "a" * 101}, {"bulk_job_id": "b" * 101}])
async def test_a_wrong_address_is_a_page_that_says_so(refusing: httpx2.AsyncClient, query: dict[str, str]) -> None:
    assert "That cannot be taken" in words(await shown(refusing, PAGE, 400, **query))


def _asking(client: httpx2.AsyncClient) -> Callable[[str], Any]:
    return lambda seen: client.get(f"{PAGE}/live", params={"seen": seen}, headers=HTMX)
