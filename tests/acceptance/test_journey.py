"""What people do with Pressrun, from end to end, on both stores."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import httpx2

from tests.support.deployment import Deployment
from tests.support.eventually import eventually
from tests.support.processes import run

DATA = Path(__file__).parent.parent / "data"
ENDED = {"completed", "cancelled"}


def items(count: int = 10, **fields: Any) -> list[dict[str, Any]]:
    return [{"topic": f"Shoe number {number}", **fields} for number in range(1, count + 1)]


async def submit(api: httpx2.AsyncClient, **fields: Any) -> str:
    answer = await api.post("/api/bulk-generate", json={"mode": "topic", "items": items(), **fields})
    assert answer.status_code == 200, answer.text
    bulk_id: str = answer.json()["bulk_job_id"]
    return bulk_id


async def look(api: httpx2.AsyncClient, bulk_id: str) -> dict[str, Any]:
    seen: dict[str, Any] = (await api.get(f"/api/bulk-generate/{bulk_id}")).json()
    return seen


async def finished(api: httpx2.AsyncClient, bulk_id: str) -> dict[str, Any]:
    def is_over(seen: dict[str, Any]) -> bool:
        return seen["bulk_job"]["status"] in ENDED and seen["progress"]["remaining"] == 0

    return await eventually(lambda: look(api, bulk_id), is_over)


def assert_counted(seen: dict[str, Any]) -> None:
    by_status = [job["status"] for job in seen["jobs"]]
    for status in ("completed", "failed", "cancelled"):
        assert seen["bulk_job"][f"{status}_items"] == by_status.count(status)


async def test_a_bulk_runs_to_its_end_and_gives_its_results(api: httpx2.AsyncClient) -> None:
    bulk_id = await submit(api, name="Shoes")
    done = await finished(api, bulk_id)
    assert done["bulk_job"]["status"] == "completed"
    assert done["progress"]["percentage"] == 100
    assert_counted(done)
    results = (await api.get(f"/api/bulk-generate/{bulk_id}/results")).json()["results"]
    assert [result["position"] for result in results] == list(range(1, 11))
    assert all(result["content"].startswith("# ") for result in results)
    lines = (await api.get(f"/api/bulk-generate/{bulk_id}/results?format=jsonl")).text.splitlines()
    assert [json.loads(line)["id"] for line in lines] == [result["id"] for result in results]
    table = (await api.get(f"/api/bulk-generate/{bulk_id}/results?format=csv")).text
    assert table.startswith("\ufeffid,queue_position,")
    job = (await api.get(f"/api/jobs/{results[0]['id']}")).json()["job"]
    assert [attempt["outcome"] for attempt in job["attempts"]] == ["completed"]
    assert job["result_meta"]["usage"]["output_tokens"] > 0


async def test_a_real_product_export_becomes_one_readable_article_a_product(
    deployment: Deployment, tmp_path: Path
) -> None:
    settings = {"PRESSRUN_URL": deployment.url}
    source = str(DATA / "shopify-apparel.csv")
    code, said = await run("submit", source, "--mode", "topic", "--wait", environment=settings, folder=tmp_path)
    assert code == 0, said
    code, listed = await run("list", "--json", environment=settings, folder=tmp_path)
    (bulk,) = json.loads(listed)["bulk_jobs"]
    assert (bulk["status"], bulk["completed_items"], bulk["total_items"]) == ("completed", 20, 20)
    arguments = ("results", bulk["_id"], "--format", "zip", "-o", "articles.zip")
    code, said = await run(*arguments, environment=settings, folder=tmp_path)
    assert code == 0, said
    with zipfile.ZipFile(io.BytesIO((tmp_path / "articles.zip").read_bytes())) as archive:
        names = archive.namelist()
        assert names[0].startswith("001-ocean-blue-shirt-")
        assert len(names) == 21
        manifest = json.loads(archive.read("manifest.json"))
        assert [article["external_id"] for article in manifest["articles"]][:2] == [
            "ocean-blue-shirt",
            "classic-varsity-top",
        ]
        for name in names[:-1]:
            text = archive.read(name).decode()
            assert text.startswith("# ")
            assert len(text.split()) > 500


async def test_pause_stops_new_starts_and_resume_goes_on_to_the_end(api: httpx2.AsyncClient) -> None:
    bulk_id = await submit(api)
    await eventually(lambda: look(api, bulk_id), lambda seen: seen["progress"]["completed"] >= 2)
    paused = (await api.post(f"/api/bulk-generate/{bulk_id}/pause", json={"reason": "lunch"})).json()
    still = await eventually(lambda: look(api, bulk_id), lambda seen: seen["progress"]["running"] == 0)
    assert still["bulk_job"]["status"] == "paused"
    started = {job["id"] for job in still["jobs"] if job["status"] != "queued"}
    assert set(paused["running"]) <= started
    resumed = await api.post(f"/api/bulk-generate/{bulk_id}/resume")
    assert resumed.json()["message"] == "Bulk job resumed"
    done = await finished(api, bulk_id)
    assert done["progress"]["completed"] == 10
    assert_counted(done)


async def test_cancel_keeps_what_is_finished(api: httpx2.AsyncClient) -> None:
    bulk_id = await submit(api)
    await eventually(lambda: look(api, bulk_id), lambda seen: seen["progress"]["completed"] >= 2)
    assert (await api.post(f"/api/bulk-generate/{bulk_id}/cancel")).status_code == 200
    done = await finished(api, bulk_id)
    assert done["bulk_job"]["status"] == "cancelled"
    assert done["progress"]["remaining"] == 0
    assert_counted(done)
    results = (await api.get(f"/api/bulk-generate/{bulk_id}/results")).json()["results"]
    assert len([result for result in results if result["content"]]) == done["progress"]["completed"] >= 2
    assert (await api.post(f"/api/bulk-generate/{bulk_id}/resume")).status_code == 409


async def test_a_single_article_runs_as_a_bulk_of_one(api: httpx2.AsyncClient) -> None:
    made = (await api.post("/api/jobs", json={"mode": "keywords", "keywords": ["wool", "coat"]})).json()
    done = await finished(api, made["bulk_job_id"])
    assert (done["bulk_job"]["kind"], done["bulk_job"]["status"]) == ("single", "completed")
    job = (await api.get(f"/api/jobs/{made['job_id']}")).json()["job"]
    assert job["status"] == "completed"
    assert "wool" in job["result"].lower()


async def test_two_identical_requests_at_once_with_one_key_make_one_bulk(api: httpx2.AsyncClient) -> None:
    body = {"mode": "topic", "items": items()}
    headers = {"Idempotency-Key": "the-same"}
    answers = await asyncio.gather(*(api.post("/api/bulk-generate", json=body, headers=headers) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["bulk_job_id"] for answer in answers}) == 1
    assert len((await api.get("/api/bulk-generate")).json()["bulk_jobs"]) == 1


async def test_the_queue_and_its_workers_are_shown(api: httpx2.AsyncClient, deployment: Deployment) -> None:
    bulk_id = await submit(api)
    await finished(api, bulk_id)
    queue = (await api.get("/api/queue")).json()
    assert (queue["completed"], queue["pending"], queue["total"]) == (10, 0, 10)
    assert len(queue["recent"]) == 10

    async def workers() -> int:
        async with httpx2.AsyncClient(base_url=deployment.url, trust_env=False) as developer:
            return len((await developer.get("/api/workers")).json()["workers"])

    async def ready() -> object:
        return (await api.get("/readyz")).json()

    await eventually(workers, lambda count: count == len(deployment.workers))
    await eventually(ready, lambda answer: answer == {"status": "ready"})
