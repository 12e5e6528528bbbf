"""A bulk's results in four formats: what has ended so far, also of a cancelled bulk."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from typing import Any

import httpx2
import pytest

from jobs.outcomes import Completed
from jobs.system import System
from tests.service.requesting import (
    BULKS,
    FAILED,
    bulk_with,
    claimed,
    end_jobs,
    faults,
    get,
    post,
    submit,
    submit_quick,
)

FIRST = Completed('# One\n\nGröße, "quoted".', {"word_count": 2})
OBJECT = Completed({"title": "Three", "sections": [{"text": "x"}]}, {})


async def results(client: httpx2.AsyncClient, bulk_id: str, format: str) -> httpx2.Response:
    response = await client.get(f"{BULKS}/{bulk_id}/results", params={"format": format})
    assert response.status_code == 200, response.text
    return response


@pytest.fixture
async def cancelled(api: httpx2.AsyncClient, system: System) -> str:
    """Two articles, one failed job, and the rest cancelled."""
    bulk_id = await submit_quick(api, name="Spring & Größe")
    await end_jobs(system, FIRST, FAILED, OBJECT)
    await post(api, f"{BULKS}/{bulk_id}/cancel")
    return bulk_id


async def test_results_are_json_unless_asked_otherwise(api: httpx2.AsyncClient, cancelled: str) -> None:
    response = await api.get(f"{BULKS}/{cancelled}/results")
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert body.keys() == {"bulk_job_id", "results"}
    assert body["bulk_job_id"] == cancelled
    assert [job["status"] for job in body["results"]] == ["completed", "failed", "completed", *["cancelled"] * 7]
    first, failed, third = body["results"][:3]
    assert (first["content"], first["position"], first["topic"]) == (FIRST.content, 1, "Topic 1")
    assert (failed["content"], failed["error"]) == (None, "The generator said no.")
    assert third["content"] == OBJECT.content
    assert body == (await results(api, cancelled, "json")).json()


async def test_no_format_shows_what_is_the_queues_own(api: httpx2.AsyncClient, cancelled: str) -> None:
    for format in ("json", "jsonl", "csv"):
        text = (await results(api, cancelled, format)).text
        for secret in ("lease", "token", "shard", "epoch", "attempts", "call_number"):
            assert secret not in text


async def test_jsonl_is_a_job_a_line(api: httpx2.AsyncClient, cancelled: str) -> None:
    response = await results(api, cancelled, "jsonl")
    assert response.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in response.text.splitlines()]
    assert lines == (await results(api, cancelled, "json")).json()["results"]


async def test_csv_is_a_row_a_job_for_a_spreadsheet(api: httpx2.AsyncClient, cancelled: str) -> None:
    response = await results(api, cancelled, "csv")
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"), newline="")))
    assert [row["queue_position"] for row in rows] == [str(number) for number in range(1, 11)]
    assert (rows[0]["content"], rows[0]["status"], rows[1]["content"]) == (FIRST.content, "completed", "")


async def test_a_cell_that_a_spreadsheet_would_run_is_escaped(api: httpx2.AsyncClient, system: System) -> None:
    bulk_id = (await post(api, BULKS, bulk_with({"topic": "=cmd()"}) | {"delay_seconds": 0}))["bulk_job_id"]
    await end_jobs(system, *[Completed("@SUM(1)", {})] * 4)
    rows = list(csv.DictReader(io.StringIO((await results(api, bulk_id, "csv")).content.decode("utf-8-sig"))))
    assert (rows[3]["topic"], rows[3]["content"]) == ("'=cmd()", "'@SUM(1)")


async def test_zip_is_a_file_an_article_and_a_manifest(api: httpx2.AsyncClient, cancelled: str) -> None:
    response = await results(api, cancelled, "zip")
    assert response.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["001-topic-1.md", "003-topic-3.json", "manifest.json"]
        assert archive.read("001-topic-1.md").decode() == FIRST.content
        assert json.loads(archive.read("003-topic-3.json")) == OBJECT.content
        manifest = json.loads(archive.read("manifest.json"))
    assert (manifest["bulk_job_id"], manifest["status"], len(manifest["articles"])) == (cancelled, "cancelled", 10)
    counts = {"total_items": 10, "completed_items": 2, "failed_items": 1, "cancelled_items": 7}
    assert manifest["counts"] == counts


@pytest.mark.parametrize("format", ["json", "jsonl", "csv", "zip"])
async def test_results_are_a_download_with_a_plain_name(api: httpx2.AsyncClient, cancelled: str, format: str) -> None:
    headers = (await results(api, cancelled.upper(), format)).headers
    name = f"spring-grosse-{cancelled[-6:]}.{format}"
    assert headers["content-disposition"] == f'attachment; filename="{name}"'
    assert headers["cache-control"] == "no-store"


async def test_results_are_what_is_finished_so_far(api: httpx2.AsyncClient, system: System) -> None:
    bulk_id = await submit_quick(api)
    assert (await results(api, bulk_id, "json")).json()["results"] == []
    assert (await results(api, bulk_id, "jsonl")).text == ""
    with zipfile.ZipFile(io.BytesIO((await results(api, bulk_id, "zip")).content)) as archive:
        assert archive.namelist() == ["manifest.json"]
    await end_jobs(system, FIRST)
    await claimed(system)
    found: list[dict[str, Any]] = (await results(api, bulk_id, "json")).json()["results"]
    assert [job["position"] for job in found] == [1]
    assert (await get(api, f"{BULKS}/{bulk_id}"))["progress"]["running"] == 1


async def test_an_id_in_capitals_is_answered_as_it_is_stored(api: httpx2.AsyncClient, cancelled: str) -> None:
    assert (await results(api, cancelled.upper(), "json")).json()["bulk_job_id"] == cancelled


@pytest.mark.parametrize("format", ["xml", "", "JSON", "zip.exe"])
async def test_another_format_is_refused(api: httpx2.AsyncClient, format: str) -> None:
    response = await api.get(f"{BULKS}/{await submit(api)}/results", params={"format": format})
    assert faults(response).keys() == {"format"}
