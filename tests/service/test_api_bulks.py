"""One bulk: what is shown of it and its jobs, its progress, and live changes."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import pytest

from jobs.storage.store import Store
from jobs.system import System
from service.app import create_app
from tests.service.conftest import As
from tests.service.requesting import (
    BULKS,
    DONE,
    FAILED,
    as_bulk_id,
    bulk,
    claimed,
    end_jobs,
    faults,
    get,
    on_embedded,
    refused,
    settings,
    status_of,
    submit,
    submit_quick,
)

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
BULK_FIELDS = {
    "_id", "userId", "mode", "name", "kind", "tenant", "status", "total_items", "completed_items", "failed_items",
    "cancelled_items", "created_at", "started_at", "completed_at", "estimated_completion", "error_summary", "metadata",
    "max_retries", "delay_seconds", "parallelism", "stagger_ms", "priority", "deadline", "budget", "failure_policy",
    "generation", "pause", "pipeline", "options", "notify", "run_between", "results_dropped_at",
}  # fmt: skip
JOB_FIELDS = {
    "id", "status", "queue_position", "error", "retry_count", "current_stage", "percentage", "waiting", "steps",
    "about", "running_since", "elapsed_seconds", "remaining",
}  # fmt: skip
PROGRESS_FIELDS = {
    "total", "completed", "failed", "cancelled", "running", "awaiting", "remaining", "percentage", "cost", "usage",
    "per_hour", "estimate", "waiting",
}  # fmt: skip


async def test_a_bulk_is_shown_with_exactly_the_fields_of_the_contract(api: httpx2.AsyncClient, system: System) -> None:
    bulk_id = await submit_quick(api)
    await end_jobs(system, DONE, FAILED)
    await claimed(system)
    detail = await get(api, f"{BULKS}/{bulk_id}")
    assert detail.keys() == {"bulk_job", "jobs", "jobs_next_cursor", "progress"}
    assert detail["bulk_job"].keys() == BULK_FIELDS
    assert all(job.keys() == JOB_FIELDS for job in detail["jobs"])
    assert detail["progress"].keys() == PROGRESS_FIELDS
    listed = (await get(api, BULKS))["bulk_jobs"]
    assert listed == [detail["bulk_job"]]


async def test_no_answer_about_a_running_bulk_shows_what_is_the_queues_own(
    api: httpx2.AsyncClient, system: System
) -> None:
    bulk_id = await submit_quick(api)
    claim = await claimed(system)
    job_id = str(claim.job_id)
    for url in (f"{BULKS}/{bulk_id}", BULKS, "/api/jobs", f"/api/jobs/{job_id}", "/api/queue"):
        text = (await api.get(url)).text
        for secret in (
            claim.token,
            "slots",
            "lease",
            "shard",
            "epoch",
            "intent",
            "body_hash",
            '"rev"',
            "due_at",
            "lane",
            "checkpoints",
            '"paid"',
            "sketch",
            "sent_back",
        ):
            assert secret not in text, (url, secret)


async def test_ids_are_hex_and_dates_have_milliseconds_and_a_z(api: httpx2.AsyncClient, system: System) -> None:
    bulk_id = await submit_quick(api)
    await end_jobs(system, *[DONE] * 10)
    detail = await get(api, f"{BULKS}/{bulk_id}")
    shown = detail["bulk_job"]
    for name in ("created_at", "started_at", "completed_at"):
        assert MOMENT.fullmatch(shown[name]), shown[name]
    assert (shown["estimated_completion"], shown["status"]) == (None, "completed")
    for found in (shown["_id"], *(job["id"] for job in detail["jobs"])):
        assert re.fullmatch("[0-9a-f]{24}", found)
    assert shown["_id"] == bulk_id


async def test_jobs_are_shown_in_their_order_with_what_became_of_them(api: httpx2.AsyncClient, system: System) -> None:
    bulk_id = await submit_quick(api)
    await end_jobs(system, DONE, FAILED)
    await claimed(system)
    jobs = (await get(api, f"{BULKS}/{bulk_id}"))["jobs"]
    assert [job["queue_position"] for job in jobs] == list(range(1, 11))
    assert [job["status"] for job in jobs] == ["completed", "failed", "processing", *["queued"] * 7]
    assert [job["error"] for job in jobs[:3]] == [None, "The generator said no.", None]
    assert [job["percentage"] for job in jobs[:3]] == [100, 0, 0]
    assert [job["current_stage"] for job in jobs[1:4]] == ["validation", "validation", None]


async def test_progress_counts_what_the_jobs_say(api: httpx2.AsyncClient, system: System) -> None:
    bulk_id = await submit_quick(api)
    await system.workers.beat("w1", slots=1, version="1", jobs=[])
    await end_jobs(system, DONE, DONE, FAILED)
    await claimed(system)
    progress = (await get(api, f"{BULKS}/{bulk_id}"))["progress"]
    counts = {"total": 10, "completed": 2, "failed": 1, "cancelled": 0, "running": 1, "awaiting": 0, "remaining": 7}
    spent = {"cost": 0.3, "usage": {"input_tokens": 0, "output_tokens": 0}}  # what is set aside, where none is told
    unknown = {"per_hour": None, "estimate": None, "waiting": None}  # no time has passed, none was measured
    assert progress == {**counts, **spent, "percentage": 20, **unknown}
    summary = (await get(api, f"{BULKS}/{bulk_id}"))["bulk_job"]["error_summary"]
    assert len(summary) == 1
    assert "The generator said no." in summary[0]


@pytest.mark.parametrize(
    ("completed", "total", "percentage"),
    [(1, 40, 3), (1, 200, 1), (3, 40, 8), (1, 8, 13), (2, 3, 67), (199, 201, 99), (1, 1, 100)],
)
@on_embedded
async def test_the_percentage_is_rounded_as_javascript_rounds(
    api: httpx2.AsyncClient, store: Store, completed: int, total: int, percentage: int
) -> None:
    bulk_id = await submit(api)
    counters = {"completed_items": completed, "total_items": total}
    await store.collection("bulk_jobs").update_one({"_id": as_bulk_id(bulk_id)}, {"$set": counters})
    assert (await get(api, f"{BULKS}/{bulk_id}"))["progress"]["percentage"] == percentage


async def test_beyond_two_hundred_jobs_there_are_pages(system: System, open_client: As) -> None:
    large = create_app(settings(bulk={"max_items": 500}), system)
    client = open_client(large, {"X-Pressrun-User": "owner"})
    bulk_id = await submit(client, 450)
    seen: list[int] = []
    sizes: list[int] = []
    query: dict[str, str] = {}
    while True:
        page = await get(client, f"{BULKS}/{bulk_id}", **query)
        assert page["progress"]["total"] == 450
        sizes.append(len(page["jobs"]))
        seen += [job["queue_position"] for job in page["jobs"]]
        if page["jobs_next_cursor"] is None:
            break
        query = {"jobs_cursor": page["jobs_next_cursor"]}
    assert (sizes, seen) == ([200, 200, 50], list(range(1, 451)))


@on_embedded
async def test_exactly_two_hundred_jobs_are_one_page(system: System, open_client: As) -> None:
    client = open_client(create_app(settings(bulk={"max_items": 500}), system))
    page = await get(client, f"{BULKS}/{await submit(client, 200)}")
    assert (len(page["jobs"]), page["jobs_next_cursor"]) == (200, None)


@pytest.mark.parametrize("cursor", ["-1", "x", "1.5", "99999999999999999999", ""])
async def test_a_wrong_jobs_cursor_is_refused(api: httpx2.AsyncClient, cursor: str) -> None:
    response = await api.get(f"{BULKS}/{await submit(api)}", params={"jobs_cursor": cursor})
    assert faults(response).keys() == {"jobs_cursor"}


async def test_a_name_and_a_delay_can_be_changed_while_it_runs(api: httpx2.AsyncClient, system: System) -> None:
    bulk_id = await submit(api)
    await claimed(system)
    changed = (await api.patch(f"{BULKS}/{bulk_id}", json={"name": "Autumn", "delay_seconds": 0})).json()
    assert changed.keys() == {"success", "bulk_job"}
    shown = changed["bulk_job"]
    assert (shown["name"], shown["delay_seconds"], shown["status"]) == ("Autumn", 0, "processing")
    assert (await get(api, f"{BULKS}/{bulk_id}"))["bulk_job"] == shown
    await api.patch(f"{BULKS}/{bulk_id}", json={"name": "Winter"})
    shown = (await get(api, f"{BULKS}/{bulk_id}"))["bulk_job"]
    assert (shown["name"], shown["delay_seconds"]) == ("Winter", 0)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({}, ""),
        ({"name": None}, ""),
        ({"name": ""}, "name"),
        ({"name": 5}, "name"),
        ({"delay_seconds": -1}, "delay_seconds"),
        ({"delay_seconds": "1"}, "delay_seconds"),
        ({"status": "completed"}, "status"),
        ({"max_retries": 1}, "max_retries"),
        ({"mode": "spin"}, "mode"),
        ({"items": []}, "items"),
        ({"priority": "urgent"}, "priority"),
        ({"priority": 101}, "priority"),
        ({"parallelism": 0}, "parallelism"),
        ({"parallelism": None}, ""),
        ({"stagger_ms": 60_001}, "stagger_ms"),
        ({"budget": 5}, "budget"),
        ({"budget": {}}, "budget.cost"),
        ({"budget": {"cost": 1, "cost_per_job": 2}}, "budget.cost_per_job"),
        ({"budget": {"cost": 0.01}}, "budget.cost"),
        ({"deadline": "2099-01-01T00:00:00Z"}, "deadline"),
        ({"failure_policy": {"canary": 1}}, "failure_policy"),
        ({"notify": {"progress": [0]}}, "notify.progress.0"),
    ],
)
@on_embedded
async def test_a_wrong_change_changes_nothing(
    api: httpx2.AsyncClient, store: Store, change: dict[str, Any], path: str
) -> None:
    bulk_id = await submit(api)
    before = await store.collection("bulk_jobs").find({})
    found = faults(await api.patch(f"{BULKS}/{bulk_id}", json={"name": "new", **change} if path else change))
    assert found.keys() == {path}
    assert await store.collection("bulk_jobs").find({}) == before


@pytest.mark.parametrize(
    "wrong", ["x", "1", "6b027bdfe484bda5c9f5777", "z" * 24, "6b027bdfe484bda5c9f5777d", "%00", "..%2f", "é"]
)
async def test_an_id_that_is_none_is_nobodys(api: httpx2.AsyncClient, wrong: str) -> None:
    refused(await api.get(f"{BULKS}/{wrong}"), 404)
    refused(await api.patch(f"{BULKS}/{wrong}", json={"name": "n"}), 404)
    refused(await api.get(f"/api/jobs/{wrong}"), 404)


async def test_an_id_in_capitals_is_the_same_id(api: httpx2.AsyncClient) -> None:
    bulk_id = await submit(api)
    assert await get(api, f"{BULKS}/{bulk_id.upper()}") == await get(api, f"{BULKS}/{bulk_id}")
    assert await status_of(api, bulk_id) == "queued"


async def test_a_bulk_that_is_only_half_created_is_not_there_yet(api: httpx2.AsyncClient, store: Store) -> None:
    bulk_id = await submit(api)
    await store.collection("bulk_jobs").delete_one({"_id": as_bulk_id(bulk_id)})
    refused(await api.get(f"{BULKS}/{bulk_id}"), 404)
    assert (await get(api, "/api/jobs"))["jobs"] == []
    refused(await api.post(f"{BULKS}/{bulk_id}/cancel"), 404)
    assert (await api.post(BULKS, json=bulk())).status_code == 200
