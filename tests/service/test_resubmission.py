"""From a request to a stored bulk and back: what comes out would be the same bulk again."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from jobs.callers.keys import Scope
from jobs.documents import BulkId, parse_id
from jobs.pipelines import BUILT_IN
from jobs.system import System
from service.app import create_app
from service.auth.caller import Caller
from service.rules.bulk_rules import BulkRules
from service.rules.request_rules import bulk_request
from service.rules.resubmission import again, bulk_body
from service.rules.submission import body_read
from tests.service.requesting import BULKS, ENDPOINTS, OWNER, bulk, on_embedded, post, settings
from tests.support.clock import MovableClock

PIPELINES = {pipeline.name: pipeline for pipeline in BUILT_IN}
WHOLE_ITEM = {
    "topic": "Tee ☕", "keywords": ["a", "b"], "region": "DE", "word_count": 700, "tone": "warm", "language": "de",
    "brand_voice": "calm", "page_type": "product", "target_url": "https://example.com/x", "external_id": "SKU 1",
    "dedupe": True, "metadata": {"sku_count": 2_000, "monthly_searches": 5, "content_status": "missing"},
    "context": "c", "components": ["title", "intro"], "skip_quality_check": True, "own": {"deep": [1, 2.5, None, "x"]},
    "idea": {"title": "t", "keywords": "one, two"},
}  # fmt: skip
SETTINGS = {
    "name": "Spring", "tenant": "shop", "metadata": {"a": [1, {"b": None}]}, "delay_seconds": 1.5, "max_retries": 0,
    "priority": 7.5, "parallelism": 3, "stagger_ms": 20, "deadline": "2026-12-01T10:00:00.000Z",
    "budget": {"cost": 9.5, "cost_per_job": 0.5}, "failure_policy": {"max_failed_percent": 5.0, "min_items": 10},
    "pipeline": "article", "options": {"skip_quality_check": True},
}  # fmt: skip
TEXT = {"text": "A long text.", "title": "Talk"}
LEVELS = [{"template": "faq", "verbosity": ["short", "long"]}, {"template": "summary"}]
WHOLE: dict[str, dict[str, Any]] = {
    "everything": {"mode": "topic", "items": [{**WHOLE_ITEM, "idea": "an idea"}] * 10, **SETTINGS},
    "keywords": bulk() | {"mode": "keywords", "items": [{"keywords": "one, two", "language": "en"}] * 10},
    "trends": bulk() | {"mode": "trends", "items": [{"trend": "x", "region": "US", "language": "en"}] * 10},
    "spin": bulk() | {"mode": "spin", "items": [{"source_url": "https://example.com/a", "language": "en"}] * 10},
    "text": bulk() | {"mode": "spin", "items": [{"source_text": " kept as it is\n", "language": "en"}] * 10},
    "blog": bulk() | {"pipeline": "blog", "options": {"ideas": 3, "select_within_hours": None, "image": True}},
    "formats": {"pipeline": "formats", "source": TEXT, "templates": LEVELS, "processing_mode": "fast"},
    "one format": {"pipeline": "formats", "source": {"url": "https://example.com/v"}, "templates": [{"template": "a"}]},
    "hours": bulk() | {"run_between": {"from": "22:00", "to": "06:00", "time_zone": "Europe/Berlin"}},
    "canary": bulk() | {"failure_policy": {"canary": 2, "min_items": 4}, "budget": {"cost": 1.0}},
}


@pytest.fixture
def rules(system: System) -> BulkRules:
    found: BulkRules = create_app(settings(**ENDPOINTS), system).state.rules
    return found


async def body_of_stored(system: System, bulk_id: str) -> dict[str, Any]:
    stored = await system.lookup.bulk(OWNER, BulkId(parse_id(bulk_id, "bulk job")))
    return bulk_body(stored, await system.submitted.items(stored))


@pytest.mark.parametrize("body", WHOLE.values(), ids=WHOLE)
async def test_a_bulk_comes_back_as_a_request_for_the_same_bulk(
    blogger: httpx2.AsyncClient, system: System, rules: BulkRules, clock: MovableClock, body: dict[str, Any]
) -> None:
    first = await body_of_stored(system, (await post(blogger, BULKS, body))["bulk_job_id"])
    assert bulk_request(body_read(first), rules, PIPELINES) == bulk_request(body_read(body), rules, PIPELINES)
    clock.move(timedelta(minutes=1))
    second = await body_of_stored(system, (await post(blogger, BULKS, json.loads(json.dumps(first))))["bulk_job_id"])
    assert second == first
    assert {name: first[name] for name in body if name not in ("items", "budget")} == {
        name: body[name] for name in body if name not in ("items", "budget")
    }


@on_embedded
async def test_a_request_with_everything_comes_back_to_the_letter(blogger: httpx2.AsyncClient, system: System) -> None:
    for name in ("everything", "formats"):
        body = WHOLE[name]
        found = await body_of_stored(system, (await post(blogger, BULKS, body))["bulk_job_id"])
        assert {name: found[name] for name in body} == body
        assert found.keys() - body.keys() <= {"delay_seconds", "max_retries", "parallelism", "stagger_ms"}


@on_embedded
async def test_a_priority_that_was_computed_is_computed_again(
    api: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    far = bulk(deadline="2100-01-01T00:00:00.000Z")
    for body, expected in ((far, None), (bulk(priority="high"), 3.0), (bulk(priority=0), 0.0)):
        found = await body_of_stored(system, (await post(api, BULKS, body))["bulk_job_id"])
        assert found.get("priority") == expected


@on_embedded
async def test_a_bulk_of_more_items_than_are_read_at_once_comes_back_in_order(
    system: System, monkeypatch: pytest.MonkeyPatch, api: httpx2.AsyncClient
) -> None:
    monkeypatch.setattr("jobs.submitted.BATCH", 4)
    for count in (10, 12):
        found = await body_of_stored(system, (await post(api, BULKS, bulk(count)))["bulk_job_id"])
        assert [item["topic"] for item in found["items"]] == [f"Topic {n}" for n in range(1, count + 1)]


@on_embedded
async def test_an_article_comes_back_as_an_article(
    blogger: httpx2.AsyncClient, system: System, rules: BulkRules
) -> None:
    body = {"mode": "topic", "pipeline": "blog", "options": {"ideas": 2}, "topic": "tea", "language": "en", "own": [1]}
    bulk_id = (await post(blogger, "/api/jobs", body))["bulk_job_id"]
    stored = await system.lookup.bulk(OWNER, BulkId(parse_id(bulk_id, "bulk job")))
    job, request = await again(stored, Caller(OWNER, Scope.WRITE), system, rules)
    assert job.model_dump(mode="json", exclude_unset=True) == body
    assert (request.kind, request.pipeline.name, len(request.items)) == ("single", "blog", 1)
