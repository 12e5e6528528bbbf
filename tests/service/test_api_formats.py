"""Formats: one source and a list of templates, each template and verbosity an item of its own."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from jobs.checkpoints import Reached
from jobs.expenses import Expense
from jobs.storage.store import Store
from jobs.system import System
from tests.service.requesting import (
    BULKS,
    DONE,
    FAILED,
    JOBS,
    NOTHING,
    claimed,
    end_jobs,
    faults,
    get,
    post,
    refused,
    stored,
)

URL = "https://example.com/talk"
INSTEAD = "must not be given with the pipeline formats, which makes its items of source and templates"


def formats(**fields: Any) -> dict[str, Any]:
    """A body that nothing is wrong with; a field that is None is left out."""
    whole = {"pipeline": "formats", "source": {"url": URL}, "templates": ["faq"], **fields}
    return {name: value for name, value in whole.items() if value is not None}


BAD: list[tuple[dict[str, Any], str]] = [
    (formats(templates=None), "templates"),
    (formats(templates=[]), "templates"),
    (formats(templates="faq"), "templates"),
    (formats(templates={"template": "faq"}), "templates"),
    (formats(templates=["faq", ""]), "templates.1"),
    (formats(templates=["faq", 5]), "templates.1"),
    (formats(templates=["faq", None]), "templates.1"),
    (formats(templates=[{}]), "templates.0.template"),
    (formats(templates=[{"template": "t" * 201}]), "templates.0.template"),
    (formats(templates=[{"template": "faq", "tone": "warm"}]), "templates.0.tone"),
    (formats(templates=[{"template": "faq", "verbosity": "huge"}]), "templates.0.verbosity"),
    (formats(templates=[{"template": "faq", "verbosity": 3}]), "templates.0.verbosity"),
    (formats(templates=[{"template": "faq", "verbosity": []}]), "templates.0.verbosity"),
    (formats(templates=[{"template": "faq", "verbosity": ["short", "huge"]}]), "templates.0.verbosity.1"),
    (formats(templates=[{"template": "faq", "verbosity": ["short", "short"]}]), "templates.0"),
    (formats(templates=["faq", "summary", "FAQ"]), "templates.2"),
    (formats(templates=["x", {"template": "x", "verbosity": None}]), "templates.1"),
    (formats(templates=[f"t{n}" for n in range(51)]), "templates"),
    (formats(templates=["t"] * 1_001), "templates"),
    (formats(templates=[0] * 100_000), "templates"),
    (formats(templates=[{"template": f"t{n}", "verbosity": ["short", "long"]} for n in range(26)]), "templates"),
    (formats(source=None), "source"),
    (formats(source=URL), "source"),
    (formats(source={}), "source"),
    (formats(source={"title": "Talk"}), "source"),
    (formats(source={"url": URL, "text": "both"}), "source"),
    (formats(source={"url": "http://example.com/talk"}), "source.url"),
    (formats(source={"url": "https://10.0.0.8/talk"}), "source.url"),
    (formats(source={"url": "talk"}), "source.url"),
    (formats(source={"text": ""}), "source.text"),
    (formats(source={"text": " \n"}), "source.text"),
    (formats(source={"text": "t" * 100_001}), "source.text"),
    (formats(source={"text": "x", "title": ""}), "source.title"),
    (formats(source={"text": "x", "kind": "video"}), "source.kind"),
    (formats(processing_mode=""), "processing_mode"),
    (formats(processing_mode=["deep"]), "processing_mode"),
    (formats(options={"image": True}), "options.image"),
]


@pytest.mark.parametrize(("body", "path"), BAD, ids=range(len(BAD)))
async def test_a_wrong_field_of_formats_is_named(
    refusing_all: httpx2.AsyncClient, empty_store: Store, body: dict[str, Any], path: str
) -> None:
    assert faults(await refusing_all.post(BULKS, json=body)).keys() == {path}
    assert await stored(empty_store) == NOTHING


async def test_formats_need_a_template(refusing: httpx2.AsyncClient) -> None:
    assert faults(await refusing.post(BULKS, json=formats(templates=[]))) == {"templates": "must have at least 1 item"}


async def test_too_many_formats_are_counted_with_their_verbosities(refusing: httpx2.AsyncClient) -> None:
    templates = [{"template": f"t{n}", "verbosity": ["short", "medium", "long"]} for n in range(17)]
    sentence = "come to 51 items, with each verbosity; there may be at most 50"
    assert faults(await refusing.post(BULKS, json=formats(templates=templates))) == {"templates": sentence}


async def test_formats_have_neither_mode_nor_items(refusing: httpx2.AsyncClient) -> None:
    body = formats(mode="spin", items=[{"source_url": URL}])
    assert faults(await refusing.post(BULKS, json=body)) == {"mode": INSTEAD, "items": INSTEAD}


@pytest.mark.parametrize("pipeline", [None, "article", "plain"])
async def test_what_formats_are_made_of_is_refused_with_another_pipeline(
    refusing: httpx2.AsyncClient, pipeline: str | None
) -> None:
    items = [{"source_url": URL}] * 10
    body = formats(pipeline=pipeline, processing_mode="deep", mode="spin", items=items)
    assert faults(await refusing.post(BULKS, json=body)) == dict.fromkeys(
        ("source", "templates", "processing_mode"), "is for the pipeline formats alone"
    )


async def test_one_article_cannot_be_made_in_formats(refusing: httpx2.AsyncClient) -> None:
    response = await refusing.post(JOBS, json={"mode": "spin", "source_url": URL, "pipeline": "formats"})
    assert faults(response) == {"pipeline": "formats are several articles: submit them as a bulk job"}


async def test_each_template_and_verbosity_is_an_item(api: httpx2.AsyncClient, store: Store, system: System) -> None:
    templates = [
        "faq",
        {"template": "summary", "verbosity": ["short", "long"]},
        {"template": "faq", "verbosity": "long"},
    ]
    source = {"url": URL, "title": "The talk"}
    answer = await post(api, BULKS, formats(templates=templates, source=source, processing_mode="deep", name="Talk"))
    assert answer["total_items"] == 4
    jobs = await store.collection("generation_jobs").find({}, sort=[("queue_position", 1)])
    asked = [("faq", None), ("summary", "short"), ("summary", "long"), ("faq", "long")]
    assert [(job["params"]["template"], job["params"].get("verbosity")) for job in jobs] == asked
    for job in jobs:
        assert (job["mode"], job["source_url"], job["params"]["title"]) == ("spin", URL, "The talk")
        assert job["params"]["processing_mode"] == "deep"
    shown = (await get(api, f"{BULKS}/{answer['bulk_job_id']}"))["bulk_job"]
    assert (shown["pipeline"], shown["mode"], shown["name"], shown["total_items"]) == ("formats", "spin", "Talk", 4)
    rows = (await get(api, f"{BULKS}/{answer['bulk_job_id']}"))["jobs"]
    assert [(row["template"], row["verbosity"]) for row in rows] == asked
    await end_jobs(system, FAILED)
    [failed] = (await get(api, f"{BULKS}/{answer['bulk_job_id']}/results"))["results"]
    assert (failed["template"], failed["error"]) == ("faq", "The generator said no.")


@pytest.mark.parametrize("count", [1, 50])
async def test_one_format_is_enough_and_as_many_as_the_limits_allow_are_taken(
    api: httpx2.AsyncClient, store: Store, count: int
) -> None:
    body = formats(source={"text": "Long ago."}, templates=[f"t{n}" for n in range(count)])
    assert (await post(api, BULKS, body))["total_items"] == count
    job = await store.collection("generation_jobs").find_one({"queue_position": 1})
    assert job is not None
    assert (job["source_text"], job["params"]) == ("Long ago.", {"template": "t0"})
    assert "source_url" not in job


async def test_the_progress_of_formats_is_the_mean_of_theirs_whichever_ends_first(
    api: httpx2.AsyncClient, system: System
) -> None:
    body = formats(templates=["a", "b", "c"], delay_seconds=0, max_retries=0, parallelism=3, stagger_ms=0)
    bulk_id = (await post(api, BULKS, body))["bulk_job_id"]

    async def percentages() -> tuple[int, list[int]]:
        found = await get(api, f"{BULKS}/{bulk_id}")
        return found["progress"]["percentage"], [job["percentage"] for job in found["jobs"]]

    assert await percentages() == (0, [0, 0, 0])
    first, second = await claimed(system), await claimed(system)
    entry = {"hash": "h", "status": "completed", "result": "x", "duration_ms": 5}
    await system.checkpoints.keep(first, Reached("source-fetching", entry, "format-generation", 33), Expense())
    assert await percentages() == (11, [33, 0, 0])
    await system.queue.finish(second, DONE)
    assert await percentages() == (44, [33, 100, 0])  # 44.33
    await system.checkpoints.keep(first, Reached("format-generation", entry, "post-processing", 66), Expense())
    await system.queue.finish(first, FAILED)
    assert await percentages() == (55, [66, 100, 0])  # 55.33
    await end_jobs(system, DONE)
    assert await percentages() == (89, [66, 100, 100])  # 88.67


async def test_validate_says_of_formats_what_submit_says(api: httpx2.AsyncClient) -> None:
    for body in (formats(), formats(templates=["x", "x"]), formats(mode="spin")):
        told = await post(api, f"{BULKS}/validate", body)
        response = await api.post(BULKS, json=body)
        if told["valid"]:
            assert response.status_code == 200
        else:
            assert refused(response, 400)
            assert told["errors"] == response.json()["details"]
