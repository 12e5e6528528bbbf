"""JSON bodies that were right before something in them was changed: taken, or refused with a sentence."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.budget import tried
from tests.fuzz.mutating import damaged, mutated
from tests.fuzz.world import LOCAL, World
from tests.service.requesting import JSON, bulk, refused

FULL = bulk(
    name="Teas",
    tenant="shop",
    priority="high",
    metadata={"campaign": {"of": ["spring"]}},
    parallelism=2,
    delay_seconds=1.5,
    stagger_ms=10,
    max_retries=1,
    deadline="2030-01-01T00:00:00Z",
    budget={"cost": 10, "cost_per_job": 0.5},
    failure_policy={"max_failed_percent": 20, "min_items": 3, "canary": 2},
    notify={"webhook_url": LOCAL, "progress": [25, 50]},
    run_between={"from": "22:00", "to": "06:00", "time_zone": "Europe/Berlin"},
    options={"skip_quality_check": True},
)
FULL["items"][0] |= {
    "word_count": 500,
    "keywords": ["green", "tea"],
    "components": ["title", "intro"],
    "page_type": "product",
    "target_url": "https://example.com/tea",
    "metadata": {"sku_count": 5, "monthly_searches": 100, "content_status": "missing"},
    "own": {"of": ["the team"]},
}
BLOG = bulk(pipeline="blog", options={"ideas": 3, "select_within_hours": 5, "image": True, "publish_to": "site"})
BLOG["items"][0]["idea"] = {"title": "A", "summary": "s", "angle": "a", "keywords": ["k"]}
PLAN = {
    "name": "Weekly",
    "cron": "0 6 * * 1",
    "time_zone": "Europe/Berlin",
    "missed": "skip",
    "run_between": {"from": "22:00", "to": "06:00"},
}
FORMATS = {
    "pipeline": "formats",
    "source": {"text": "Long ago.", "title": "Tea"},
    "templates": ["faq", {"template": "summary", "verbosity": ["short", "long"]}],
}
SPIN = {"mode": "spin", "source_url": LOCAL, "language": "en", "tone": "dry"}
EVENTS = ["bulk.completed", "job.failed"]


@dataclass(frozen=True)
class Right:
    method: str
    path: str
    body: Any


RIGHT = {
    "a bulk": Right("POST", "/api/bulk-generate", FULL),
    "a bulk of blogs": Right("POST", "/api/bulk-generate", BLOG),
    "formats": Right("POST", "/api/bulk-generate", FORMATS),
    "a bulk that is tried": Right("POST", "/api/bulk-generate/validate", FULL),
    "an article": Right("POST", "/api/jobs", SPIN),
    "a change": Right(
        "PATCH",
        "/api/bulk-generate/{bulk_id}",
        {"name": "n", "priority": 3, "parallelism": 2, "stagger_ms": 5, "budget": {"cost": 1}, "notify": None},
    ),
    "a pause": Right(
        "POST", "/api/bulk-generate/{bulk_id}/pause", {"mode": "abort", "reason": "r", "until": "2030-01-01T00:00:00Z"}
    ),
    "a retry": Right("POST", "/api/jobs/{job_id}/retry", {"from_stage": "post-processing"}),
    "a choice": Right("POST", "/api/jobs/{job_id}/select", {"edited": {"title": "T", "keywords": ["k"]}}),
    "an approval": Right("POST", "/api/selections/approve", {"bulk_job_id": "{bulk_id}"}),
    "limits": Right(
        "PATCH", "/api/limits", {"max_running": 3, "cost_per_day": 5.5, "parallel": 50, "requests_per_minute": 20}
    ),
    "limits of a tenant": Right("PATCH", "/api/limits/tenants/{tenant}", {"weight": 2, "max_running": 3}),
    "a webhook": Right("POST", "/api/webhooks", {"url": LOCAL, "events": EVENTS, "description": "d"}),
    "a webhook's change": Right("PATCH", "/api/webhooks/{endpoint_id}", {"events": EVENTS, "enabled": True}),
    "a replay": Right(
        "POST",
        "/api/webhooks/{endpoint_id}/replay",
        {"since": "2026-01-01T00:00:00Z", "until": "2030-01-01T00:00:00Z", "only_failed": False},
    ),
    "a key": Right("POST", "/api/keys", {"name": "n", "scope": "write", "expires_days": 30}),
    "a target": Right("POST", "/api/targets", {"name": "other", "url": LOCAL}),
    "a template": Right("POST", "/api/templates", {"name": "Another", "request": FULL}),
    "a template's change": Right("PATCH", "/api/templates/{template_id}", {"name": "New", "request": FORMATS}),
    "a schedule's change": Right("PATCH", "/api/schedules/{schedule_id}", PLAN),
    "a template submitted": Right("POST", "/api/templates/{template_id}/submit", {"name": "S", "items": FULL["items"]}),
    "notices": Right("POST", "/api/notifications/read", {"ids": ["a-1-completed"], "up_to": "2030-01-01T00:00:00Z"}),
    "mail": Right("PUT", "/api/notifications/preferences", {"email": None, "at_once": EVENTS, "daily": []}),
}


def addressed(right: Right, world: World) -> tuple[str, Any]:
    there = {name: values[0] for name, values in world.known.items()}
    body = json.loads(json.dumps(right.body).replace("{bulk_id}", there["bulk_id"]))
    return right.path.format(**there), body


def check(answer: httpx2.Response) -> None:
    if answer.status_code != 200:
        assert answer.status_code in (400, 404, 409), answer.text
        refused(answer, answer.status_code)


@pytest.mark.parametrize("right", RIGHT.values(), ids=RIGHT)
async def test_a_body_that_is_right_is_not_refused_as_invalid(world: World, right: Right) -> None:
    path, body = addressed(right, world)
    answer = await world.admin.request(right.method, path, json=body)
    assert answer.status_code in (200, 409), answer.text


@pytest.mark.parametrize("right", RIGHT.values(), ids=RIGHT)
@tried(25)
@given(data=st.data())
async def test_a_changed_body_is_taken_or_refused_with_a_sentence(
    world: World, right: Right, data: st.DataObject
) -> None:
    path, body = addressed(right, world)
    content = json.dumps(data.draw(mutated(body))).encode()
    check(await world.admin.request(right.method, path, content=content, headers=JSON))


@tried(120)
@given(content=damaged(json.dumps(FULL).encode()))
async def test_damaged_json_is_taken_or_refused_with_a_sentence(world: World, content: bytes) -> None:
    answer = await world.admin.post("/api/bulk-generate/validate", content=content, headers=JSON)
    check(answer)
