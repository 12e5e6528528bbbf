"""Submitting a bulk or one article: what is answered, what is stored, and that validate stores nothing."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import pytest
from bson import ObjectId

from jobs.storage.embedded.store import EmbeddedStore
from jobs.storage.store import Store
from tests.service.conftest import As
from tests.service.requesting import BULKS, JOBS, NOTHING, bulk, bulk_with, get, on_embedded, post, refused, stored

EVERY_FIELD = {
    "topic": "Größe 😀",
    "keywords": ["one", "two"],
    "region": "DE",
    "word_count": 10_000,
    "tone": "warm",
    "language": "de",
    "brand_voice": "plain",
    "page_type": "category",
    "target_url": "https://shop.example/x?y#z",
    "external_id": "sku-1",
    "dedupe": True,
    "metadata": {"sku_count": 0, "monthly_searches": 9_000_000_000, "content_status": "missing"},
    "context": "more",
}


async def test_a_bulk_is_queued_and_answered_as_the_application_answers(api: httpx2.AsyncClient, store: Store) -> None:
    answer = await post(api, BULKS, bulk(10))
    assert re.fullmatch("[0-9a-f]{24}", answer.pop("bulk_job_id"))
    assert answer == {"success": True, "total_items": 10, "message": "Bulk generation queued"}
    assert await stored(store) == {"bulk_jobs": 1, "generation_jobs": 10, "creations": 0}


@pytest.mark.parametrize("count", [10, 50])
@on_embedded
async def test_as_many_items_as_the_limits_allow_are_taken(api: httpx2.AsyncClient, store: Store, count: int) -> None:
    assert (await post(api, BULKS, bulk(count)))["total_items"] == count
    assert (await stored(store))["generation_jobs"] == count


async def test_jobs_are_stored_in_the_order_of_the_items(api: httpx2.AsyncClient, store: Store) -> None:
    await post(api, BULKS, bulk(12))
    jobs = await store.collection("generation_jobs").find({}, sort=[("queue_position", 1)])
    assert [job["topic"] for job in jobs] == [f"Topic {n}" for n in range(1, 13)]
    assert [job["queue_position"] for job in jobs] == list(range(1, 13))


async def test_settings_of_a_bulk_are_kept_and_shown(api: httpx2.AsyncClient) -> None:
    extra = {"a": [1, {"b": None}]}
    given: dict[str, Any] = {
        "name": "Spring",
        "tenant": "shop",
        "metadata": extra,
        "delay_seconds": 0.5,
        "max_retries": 0,
        "parallelism": 1000,
        "stagger_ms": 0,
        "priority": "high",
        "deadline": "2099-12-31T23:00:00.000Z",
        "failure_policy": {"max_failed_percent": 12.5, "min_items": 3, "canary": 2},
    }
    bulk_id = (await post(api, BULKS, bulk(10, **given)))["bulk_job_id"]
    shown = (await get(api, f"{BULKS}/{bulk_id}"))["bulk_job"]
    assert {name: shown[name] for name in given} == given


async def test_what_a_bulk_does_not_say_comes_from_the_settings(api: httpx2.AsyncClient) -> None:
    bulk_id = (await post(api, BULKS, bulk(10, name=None, priority=None, budget=None)))["bulk_job_id"]
    shown = (await get(api, f"{BULKS}/{bulk_id}"))["bulk_job"]
    expected = {
        "name": None,
        "tenant": "owner",
        "metadata": None,
        "delay_seconds": 5,
        "max_retries": 2,
        "parallelism": 1,
        "stagger_ms": 150,
        "priority": "low",
        "deadline": None,
        "budget": None,
        "failure_policy": None,
    }
    assert {name: shown[name] for name in expected} == expected


async def test_declared_fields_of_an_item_stand_in_its_job_and_others_in_params(
    api: httpx2.AsyncClient, store: Store
) -> None:
    await post(api, BULKS, bulk_with({**EVERY_FIELD, "anything": {"else": [1.5, True, None]}, "seo": ""}))
    job = await store.collection("generation_jobs").find_one({"queue_position": 4})
    assert job is not None
    assert {name: job[name] for name in EVERY_FIELD} == EVERY_FIELD
    assert job["params"] == {"anything": {"else": [1.5, True, None]}, "seo": ""}


@pytest.mark.parametrize(
    ("mode", "item"),
    [
        ("topic", {"topic": "t"}),
        ("keywords", {"keywords": "one, two"}),
        ("keywords", {"keywords": ["one", "two"]}),
        ("trends", {"trend": "t", "region": "US"}),
        ("spin", {"source_text": "t"}),
        ("spin", {"source_url": "https://example.com/a"}),
    ],
)
@on_embedded
async def test_each_mode_takes_the_field_it_needs(api: httpx2.AsyncClient, mode: str, item: dict[str, Any]) -> None:
    await post(api, BULKS, {"mode": mode, "items": [item] * 10})


@on_embedded
async def test_space_around_short_texts_is_not_kept(api: httpx2.AsyncClient, store: Store) -> None:
    await post(api, BULKS, bulk_with({"topic": "  tea \n", "tone": " warm"}))
    job = await store.collection("generation_jobs").find_one({"queue_position": 4})
    assert job is not None
    assert (job["topic"], job["tone"], job["language"]) == ("tea", "warm", "en")


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
@on_embedded
async def test_json_is_taken_however_its_type_is_written(api: httpx2.AsyncClient, content_type: str) -> None:
    content = '{"mode":"topic","items":[' + ",".join(['{"topic":"é😀"}'] * 10) + "]}"
    response = await api.post(BULKS, content=content.encode(), headers={"Content-Type": content_type})
    assert response.status_code == 200, response.text


async def test_an_owner_with_an_object_id_is_stored_as_one(as_user: As, store: Store) -> None:
    name = "665f1c2ab4d1e0a1b2c3d4e5"
    bulk_id = (await post(as_user(name), BULKS, bulk()))["bulk_job_id"]
    found = await store.collection("bulk_jobs").find_one({"_id": ObjectId(bulk_id)})
    assert found is not None
    assert found["userId"] == ObjectId(name)
    assert (await get(as_user(name), f"{BULKS}/{bulk_id}"))["bulk_job"]["userId"] == name


async def test_validate_of_a_good_body_stores_nothing(api: httpx2.AsyncClient, store: Store) -> None:
    assert await post(api, f"{BULKS}/validate", bulk()) == {"valid": True, "errors": [], "estimate": None}
    assert await stored(store) == NOTHING


async def test_validate_names_each_fault_and_stores_nothing(api: httpx2.AsyncClient, store: Store) -> None:
    body = bulk(10, pipeline="blog") | {"items": [{"topic": "x", "status": "completed"}, {}, *[{"topic": "x"}] * 8]}
    answer = await post(api, f"{BULKS}/validate", body)
    assert (answer["valid"], answer["estimate"]) == (False, None)
    assert [fault["path"] for fault in answer["errors"]] == ["pipeline", "items.0.status", "items.1.topic"]
    assert await stored(store) == NOTHING


@on_embedded
async def test_validate_says_the_same_as_submit(api: httpx2.AsyncClient) -> None:
    wrong: list[Any] = [bulk(9), "tea", [], {}, {"mode": "x"}, bulk(nope=1), bulk_with({"topic": 5, "word_count": 1})]
    for body in wrong:
        told = (await post(api, f"{BULKS}/validate", body))["errors"]
        assert told == (await api.post(BULKS, json=body)).json()["details"]


async def test_one_article_is_a_bulk_of_one(api: httpx2.AsyncClient, store: Store) -> None:
    answer = await post(api, JOBS, {"mode": "topic", "topic": "tea", "word_count": 300, "extra": 1})
    assert answer.keys() == {"success", "job_id", "bulk_job_id"}
    job = await store.collection("generation_jobs").find_one({"_id": ObjectId(answer["job_id"])})
    assert job is not None
    assert (job["topic"], job["word_count"], job["mode"], job["params"]) == ("tea", 300, "topic", {"extra": 1})
    shown = await get(api, f"{BULKS}/{answer['bulk_job_id']}")
    assert (shown["bulk_job"]["kind"], shown["bulk_job"]["total_items"]) == ("single", 1)
    assert [row["id"] for row in shown["jobs"]] == [answer["job_id"]]


@pytest.fixture
def small_store() -> EmbeddedStore:
    return EmbeddedStore.in_memory(max_live_jobs=15)


@pytest.mark.parametrize("store", ["small"], indirect=True)
async def test_a_full_embedded_store_refuses_a_bulk_with_a_sentence_and_stores_nothing_of_it(
    small_store: EmbeddedStore, api: httpx2.AsyncClient
) -> None:
    await post(api, BULKS, bulk(10))
    before = await stored(small_store)
    response = await api.post(BULKS, json=bulk(10), headers={"Idempotency-Key": "k"})
    sentence = "The embedded store takes up to 15 live jobs and has 10: let some end, or use MongoDB."
    assert refused(response, 409) == sentence
    assert await stored(small_store) == before
    await post(api, JOBS, {"mode": "topic", "topic": "there is room for this"})
