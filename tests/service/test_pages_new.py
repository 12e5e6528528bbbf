"""The pages of a new bulk and of a single article: pasted lines, settings, faults beside their fields, sent once."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from jobs.callers.keys import Scope
from jobs.storage.store import Document, Store
from service.pages.pasted import as_lines, items_in
from tests.service.conftest import WithKey
from tests.service.page_forms import look, send, shown, went_to
from tests.service.requesting import BULKS, JOBS, NOTHING, get, on_embedded, stored

NEW = "/bulks/new"
SINGLE = "/jobs/new"
HOSTILE = "<script>alert(1)</script>"
B = "https://b.example"
LINES = "\n".join(f"Topic {n}" for n in range(1, 11))


async def jobs_in(store: Store) -> list[Document]:
    return await store.collection("generation_jobs").find({}, sort=[("queue_position", 1)])


@on_embedded
async def test_pasted_lines_are_submitted_as_a_bulk(api: httpx2.AsyncClient, store: Store) -> None:
    page = await look(api, NEW)
    response = await send(api, NEW, page.fields, lines=f"\n{LINES}\n\n", name="Spring", word_count="300", do="submit")
    bulk_id = went_to(response).removeprefix("/bulks/")
    bulk = (await get(api, f"{BULKS}/{bulk_id}"))["bulk_job"]
    assert (bulk["name"], bulk["mode"], bulk["pipeline"], bulk["total_items"]) == ("Spring", "topic", "article", 10)
    jobs = await jobs_in(store)
    assert [(job["topic"], job["word_count"]) for job in jobs] == [(f"Topic {n}", 300) for n in range(1, 11)]


@on_embedded
async def test_all_settings_of_the_page_reach_the_bulk(api: httpx2.AsyncClient) -> None:
    settings = {
        "tenant": "shop-1",
        "delay_seconds": "2.5",
        "parallelism": "2",
        "stagger_ms": "0",
        "max_retries": "0",
        "priority": "high",
        "deadline": "2040-05-01T12:30",
        "deadline_offset": "+02:00",
        "budget.cost": "20",
        "budget.cost_per_job": "0.5",
        "failure_policy.canary": "3",
        "failure_policy.max_failed_percent": "12.5",
        "failure_policy.min_items": "4",
        "options.skip_quality_check": "yes",
    }
    page = await look(api, NEW)
    response = await send(api, NEW, page.fields | settings, lines=LINES, do="submit")
    bulk = (await get(api, f"{BULKS}/{went_to(response).removeprefix('/bulks/')}"))["bulk_job"]
    assert (bulk["tenant"], bulk["delay_seconds"], bulk["parallelism"]) == ("shop-1", 2.5, 2)
    assert (bulk["stagger_ms"], bulk["max_retries"], bulk["priority"]) == (0, 0, "high")
    assert bulk["deadline"] == "2040-05-01T10:30:00.000Z"
    assert bulk["budget"] == {"cost": 20, "cost_per_job": 0.5, "left": 20}
    assert bulk["failure_policy"] == {"max_failed_percent": 12.5, "min_items": 4, "canary": 3}
    assert bulk["options"] == {"skip_quality_check": True}


@pytest.mark.parametrize(
    ("mode", "lines", "items"),
    [
        ("keywords", "tea, green tea\ncoffee", [{"keywords": ["tea", "green tea"]}, {"keywords": ["coffee"]}]),
        ("trends", "AI\n Solar ", [{"trend": "AI"}, {"trend": "Solar"}]),
        ("spin", "https://a.example/1\nhttps://b.example", [{"source_url": "https://a.example/1"}, {"source_url": B}]),
        ("spin", "One text\nof two lines", [{"source_text": "One text\nof two lines"}]),
        ("spin", "1\n---\n\n2\nmore\n---\n" + B, [{"source_text": "1"}, {"source_text": "2\nmore"}, {"source_url": B}]),
        ("topic", "One\n---\nTwo", [{"topic": "One"}, {"topic": "---"}, {"topic": "Two"}]),
        ("spin", " \n---\n ", []),
    ],
)  # fmt: skip
def test_lines_are_read_as_their_mode_wants(mode: str, lines: str, items: list[dict[str, Any]]) -> None:
    assert items_in(lines, mode).items == items


def test_each_article_knows_the_line_that_it_begins_in() -> None:
    assert items_in("One\n\nTwo\n", "topic").lines == [1, 3]
    assert items_in("\nOne\nmore\n---\n\nTwo", "spin").lines == [2, 6]


@pytest.mark.parametrize(
    ("mode", "items"),
    [
        ("topic", [{"topic": "One", "word_count": 300}, {"topic": "Two", "word_count": 300}]),
        ("keywords", [{"keywords": ["a", "b"]}, {"keywords": ["c"]}]),
        ("spin", [{"source_text": "One\nmore"}, {"source_url": "https://a.example"}]),
    ],
)
def test_articles_that_say_no_more_than_lines_can_are_lines_again(mode: str, items: list[dict[str, Any]]) -> None:
    told = as_lines(items, mode)
    assert told is not None
    text, common = told
    assert [{**item, **common} for item in items_in(text, mode).items] == items


@pytest.mark.parametrize(
    ("mode", "items"),
    [
        ("topic", [{"topic": "One", "tone": "warm"}, {"topic": "Two"}]),
        ("topic", [{"topic": "One", "external_id": "7"}]),
        ("topic", [{"topic": "One\nmore"}]),
        ("keywords", [{"keywords": ["a, b"]}]),
        ("spin", [{"source_text": "---"}]),
    ],
)
def test_articles_that_say_more_are_not_made_lines(mode: str, items: list[dict[str, Any]]) -> None:
    assert as_lines(items, mode) is None


@on_embedded
async def test_checking_stores_nothing_and_tells_what_is_there(api: httpx2.AsyncClient, store: Store) -> None:
    page = await look(api, NEW)
    checked = shown(await send(api, NEW, page.fields, lines=LINES, do="check"))
    assert "10 articles: nothing is wrong with them." in checked.words
    assert checked.fields["lines"] == LINES
    assert await stored(store) == NOTHING
    assert went_to(await send(api, NEW, checked.fields, do="submit")).startswith("/bulks/")


@on_embedded
async def test_faults_stand_beside_their_fields_and_what_was_typed_is_kept(
    api: httpx2.AsyncClient, store: Store
) -> None:
    page = await look(api, NEW)
    wrong = {"budget.cost": "much", "failure_policy.min_items": "3", "name": HOSTILE}
    for do in ("check", "submit"):
        response = await send(api, NEW, page.fields | wrong, lines=LINES, word_count="20", do=do)
        told = shown(response, 400)
        assert "Words: must be greater than or equal to 50" in told.words
        assert "May cost, in all: must be a valid number" in told.words
        assert told.links["Words: must be greater than or equal to 50"] == "#word_count"
        assert 'name="word_count" type="number" value="20" aria-describedby="word_count-told" aria-invalid="true"' in (
            response.text
        )
        assert response.text.count("must be greater than or equal to 50") == 1, "not once for each article"
        assert {told.fields[name] for name in wrong} == set(wrong.values())
        assert HOSTILE not in response.text
    assert await stored(store) == NOTHING


@on_embedded
async def test_a_line_that_is_wrong_is_named(api: httpx2.AsyncClient) -> None:
    page = await look(api, NEW)
    lines = LINES.replace("Topic 4", f"\n\n{'x' * 2_001}")
    told = shown(await send(api, NEW, page.fields, lines=lines, do="check"), 400)
    assert "Line 6, Topic: must have at most 2000 characters" in told.words


@on_embedded
async def test_the_count_of_articles_is_told_with_its_limits(api: httpx2.AsyncClient) -> None:
    page = await look(api, NEW)
    told = shown(await send(api, NEW, page.fields, lines="One\nTwo", do="check"), 400)
    assert "Articles: there are 2, and a bulk takes 10 to 50" in told.words
    told = shown(await send(api, NEW, page.fields, lines=" \n", do="submit"), 400)
    assert "Articles: write one article a line" in told.words


@on_embedded
async def test_a_page_that_is_sent_twice_makes_one_bulk(api: httpx2.AsyncClient, store: Store) -> None:
    page = await look(api, NEW)
    first = went_to(await send(api, NEW, page.fields, lines=LINES, do="submit"))
    assert went_to(await send(api, NEW, page.fields, lines=LINES, do="submit")) == first
    assert (await stored(store))["bulk_jobs"] == 1
    assert went_to(await send(api, NEW, page.fields, lines=f"{LINES} more", do="submit")) != first
    again = await look(api, NEW)
    assert went_to(await send(api, NEW, again.fields, lines=LINES, do="submit")) != first


@on_embedded
async def test_options_of_another_pipeline_and_fields_of_another_mode_are_not_heeded(
    api: httpx2.AsyncClient, store: Store
) -> None:
    page = await look(api, NEW)
    hidden = {"options.ideas": "3", "options.select_within_hours": "never", "region": "US"}
    went_to(await send(api, NEW, page.fields | hidden, lines=LINES, do="submit"))
    assert "region" not in (await jobs_in(store))[0]
    assert (await get(api, BULKS))["bulk_jobs"][0]["options"] == {}


@on_embedded
async def test_a_blog_takes_its_options(blogger: httpx2.AsyncClient) -> None:
    page = await look(blogger, NEW)
    options = {"options.ideas": "3", "options.select_within_hours": "never", "options.image": "no"}
    went_to(await send(blogger, NEW, page.fields | options, pipeline="blog", lines=LINES, do="submit"))
    [bulk] = (await get(blogger, BULKS))["bulk_jobs"]
    assert (bulk["pipeline"], bulk["options"]) == ("blog", {"ideas": 3, "select_within_hours": None, "image": False})


@on_embedded
@pytest.mark.parametrize("url", [NEW, SINGLE])
async def test_who_may_only_read_is_told_so(with_key: WithKey, url: str) -> None:
    reader = await with_key(scope=Scope.READ)
    for response in (await reader.get(url, headers={"Accept": "text/html"}), await send(reader, url, {})):
        assert "This needs the scope write" in shown(response, 403).words


@on_embedded
async def test_a_single_article_is_submitted_once(api: httpx2.AsyncClient, store: Store) -> None:
    page = await look(api, SINGLE)
    fields = page.fields | {"topic": "Tea", "keywords": "green, black", "word_count": "500", "context": "Facts.\nMore."}
    first = went_to(await send(api, SINGLE, fields))
    assert went_to(await send(api, SINGLE, fields)) == first
    job = (await get(api, f"{JOBS}/{first.removeprefix('/jobs/')}"))["job"]
    assert (job["topic"], job["keywords"], job["word_count"]) == ("Tea", ["green", "black"], 500)
    [stored_job] = await jobs_in(store)
    assert stored_job["context"] == "Facts.\nMore."


@on_embedded
@pytest.mark.parametrize(
    ("mode", "fields", "kept"),
    [
        ("keywords", {"keywords": "a, b", "topic": "hidden"}, {"keywords": ["a", "b"]}),
        ("trends", {"trend": "AI", "region": "US"}, {"trend": "AI", "region": "US"}),
        ("spin", {"source_text": "Long ago.", "keywords": "hidden"}, {"source_text": "Long ago."}),
        ("spin", {"source_url": "https://a.example/", "source_text": "x"}, {"source_url": "https://a.example/"}),
    ],
)
async def test_a_single_article_of_each_mode_has_its_own_fields(
    api: httpx2.AsyncClient, store: Store, mode: str, fields: dict[str, str], kept: dict[str, Any]
) -> None:
    page = await look(api, SINGLE)
    went_to(await send(api, SINGLE, page.fields | fields, mode=mode))
    [job] = await jobs_in(store)
    about = ("topic", "keywords", "trend", "region", "source_text", "source_url")
    assert {name: job[name] for name in about if name in job} == kept


@on_embedded
async def test_a_single_article_that_is_wrong_is_shown_again(api: httpx2.AsyncClient, store: Store) -> None:
    page = await look(api, SINGLE)
    response = await send(api, SINGLE, page.fields, word_count="1", tone=HOSTILE)
    told = shown(response, 400)
    assert "Words: must be greater than or equal to 50" in told.words
    assert HOSTILE not in response.text
    assert told.fields["tone"] == HOSTILE
    assert "Topic: is required in mode topic (topic)" in shown(await send(api, SINGLE, page.fields), 400).words
    assert await stored(store) == NOTHING


@on_embedded
async def test_parts_of_an_article_are_ticked(blogger: httpx2.AsyncClient, store: Store) -> None:
    page = await look(blogger, SINGLE)
    ticked = {"component.title": "on", "component.faq": "on"}
    went_to(await send(blogger, SINGLE, page.fields | ticked, topic="Tea"))
    assert (await jobs_in(store))[0]["components"] == ["title", "faq"]
