"""Bodies that are JSON but not what a route wants: each fault has its path, and nothing of them is stored."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from pydantic import ValidationError

from jobs.storage.store import Store
from service.rules.item_rules import RESERVED
from service.schemas.requests import MAX_FAULTS, BulkCreate
from tests.service.requesting import BULKS, JOBS, NOTHING, bulk, bulk_with, faults, refused, stored

COUNT = "Bulk generation requires 10-50 items"
LONG = 10**6

BAD_BULKS: list[tuple[Any, str]] = [
    ({"mode": "topic"}, "items"),
    ({"items": bulk()["items"]}, "mode"),
    (bulk(mode="poem"), "mode"),
    (bulk(mode="Topic"), "mode"),
    (bulk(mode=None), "mode"),
    (bulk(mode=["topic"]), "mode"),
    ({"mode": "topic", "items": {}}, "items"),
    ({"mode": "topic", "items": "ten"}, "items"),
    ({"mode": "topic", "items": None}, "items"),
    ({"mode": "topic", "items": [*bulk(9)["items"], "tea"]}, "items.9"),
    ({"mode": "topic", "items": [*bulk(9)["items"], None]}, "items.9"),
    ([], ""),
    ("tea", ""),
    (5, ""),
    (None, ""),
    (bulk(name=""), "name"),
    (bulk(name="   "), "name"),
    (bulk(name="n" * 201), "name"),
    (bulk(name=5), "name"),
    (bulk(tenant=""), "tenant"),
    (bulk(tenant={"a": 1}), "tenant"),
    (bulk(metadata=[]), "metadata"),
    (bulk(metadata={"a": "m" * 100_001}), "metadata"),
    (bulk(delay_seconds=-1), "delay_seconds"),
    (bulk(delay_seconds=3_601), "delay_seconds"),
    (bulk(delay_seconds="5"), "delay_seconds"),
    (bulk(delay_seconds=True), "delay_seconds"),
    (bulk(max_retries=21), "max_retries"),
    (bulk(max_retries=-1), "max_retries"),
    (bulk(max_retries=1.0), "max_retries"),
    (bulk(max_retries=False), "max_retries"),
    (bulk(max_retries=10**30), "max_retries"),
    (bulk(priority="urgent"), "priority"),
    (bulk(priority="High"), "priority"),
    (bulk(priority=-1), "priority"),
    (bulk(priority=100.5), "priority"),
    (bulk(priority=True), "priority"),
    (bulk(priority=[]), "priority"),
    (bulk(deadline="2099-01-01T00:00:00"), "deadline"),
    (bulk(deadline="9999-12-31T23:59:59-05:00"), "deadline"),
    (bulk(deadline="tomorrow"), "deadline"),
    (bulk(deadline=4_000_000_000), "deadline"),
    (bulk(parallelism=0), "parallelism"),
    (bulk(parallelism=1_001), "parallelism"),
    (bulk(parallelism=2.0), "parallelism"),
    (bulk(stagger_ms=-1), "stagger_ms"),
    (bulk(stagger_ms=60_001), "stagger_ms"),
    (bulk(stagger_ms="150"), "stagger_ms"),
    (bulk(budget=5), "budget"),
    (bulk(budget={}), "budget.cost"),
    (bulk(budget={"cost": 0}), "budget.cost"),
    (bulk(budget={"cost": "5"}), "budget.cost"),
    (bulk(budget={"cost": 0.05}), "budget.cost"),
    (bulk(budget={"cost": 5, "cost_per_job": 0}), "budget.cost_per_job"),
    (bulk(budget={"cost": 5, "cost_per_job": 5.5}), "budget.cost_per_job"),
    (bulk(budget={"cost": 5, "currency": "EUR"}), "budget.currency"),
    (bulk(failure_policy={}), "failure_policy"),
    (bulk(failure_policy={"min_items": 5}), "failure_policy"),
    (bulk(failure_policy={"max_failed_percent": 101}), "failure_policy.max_failed_percent"),
    (bulk(failure_policy={"max_failed_percent": -1}), "failure_policy.max_failed_percent"),
    (bulk(failure_policy={"max_failed_percent": 5, "min_items": 0}), "failure_policy.min_items"),
    (bulk(failure_policy={"canary": 0}), "failure_policy.canary"),
    (bulk(failure_policy="strict"), "failure_policy"),
    (bulk(frobnicate=1), "frobnicate"),
    (bulk(userId="someone"), "userId"),
    (bulk(status="completed"), "status"),
    (bulk(_id="x"), "_id"),
    (bulk(slots={}), "slots"),
    (bulk(schema=1), "schema"),
]

BAD_ITEMS: list[tuple[dict[str, Any], str]] = [
    ({}, "topic"),
    ({"topic": ""}, "topic"),
    ({"topic": " \n\t "}, "topic"),
    ({"topic": "\u2003\u3000"}, "topic"),
    ({"topic": 5}, "topic"),
    ({"topic": ["x"]}, "topic"),
    ({"topic": None}, "topic"),
    ({"topic": "t" * 2_001}, "topic"),
    ({"topic": "x", "word_count": 0}, "word_count"),
    ({"topic": "x", "word_count": 49}, "word_count"),
    ({"topic": "x", "word_count": LONG}, "word_count"),
    ({"topic": "x", "word_count": -300}, "word_count"),
    ({"topic": "x", "word_count": "300"}, "word_count"),
    ({"topic": "x", "word_count": 300.5}, "word_count"),
    ({"topic": "x", "word_count": True}, "word_count"),
    ({"topic": "x", "word_count": 2**62}, "word_count"),
    ({"topic": "x", "word_count": 2**64}, "word_count"),
    ({"topic": "x", "keywords": 5}, "keywords"),
    ({"topic": "x", "keywords": {}}, "keywords"),
    ({"topic": "x", "keywords": ""}, "keywords"),
    ({"topic": "x", "keywords": []}, "keywords"),
    ({"topic": "x", "keywords": ["k"] * 101}, "keywords"),
    ({"topic": "x", "keywords": ["k", ""]}, "keywords.1"),
    ({"topic": "x", "keywords": ["k", 5]}, "keywords.1"),
    ({"topic": "x", "tone": ""}, "tone"),
    ({"topic": "x", "language": "l" * 201}, "language"),
    ({"topic": "x", "brand_voice": "b" * 100_001}, "brand_voice"),
    ({"topic": "x", "page_type": "poster"}, "page_type"),
    ({"topic": "x", "target_url": "javascript:alert(1)"}, "target_url"),
    ({"topic": "x", "target_url": "https://a b"}, "target_url"),
    ({"topic": "x", "source_url": "https://" + "u" * 2_000}, "source_url"),
    ({"topic": "x", "metadata": {"sku_count": -1}}, "metadata.sku_count"),
    ({"topic": "x", "metadata": {"monthly_searches": "many"}}, "metadata.monthly_searches"),
    ({"topic": "x", "metadata": {"content_status": "old"}}, "metadata.content_status"),
    ({"topic": "x", "metadata": {"colour": "red"}}, "metadata.colour"),
    ({"topic": "x", "metadata": []}, "metadata"),
    ({"topic": "x", "dedupe": "yes"}, "dedupe"),
    ({"topic": "x", "dedupe": 1}, "dedupe"),
    ({"topic": "x", "extra": "e" * 100_001}, ""),
    ({"topic": "x", "e" * 101: 1}, "e" * 100),
]

NEEDED = [
    ("topic", {"keywords": "x"}, "topic"),
    ("keywords", {"topic": "x"}, "keywords"),
    ("trends", {"topic": "x", "region": "US"}, "trend"),
    ("spin", {"topic": "x"}, "source_text"),
    ("spin", {"source_text": ""}, "source_text"),
    ("spin", {"source_text": " \n "}, "source_text"),
]


@pytest.mark.parametrize(("body", "path"), BAD_BULKS)
async def test_a_wrong_field_of_a_bulk_is_named(
    refusing: httpx2.AsyncClient, empty_store: Store, body: Any, path: str
) -> None:
    assert faults(await refusing.post(BULKS, json=body)).keys() == {path}
    assert await stored(empty_store) == NOTHING


@pytest.mark.parametrize(("item", "path"), BAD_ITEMS)
async def test_a_wrong_field_of_an_item_is_named_with_its_place(
    refusing: httpx2.AsyncClient, empty_store: Store, item: dict[str, Any], path: str
) -> None:
    assert faults(await refusing.post(BULKS, json=bulk_with(item))).keys() == {f"items.3.{path}".rstrip(".")}
    assert faults(await refusing.post(JOBS, json={"mode": "topic", **item})).keys() == {path}
    assert await stored(empty_store) == NOTHING


@pytest.mark.parametrize(("mode", "item", "path"), NEEDED)
async def test_an_item_without_what_its_mode_needs_is_refused(
    refusing: httpx2.AsyncClient, empty_store: Store, mode: str, item: dict[str, Any], path: str
) -> None:
    assert faults(await refusing.post(BULKS, json=bulk_with(item, mode))).keys() == {f"items.3.{path}"}
    assert faults(await refusing.post(JOBS, json={"mode": mode, **item})).keys() == {path}
    assert await stored(empty_store) == NOTHING


@pytest.mark.parametrize("count", [0, 1, 9, 51, 1_000])
async def test_too_few_or_too_many_items_are_refused_in_the_applications_words(
    api: httpx2.AsyncClient, store: Store, count: int
) -> None:
    response = await api.post(BULKS, json=bulk(count))
    assert refused(response, 400) == COUNT
    assert faults(response) == {"items": f"has {count}"}
    assert await stored(store) == NOTHING


async def test_more_items_than_any_bulk_may_have_are_refused_for_their_count(
    refusing: httpx2.AsyncClient, empty_store: Store
) -> None:
    response = await refusing.post(BULKS, json={"mode": "topic", "items": [{"topic": "x"}] * 20_000})
    assert refused(response, 400) == COUNT
    assert faults(response) == {"items": "has more than 10000"}
    assert await stored(empty_store) == NOTHING


def test_of_a_flood_of_items_only_the_first_are_looked_at() -> None:
    with pytest.raises(ValidationError) as refusal:
        BulkCreate.model_validate({"mode": "topic", "items": [0] * 100_000})
    assert refusal.value.error_count() == MAX_FAULTS
    assert len(BulkCreate.model_validate({"mode": "topic", "items": [{}] * 100_000}).items or []) == 10_001


async def test_at_most_fifty_faults_are_told(refusing: httpx2.AsyncClient, empty_store: Store) -> None:
    for bad in ({"topic": 5, "tone": 5}, {"status": "x", "_id": "y"}):
        assert len(faults(await refusing.post(BULKS, json={"mode": "topic", "items": [bad] * 50}))) == 50
    assert await stored(empty_store) == NOTHING


@pytest.mark.parametrize("name", sorted(RESERVED | {"mode", "job_id"}))
async def test_an_item_cannot_set_a_field_of_pressruns_own(
    refusing: httpx2.AsyncClient, empty_store: Store, name: str
) -> None:
    for value in ("completed", None, 1):
        found = faults(await refusing.post(BULKS, json=bulk_with({"topic": "x", name: value})))
        assert found.keys() == {f"items.3.{name}"}
    assert await stored(empty_store) == NOTHING


async def test_the_reserved_names_are_the_fields_of_a_stored_job(api: httpx2.AsyncClient, store: Store) -> None:
    assert (await api.post(BULKS, json=bulk_with({"topic": "x"}))).status_code == 200
    job = await store.collection("generation_jobs").find_one({})
    assert job is not None
    assert job.keys() - {"topic", "language", "params"} <= RESERVED


async def test_nothing_of_any_refused_body_is_stored(api: httpx2.AsyncClient, store: Store) -> None:
    """Both stores, with a key each: what is refused is not kept for a repeat either."""
    bodies = [body for body, _ in BAD_BULKS] + [bulk_with(item) for item, _ in BAD_ITEMS]
    for number, body in enumerate(bodies):
        refused(await api.post(BULKS, json=body, headers={"Idempotency-Key": f"k{number}"}), 400)
    assert await stored(store) == NOTHING
