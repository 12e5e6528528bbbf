"""A bulk whose articles were dropped: routes, files and pages say when, and keep what is known of it."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import timedelta

import httpx2
import pytest

from jobs.outcomes import Completed
from jobs.retention.expiry import RetentionRules
from jobs.storage.store import Store
from jobs.system import Rules, System, assemble
from tests.service.requesting import BULKS, FAILED, end_jobs, get, job_ids, submit_quick

META = {"html": "<p>Tea</p>", "markdown": "# Tea", "word_count": 1, "slug": "tea", "stages": []}


@pytest.fixture
async def dropped(api: httpx2.AsyncClient, system: System, store: Store) -> str:
    """Its first nine articles are gone, the last one had failed."""
    bulk_id = await submit_quick(api)
    await end_jobs(system, *[Completed("# Tea", dict(META))] * 9, FAILED)
    await system.outbox.relay()
    rules = Rules(retention=RetentionRules(results=timedelta(0)))
    await assemble(store, system.clock, rules).retention.run()
    return bulk_id


async def test_bulk_and_jobs_say_when_and_keep_their_record(api: httpx2.AsyncClient, dropped: str) -> None:
    detail = await get(api, f"{BULKS}/{dropped}")
    when = detail["bulk_job"]["results_dropped_at"]
    assert when is not None
    assert (detail["progress"]["completed"], detail["progress"]["failed"]) == (9, 1)
    first, *_, last = await job_ids(api, dropped)
    job = (await get(api, f"/api/jobs/{first}"))["job"]
    assert (job["status"], job["result"], job["result_dropped_at"]) == ("completed", None, when)
    assert job["result_meta"] == {"word_count": 1, "slug": "tea", "stages": []}
    failed = (await get(api, f"/api/jobs/{last}"))["job"]
    assert (failed["status"], failed["result_dropped_at"]) == ("failed", None)


async def test_every_file_of_results_says_what_was_dropped(api: httpx2.AsyncClient, dropped: str) -> None:
    when = (await get(api, f"{BULKS}/{dropped}"))["bulk_job"]["results_dropped_at"]
    expected = [when] * 9 + [None]
    results = (await get(api, f"{BULKS}/{dropped}/results"))["results"]
    assert [(row["content"], row["result_dropped_at"]) for row in results] == [(None, date) for date in expected]
    lines = (await api.get(f"{BULKS}/{dropped}/results?format=jsonl")).text.splitlines()
    assert [json.loads(line)["result_dropped_at"] for line in lines] == expected
    table = (await api.get(f"{BULKS}/{dropped}/results?format=csv")).content.decode("utf-8-sig")
    assert [row["result_dropped_at"] or None for row in csv.DictReader(io.StringIO(table))] == expected
    archive = zipfile.ZipFile(io.BytesIO((await api.get(f"{BULKS}/{dropped}/results?format=zip")).content))
    assert archive.namelist() == ["manifest.json"]
    articles = json.loads(archive.read("manifest.json"))["articles"]
    assert [entry["result_dropped_at"] for entry in articles] == expected


async def test_the_pages_say_that_the_articles_were_removed(api: httpx2.AsyncClient, dropped: str) -> None:
    page = (await api.get(f"/bulks/{dropped}")).text
    assert "Its articles were removed" in page
    assert 'popovertarget="downloads"' not in page
    first = (await job_ids(api, dropped))[0]
    assert "The article was removed" in (await api.get(f"/jobs/{first}")).text
    for part in ("preview", "raw"):
        assert (
            "The article was removed" in (await api.get(f"/jobs/{first}/{part}", headers={"HX-Request": "true"})).text
        )
    file = await api.get(f"/jobs/{first}/article")
    assert (file.status_code, "any more: it was removed" in file.text) == (404, True)


async def test_a_page_says_nothing_of_it_while_the_articles_are_there(api: httpx2.AsyncClient, system: System) -> None:
    bulk_id = await submit_quick(api)
    await end_jobs(system, *[Completed("# Tea", dict(META))] * 10)
    page = (await api.get(f"/bulks/{bulk_id}")).text
    assert "removed" not in page
    assert 'popovertarget="downloads"' in page
