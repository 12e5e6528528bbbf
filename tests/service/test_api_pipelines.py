"""What a request says of its pipeline: taken where that can do it here, refused in words where it cannot."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from jobs.pipelines import CONTENT, PipelineSpec, StageSpec
from jobs.storage.store import Store
from jobs.system import System
from service.app import create_app
from tests.service.conftest import As
from tests.service.requesting import (
    BULKS,
    JOBS,
    NOTHING,
    OWNER,
    bulk,
    bulk_with,
    faults,
    get,
    on_embedded,
    post,
    settings,
    stored,
    submit,
)

THERE_ARE = "there is no such pipeline; there are: article, blog, formats, plain"

BAD_PIPELINES: list[tuple[dict[str, Any], str]] = [
    ({"pipeline": "poem"}, "pipeline"),
    ({"pipeline": "Article"}, "pipeline"),
    ({"pipeline": ""}, "pipeline"),
    ({"pipeline": 5}, "pipeline"),
    ({"pipeline": ["article"]}, "pipeline"),
    ({"pipeline": "x" * 201}, "pipeline"),
    ({"options": []}, "options"),
    ({"options": "image"}, "options"),
    ({"options": {"colour": "red"}}, "options.colour"),
    ({"options": {"skip_quality_check": 1}}, "options.skip_quality_check"),
    ({"options": {"skip_quality_check": "true"}}, "options.skip_quality_check"),
    ({"pipeline": "blog", "options": {"ideas": 0}}, "options.ideas"),
    ({"pipeline": "blog", "options": {"ideas": 11}}, "options.ideas"),
    ({"pipeline": "blog", "options": {"ideas": True}}, "options.ideas"),
    ({"pipeline": "blog", "options": {"ideas": 2.0}}, "options.ideas"),
    ({"pipeline": "blog", "options": {"ideas": 10**15}}, "options.ideas"),
    ({"pipeline": "blog", "options": {"select_within_hours": 0}}, "options.select_within_hours"),
    ({"pipeline": "blog", "options": {"select_within_hours": -1}}, "options.select_within_hours"),
    ({"pipeline": "blog", "options": {"select_within_hours": 720.5}}, "options.select_within_hours"),
    ({"pipeline": "blog", "options": {"select_within_hours": "24"}}, "options.select_within_hours"),
    ({"pipeline": "blog", "options": {"select_within_hours": True}}, "options.select_within_hours"),
    ({"pipeline": "blog", "options": {"image": "yes"}}, "options.image"),
    ({"pipeline": "blog", "options": {"publish_to": ""}}, "options.publish_to"),
    ({"pipeline": "blog", "options": {"publish_to": {"url": "https://x.example"}}}, "options.publish_to"),
]

USELESS = [
    ("article", {"ideas": 3}),
    ("article", {"select_within_hours": None}),
    ("article", {"image": False}),
    ("article", {"publish_to": "cms"}),
    ("blog", {"skip_quality_check": True}),
    ("plain", {"skip_quality_check": True}),
    ("plain", {"image": True}),
]

BAD_ITEMS: list[tuple[dict[str, Any], str]] = [
    ({"components": []}, "components"),
    ({"components": "intro"}, "components"),
    ({"components": ["intro", "intro"]}, "components"),
    ({"components": ["intro", "outro"]}, "components.1"),
    ({"components": ["Intro"]}, "components.0"),
    ({"components": [5]}, "components.0"),
    ({"components": True}, "components"),
    ({"skip_quality_check": "no"}, "skip_quality_check"),
    ({"skip_quality_check": 0}, "skip_quality_check"),
    ({"idea": ""}, "idea"),
    ({"idea": "  "}, "idea"),
    ({"idea": "i" * 2_001}, "idea"),
    ({"idea": 5}, "idea"),
    ({"idea": ["tea"]}, "idea"),
    ({"idea": {}}, "idea.title"),
    ({"idea": {"title": " "}}, "idea.title"),
    ({"idea": {"title": "t", "summary": 5}}, "idea.summary"),
    ({"idea": {"title": "t", "angle": "a" * 2_001}}, "idea.angle"),
    ({"idea": {"title": "t", "keywords": []}}, "idea.keywords"),
    ({"idea": {"title": "t", "colour": "red"}}, "idea.colour"),
]

BAD_URLS = [
    ("http://example.com/a", "The URL must begin with https://."),
    ("https://127.0.0.1/a", None),
    ("https://[::1]/a", None),
    ("https://0x7f000001/a", None),
    ("https://169.254.169.254/latest/meta-data", None),
    ("https://localhost/a", None),
    ("https://user:secret@example.com/a", None),
    ("https://example.com:8443/a", "The URL must not name port 8443: only 443 is allowed."),
]


@pytest.mark.parametrize(("given", "path"), BAD_PIPELINES)
async def test_a_wrong_pipeline_or_option_is_named(
    refusing_all: httpx2.AsyncClient, empty_store: Store, given: dict[str, Any], path: str
) -> None:
    assert faults(await refusing_all.post(BULKS, json=bulk(**given))).keys() == {path}
    assert faults(await refusing_all.post(JOBS, json={"mode": "topic", "topic": "x", **given})).keys() == {path}
    assert await stored(empty_store) == NOTHING


async def test_a_pipeline_that_is_not_there_is_told_with_those_that_are(refusing: httpx2.AsyncClient) -> None:
    assert faults(await refusing.post(BULKS, json=bulk(pipeline="poem"))) == {"pipeline": THERE_ARE}


@pytest.mark.parametrize(("pipeline", "options"), USELESS)
async def test_an_option_that_the_pipeline_has_no_use_for_is_refused(
    refusing_all: httpx2.AsyncClient, pipeline: str, options: dict[str, Any]
) -> None:
    expected = {f"options.{name}": f"the pipeline {pipeline} has no use for it" for name in options}
    assert faults(await refusing_all.post(BULKS, json=bulk(pipeline=pipeline, options=options))) == expected


@pytest.mark.parametrize(("fields", "path"), BAD_ITEMS)
async def test_a_wrong_field_of_an_item_for_its_pipeline_is_named_with_its_place(
    refusing_all: httpx2.AsyncClient, empty_store: Store, fields: dict[str, Any], path: str
) -> None:
    item = {"topic": "x", **fields}
    assert faults(await refusing_all.post(BULKS, json=bulk_with(item))).keys() == {f"items.3.{path}"}
    assert faults(await refusing_all.post(JOBS, json={"mode": "topic", **item})).keys() == {path}
    assert await stored(empty_store) == NOTHING


@pytest.mark.parametrize(("url", "sentence"), BAD_URLS)
async def test_a_source_that_no_request_may_be_sent_to_is_refused(
    refusing: httpx2.AsyncClient, url: str, sentence: str | None
) -> None:
    found = faults(await refusing.post(BULKS, json=bulk_with({"source_url": url}, "spin")))
    assert found.keys() == {"items.3.source_url"}
    assert sentence in (None, found["items.3.source_url"])
    assert "secret" not in found["items.3.source_url"]
    assert faults(await refusing.post(JOBS, json={"mode": "spin", "source_url": url})).keys() == {"source_url"}


async def test_components_are_refused_where_the_generator_or_the_pipeline_writes_none(
    refusing: httpx2.AsyncClient, refusing_all: httpx2.AsyncClient
) -> None:
    body = bulk_with({"topic": "x", "components": ["intro"]})
    found = faults(await refusing.post(BULKS, json=body))
    assert found == {"items.3.components": "the generator here does not write articles in components"}
    found = faults(await refusing_all.post(BULKS, json=body | {"pipeline": "plain"}))
    assert found == {"items.3.components": "the pipeline plain does not write articles in components"}


async def test_a_blog_needs_a_generator_of_ideas_unless_every_item_has_its_idea(
    api: httpx2.AsyncClient, store: Store
) -> None:
    with_idea, without = {"topic": "x", "idea": "Tea at noon"}, {"topic": "x"}
    sentence = "there is no generator of ideas here: for the pipeline blog give each item an idea"
    for items in ([without] * 10, [with_idea] * 9 + [without]):
        response = await api.post(BULKS, json={"mode": "topic", "pipeline": "blog", "items": items})
        assert faults(response) == {"pipeline": sentence}
    assert await stored(store) == NOTHING
    await post(api, BULKS, {"mode": "topic", "pipeline": "blog", "items": [with_idea] * 10})
    await post(api, JOBS, {"mode": "topic", "pipeline": "blog", **with_idea})


async def test_an_image_is_refused_where_there_is_no_generator_of_images(
    api: httpx2.AsyncClient, blogger: httpx2.AsyncClient
) -> None:
    body = {"mode": "topic", "pipeline": "blog", "items": [{"topic": "x", "idea": {"title": "Tea"}}] * 10}
    refusal = await api.post(BULKS, json=body | {"options": {"image": True}})
    assert faults(refusal) == {"options.image": "there is no generator of images here"}
    await post(api, BULKS, body | {"options": {"image": False}})
    await post(blogger, BULKS, body | {"options": {"image": True}})


@on_embedded
async def test_without_a_generator_of_contents_nothing_can_be_submitted(system: System, open_client: As) -> None:
    client = open_client(create_app(settings(generator={"url": None}), system))
    for name in ("article", "plain"):
        sentence = f"the pipeline {name} needs a generator of contents, and there is none here"
        assert faults(await client.post(BULKS, json=bulk(pipeline=name))) == {"pipeline": sentence}


async def test_a_pipeline_and_its_options_are_kept_and_shown(
    blogger: httpx2.AsyncClient, store: Store, system: System
) -> None:
    await system.targets.register(OWNER, "cms", "https://cms.example/")
    options = {"ideas": 10, "select_within_hours": 0.5, "image": True, "publish_to": "cms"}
    bulk_id = await submit(blogger, pipeline="blog", options=options)
    shown = (await get(blogger, f"{BULKS}/{bulk_id}"))["bulk_job"]
    assert (shown["pipeline"], shown["options"]) == ("blog", options)
    kept = await store.collection("bulk_jobs").find_one({})
    assert kept is not None
    stages = ["idea-generation", "selection", "content-generation", "image-generation", "publishing"]
    assert [stage["name"] for stage in kept["stages"]] == stages


async def test_a_target_has_to_be_registered_and_ones_own(blogger: httpx2.AsyncClient, system: System) -> None:
    await system.targets.register("somebody else", "cms", "https://cms.example/")
    refusal = await blogger.post(BULKS, json=bulk(pipeline="blog", options={"publish_to": "cms"}))
    assert faults(refusal) == {"options.publish_to": "there is no such target: register it at /api/targets"}
    one = {"mode": "topic", "topic": "T", "pipeline": "blog", "options": {"publish_to": "cms"}}
    assert "options.publish_to" in faults(await blogger.post("/api/jobs", json=one))


async def test_of_nulls_only_the_wait_for_ever_is_kept(blogger: httpx2.AsyncClient) -> None:
    nothing: list[dict[str, Any]] = [{"pipeline": None, "options": None}, {"options": {}}, {}]
    for given in nothing:
        bulk_id = await submit(blogger, **given)
        shown = (await get(blogger, f"{BULKS}/{bulk_id}"))["bulk_job"]
        assert (shown["pipeline"], shown["options"]) == ("article", {})
    options = {"ideas": None, "select_within_hours": None, "image": None}
    bulk_id = await submit(blogger, pipeline="blog", options=options)
    shown = (await get(blogger, f"{BULKS}/{bulk_id}"))["bulk_job"]
    assert shown["options"] == {"select_within_hours": None}


async def test_one_article_takes_a_pipeline_and_options_which_are_not_its_items(
    blogger: httpx2.AsyncClient, store: Store
) -> None:
    body = {"mode": "topic", "topic": "tea", "pipeline": "blog", "options": {"image": False}, "extra": 1}
    answer = await post(blogger, JOBS, body)
    shown = (await get(blogger, f"{BULKS}/{answer['bulk_job_id']}"))["bulk_job"]
    assert (shown["pipeline"], shown["options"], shown["kind"]) == ("blog", {"image": False}, "single")
    job = await store.collection("generation_jobs").find_one({})
    assert job is not None
    assert (job["params"], job["mode"], job["topic"]) == ({"extra": 1}, "topic", "tea")


async def test_what_an_item_says_for_its_pipeline_is_passed_on(blogger: httpx2.AsyncClient, store: Store) -> None:
    idea = {"title": "Tea", "summary": "All of it", "angle": "for beginners", "keywords": ["tea", "pot"]}
    item = {"topic": "x", "components": ["title", "faq"], "skip_quality_check": True, "idea": idea, "own": [1]}
    await post(blogger, BULKS, bulk_with(item))
    job = await store.collection("generation_jobs").find_one({"queue_position": 4})
    assert job is not None
    assert job["components"] == ["title", "faq"]
    assert job["params"] == {"skip_quality_check": True, "idea": idea, "own": [1]}


async def test_a_teams_own_pipeline_takes_all_options_and_is_listed(api: httpx2.AsyncClient, system: System) -> None:
    own = PipelineSpec("recipes", (StageSpec("cook", CONTENT), StageSpec("serve")))
    await system.pipelines.register([own])
    await system.targets.register(OWNER, "cms", "https://cms.example/")
    options = {"ideas": 2, "skip_quality_check": True, "publish_to": "cms"}
    bulk_id = await submit(api, pipeline="recipes", options=options)
    assert (await get(api, f"{BULKS}/{bulk_id}"))["bulk_job"]["options"] == options
    listed = (await get(api, "/api/pipelines"))["pipelines"]
    assert [pipeline["name"] for pipeline in listed] == ["article", "blog", "formats", "plain", "recipes"]
    assert listed[-1] == {"name": "recipes", "stages": ["cook", "serve"]}


async def test_the_language_of_an_article_has_to_be_supported_and_other_pipelines_know_theirs(
    api: httpx2.AsyncClient,
) -> None:
    item = {"topic": "T", "language": "Klingon"}
    refused_with = faults(await api.post(BULKS, json=bulk_with(item)))
    [(path, sentence)] = refused_with.items()
    assert path.endswith(".language")
    assert sentence.startswith("is not supported: use one of ar, ")
    await post(api, BULKS, bulk_with(item) | {"pipeline": "plain"})
    for known in ("en-US", "Deutsch", "zh"):
        await post(api, BULKS, bulk_with({"topic": "T", "language": known}))
