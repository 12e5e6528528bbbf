"""Templates over the API: kept half filled, judged when submitted, taken from a stored bulk."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from jobs.storage.store import Store
from jobs.system import System
from tests.service.conftest import As
from tests.service.requesting import (
    BULKS,
    DONE,
    FAILED,
    NOTHING,
    bulk,
    end_jobs,
    faults,
    get,
    on_embedded,
    post,
    refused,
    stored,
    submit,
    submit_quick,
)

TEMPLATES = "/api/templates"


async def keep(client: httpx2.AsyncClient, name: str = "Teas", request: Any = None, **fields: Any) -> str:
    body = {"name": name, "request": bulk() if request is None else request} if not fields else {"name": name, **fields}
    template_id: str = (await post(client, TEMPLATES, body))["template"]["id"]
    return template_id


async def items_of(client: httpx2.AsyncClient, bulk_id: str) -> list[str]:
    jobs = (await get(client, f"{BULKS}/{bulk_id}"))["jobs"]
    return [(await get(client, f"/api/jobs/{job['id']}"))["job"]["topic"] for job in jobs]


async def test_a_request_is_kept_as_it_was_given_and_submitted_as_often_as_wanted(
    api: httpx2.AsyncClient, store: Store
) -> None:
    request = bulk(name="Spring", delay_seconds=0, metadata={"n": [1, 2.5, None]})
    template_id = await keep(api, request=request)
    answer = await get(api, f"{TEMPLATES}/{template_id}")
    assert answer["request"] == request
    state = answer["template"]
    assert (state["name"], state["mode"], state["pipeline"], state["total_items"]) == ("Teas", "topic", None, 10)
    assert (await get(api, TEMPLATES)) == {"templates": [state], "next_cursor": None}
    assert await stored(store) == NOTHING
    for _ in range(2):
        created = await post(api, f"{TEMPLATES}/{template_id}/submit")
        assert created["total_items"] == 10
        assert (await get(api, f"{BULKS}/{created['bulk_job_id']}"))["bulk_job"]["name"] == "Spring"
    assert (await stored(store))["bulk_jobs"] == 2


async def test_what_is_given_at_submitting_wins_and_a_name_comes_from_the_template(api: httpx2.AsyncClient) -> None:
    template_id = await keep(api, request={"mode": "topic", "max_retries": 0})
    assert faults(await api.post(f"{TEMPLATES}/{template_id}/submit")) == {"items": "is required"}
    created = await post(api, f"{TEMPLATES}/{template_id}/submit", {"items": bulk()["items"]})
    detail = (await get(api, f"{BULKS}/{created['bulk_job_id']}"))["bulk_job"]
    assert (detail["name"], detail["max_retries"]) == ("Teas", 0)
    body = {"items": bulk(12)["items"], "name": "Today"}
    named = await post(api, f"{TEMPLATES}/{template_id}/submit", body)
    assert named["total_items"] == 12
    assert (await get(api, f"{BULKS}/{named['bulk_job_id']}"))["bulk_job"]["name"] == "Today"


@on_embedded
@pytest.mark.parametrize(
    "request_",
    [{}, {"items": []}, {"mode": "spin", "items": [{}]}, {"pipeline": "formats"}, {"pipeline": "no-such-one"}],
    ids=str,
)
async def test_a_form_that_is_filled_by_half_is_kept_and_judged_when_submitted(
    api: httpx2.AsyncClient, store: Store, request_: dict[str, Any]
) -> None:
    template_id = await keep(api, request=request_)
    assert (await get(api, f"{TEMPLATES}/{template_id}"))["request"] == request_
    assert faults(await api.post(f"{TEMPLATES}/{template_id}/submit"))
    assert await stored(store) == NOTHING


@on_embedded
@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"name": "n"}, ""),
        ({"name": "n", "request": {}, "bulk_job_id": "6b027bdfe484bda5c9f5777d"}, ""),
        ({"request": {}}, "name"),
        ({"name": "", "request": {}}, "name"),
        ({"name": "n" * 201, "request": {}}, "name"),
        ({"name": "n", "request": []}, "request"),
        ({"name": "n", "request": {"mode": "poem"}}, "request.mode"),
        ({"name": "n", "request": {"nmae": "x"}}, "request.nmae"),
        ({"name": "n", "request": {"items": [{"topic": 5}]}}, "request.items.0.topic"),
        ({"name": "n", "request": {"items": [{"a.b": 5}]}}, "request.items.0.a.b"),
        ({"name": "n", "request": {}, "mode": "topic"}, "mode"),
    ],
)
async def test_what_can_never_be_submitted_is_not_kept(api: httpx2.AsyncClient, body: Any, path: str) -> None:
    assert faults(await api.post(TEMPLATES, json=body)).keys() == {path}
    assert (await get(api, TEMPLATES))["templates"] == []


async def test_a_template_is_changed_renamed_and_removed(api: httpx2.AsyncClient) -> None:
    template_id = await keep(api)
    url = f"{TEMPLATES}/{template_id}"
    assert (await api.patch(url, json={"name": "Milks"})).json()["template"]["name"] == "Milks"
    assert (await api.patch(url, json={"request": {"pipeline": "blog"}})).json()["template"]["pipeline"] == "blog"
    assert (await get(api, url))["request"] == {"pipeline": "blog"}
    assert faults(await api.patch(url, json={})) == {"": "name something to change: name, request"}
    assert (await api.delete(url)).json() == {"success": True, "message": "Template removed"}
    for method, address in (("GET", url), ("PATCH", url), ("DELETE", url), ("POST", f"{url}/submit")):
        body: dict[str, Any] = {"json": {"name": "x"}} if method == "PATCH" else {}
        assert refused(await api.request(method, address, **body), 404) == "There is no such template."


async def test_a_name_is_an_owner_s_once_and_free_for_others(api: httpx2.AsyncClient, as_user: As) -> None:
    first = await keep(api)
    sentence = "There is a template of the name Teas already: choose another name, or remove that one first."
    assert refused(await api.post(TEMPLATES, json={"name": " Teas ", "request": {}}), 409) == sentence
    second = await keep(api, "Milks")
    assert refused(await api.patch(f"{TEMPLATES}/{second}", json={"name": "Teas"}), 409) == sentence
    other = as_user("other")
    await keep(other)
    assert len((await get(other, TEMPLATES))["templates"]) == 1
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/submit")):
        body: dict[str, Any] = {"json": {"name": "x"}} if method == "PATCH" else {}
        refused(await other.request(method, f"{TEMPLATES}/{first}{path}", **body), 404)
    refused(await other.post(TEMPLATES, json={"name": "x", "bulk_job_id": await submit(api)}), 404)


@on_embedded
async def test_pages_of_templates_hang_together(api: httpx2.AsyncClient) -> None:
    for number in range(5):
        await keep(api, f"t{number}", {})
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await get(api, TEMPLATES, limit=2, **cursor)
        seen += [template["name"] for template in page["templates"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert sorted(seen) == [f"t{number}" for number in range(5)]
    assert faults(await api.get(TEMPLATES, params={"cursor": "x"})).keys() == {"cursor"}


async def test_a_template_submitted_twice_under_one_key_is_one_bulk(api: httpx2.AsyncClient, store: Store) -> None:
    template_id = await keep(api)
    url, key = f"{TEMPLATES}/{template_id}/submit", {"Idempotency-Key": "k"}
    first, repeat = await api.post(url, headers=key), await api.post(url, headers=key)
    assert (first.status_code, first.content) == (200, repeat.content)
    refused(await api.post(url, json={"name": "Other"}, headers=key), 409)
    await api.patch(f"{TEMPLATES}/{template_id}", json={"request": bulk(11)})
    refused(await api.post(url, headers=key), 409)
    assert (await stored(store))["bulk_jobs"] == 1


async def test_a_stored_bulk_becomes_a_template(api: httpx2.AsyncClient) -> None:
    bulk_id = await submit(api, name="Spring", max_retries=1)
    template_id = await keep(api, "From a bulk", bulk_job_id=bulk_id)
    request = (await get(api, f"{TEMPLATES}/{template_id}"))["request"]
    assert (request["name"], request["max_retries"], request["items"][0]["topic"]) == ("Spring", 1, "Topic 1")
    created = await post(api, f"{TEMPLATES}/{template_id}/submit")
    assert await items_of(api, created["bulk_job_id"]) == await items_of(api, bulk_id)


@pytest.mark.parametrize("end", ["queued", "completed", "cancelled"])
async def test_a_bulk_is_submitted_again_whatever_became_of_it(
    api: httpx2.AsyncClient, system: System, store: Store, end: str
) -> None:
    bulk_id = await submit_quick(api, name="Spring")
    if end == "completed":
        await end_jobs(system, DONE, FAILED, *[DONE] * 8)
    elif end == "cancelled":
        await post(api, f"{BULKS}/{bulk_id}/cancel")
    created = await post(api, f"{BULKS}/{bulk_id}/again")
    assert created.keys() == {"success", "bulk_job_id", "total_items", "message"}
    again = await get(api, f"{BULKS}/{created['bulk_job_id']}")
    first = await get(api, f"{BULKS}/{bulk_id}")
    assert (again["bulk_job"]["status"], first["bulk_job"]["status"]) == ("queued", end)
    same = ("name", "mode", "delay_seconds", "max_retries", "parallelism", "stagger_ms", "priority", "pipeline")
    assert {name: again["bulk_job"][name] for name in same} == {name: first["bulk_job"][name] for name in same}
    assert await items_of(api, created["bulk_job_id"]) == await items_of(api, bulk_id)
    assert (await stored(store))["bulk_jobs"] == 2


async def test_again_under_one_key_is_one_bulk_and_nobody_else_s(
    api: httpx2.AsyncClient, as_user: As, store: Store
) -> None:
    bulk_id = await submit(api)
    url, key = f"{BULKS}/{bulk_id}/again", {"Idempotency-Key": "k"}
    first, repeat = await api.post(url, headers=key), await api.post(url, headers=key)
    assert (first.status_code, first.content) == (200, repeat.content)
    assert (await stored(store))["bulk_jobs"] == 2
    assert refused(await as_user("other").post(url), 404) == "There is no such bulk job."
    refused(await api.post(f"{BULKS}/nonsense/again"), 404)


@on_embedded
async def test_an_article_is_submitted_again_as_one_article(api: httpx2.AsyncClient) -> None:
    one = await post(api, "/api/jobs", {"mode": "topic", "topic": "tea", "word_count": 70, "extra": {"n": 1}})
    created = await post(api, f"{BULKS}/{one['bulk_job_id']}/again")
    assert created["total_items"] == 1
    detail = await get(api, f"{BULKS}/{created['bulk_job_id']}")
    job = (await get(api, f"/api/jobs/{detail['jobs'][0]['id']}"))["job"]
    assert (detail["bulk_job"]["kind"], job["topic"], job["word_count"]) == ("single", "tea", 70)


@on_embedded
async def test_a_bulk_that_today_s_rules_refuse_is_not_submitted_again(
    api: httpx2.AsyncClient, blogger: httpx2.AsyncClient, store: Store
) -> None:
    request = bulk(pipeline="blog")
    bulk_id = (await post(blogger, BULKS, request))["bulk_job_id"]
    before = await stored(store)
    assert faults(await api.post(f"{BULKS}/{bulk_id}/again")).keys() == {"pipeline"}
    assert await stored(store) == before
