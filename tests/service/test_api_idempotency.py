"""Idempotency-Key: the same request twice is one bulk, whoever is slow, and a refused one is not kept."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from bson import ObjectId

import jobs.creation
from jobs.creation import REPEAT_WAIT
from jobs.storage.store import Document, Store
from service.rules.request_rules import body_hash
from service.schemas.requests import BulkCreate
from tests.service.conftest import As
from tests.service.requesting import (
    BULKS,
    JOBS,
    JSON,
    NOTHING,
    OWNER,
    bulk,
    bulk_with,
    faults,
    get,
    on_embedded,
    refused,
    stored,
)
from tests.support.clock import MovableClock

ONE_BULK = {"bulk_jobs": 1, "generation_jobs": 10, "creations": 1}
ARTICLE = {"mode": "topic", "topic": "tea"}


async def send(client: httpx2.AsyncClient, key: str, body: Any = None, url: str = BULKS) -> httpx2.Response:
    return await client.post(url, json=bulk() if body is None else body, headers={"Idempotency-Key": key})


async def test_a_repeat_gets_the_first_answer_and_makes_nothing(api: httpx2.AsyncClient, store: Store) -> None:
    first = await send(api, "order-7")
    again = await send(api, "order-7")
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.content == again.content
    assert await stored(store) == ONE_BULK


async def test_a_repeated_article_gets_the_first_answer(api: httpx2.AsyncClient, store: Store) -> None:
    first = await send(api, "k", ARTICLE, JOBS)
    again = await send(api, "k", ARTICLE, JOBS)
    assert first.status_code == 200
    assert first.content == again.content
    assert await stored(store) == {"bulk_jobs": 1, "generation_jobs": 1, "creations": 1}


async def test_a_bare_key_and_a_quoted_one_are_the_same(api: httpx2.AsyncClient, store: Store) -> None:
    answers = {(await send(api, key)).text for key in ("abc", '"abc"', ' "abc" ')}
    assert len(answers) == 1
    assert await stored(store) == ONE_BULK


async def test_the_same_body_written_in_another_way_is_the_same(api: httpx2.AsyncClient, store: Store) -> None:
    headers = {**JSON, "Idempotency-Key": "k"}
    body = {"name": "é", **bulk_with({"topic": "x", "one": 1, "two": {"a": 1, "b": 2}})}
    turned = {**bulk_with({"two": {"b": 2, "a": 1}, "one": 1, "topic": "x"}), "name": "é"}
    written = [json.dumps(body), json.dumps(body, indent=4, ensure_ascii=False), json.dumps(turned)]
    answers = [await api.post(BULKS, content=content.encode(), headers=headers) for content in written]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len({answer.text for answer in answers}) == 1
    assert await stored(store) == ONE_BULK


async def test_the_same_key_with_another_body_is_refused(api: httpx2.AsyncClient, store: Store) -> None:
    await send(api, "k")
    sentence = "This Idempotency-Key was used before with another body: use a new key for a new request."
    for body in (bulk(11), bulk(name="other"), bulk(mode="topic", delay_seconds=1)):
        assert refused(await send(api, "k", body), 409) == sentence
    assert refused(await send(api, "k", ARTICLE, JOBS), 409) == sentence
    assert await stored(store) == ONE_BULK


async def test_another_user_may_use_the_same_key(as_user: As, store: Store) -> None:
    mine, theirs = await send(as_user(OWNER), "k"), await send(as_user("other"), "k", bulk(12))
    assert (mine.status_code, theirs.status_code) == (200, 200)
    assert mine.json()["bulk_job_id"] != theirs.json()["bulk_job_id"]
    assert (await stored(store))["bulk_jobs"] == 2


async def test_without_a_key_the_same_body_twice_is_two_bulks(api: httpx2.AsyncClient, store: Store) -> None:
    for _ in range(2):
        await api.post(BULKS, json=bulk())
    assert await stored(store) == {"bulk_jobs": 2, "generation_jobs": 20, "creations": 0}


async def test_a_refused_request_is_not_kept(api: httpx2.AsyncClient, store: Store) -> None:
    refused(await send(api, "k", bulk(9)), 400)
    refused(await send(api, "k", bulk(pipeline="blog")), 400)
    assert await stored(store) == NOTHING
    assert (await send(api, "k", bulk(10))).status_code == 200
    assert await stored(store) == ONE_BULK


async def test_a_key_is_kept_for_a_day(api: httpx2.AsyncClient, store: Store, clock: MovableClock) -> None:
    await send(api, "k")
    creation = await store.collection("creations").find_one({"key": "k"})
    assert creation is not None
    assert creation["expires_at"] == clock.now() + timedelta(hours=24)


@pytest.mark.parametrize("key", ["", " ", '""', "k" * 256, "tab\tin it", "\x7f"])
@on_embedded
async def test_a_key_that_is_none_is_refused(api: httpx2.AsyncClient, store: Store, key: str) -> None:
    assert faults(await send(api, key)).keys() == {"Idempotency-Key"}
    assert await stored(store) == NOTHING


@pytest.mark.parametrize("key", ["k", "k" * 255, '"', "550e8400-e29b-41d4-a716-446655440000", "a$b.c {}"])
@on_embedded
async def test_a_key_may_be_any_printable_text(api: httpx2.AsyncClient, store: Store, key: str) -> None:
    assert (await send(api, key)).text == (await send(api, key)).text
    assert await stored(store) == ONE_BULK


async def test_many_at_once_make_one_bulk_and_get_one_answer(api: httpx2.AsyncClient, store: Store) -> None:
    answers = await asyncio.gather(*(send(api, "k") for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert await stored(store) == ONE_BULK


async def test_of_two_bodies_at_once_under_one_key_one_is_refused(api: httpx2.AsyncClient, store: Store) -> None:
    answers = await asyncio.gather(send(api, "k", bulk(10)), send(api, "k", bulk(11)))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert (await stored(store))["bulk_jobs"] == 1


async def store_unfinished(store: Store, clock: MovableClock) -> Document:
    """What a first request leaves that is still storing its jobs."""
    creation: Document = {
        "_id": ObjectId(),
        "userId": OWNER,
        "key": "k",
        "body_hash": body_hash(BulkCreate.model_validate(bulk())),
        "bulk_id": ObjectId(),
        "first_job_id": ObjectId(),
        "total_items": 10,
        "state": "writing",
        "until": clock.now() + timedelta(minutes=1),
    }
    await store.collection("creations").insert_one(creation)
    return creation


async def test_a_repeat_waits_for_the_first_and_then_says_to_come_again(
    api: httpx2.AsyncClient, store: Store, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs.creation, "REPEAT_WAIT", timedelta(milliseconds=100))
    await store_unfinished(store, clock)
    response = await send(api, "k")
    sentence = "The first request with this Idempotency-Key is still being worked on: ask again in a moment."
    assert refused(response, 409) == sentence
    assert int(response.headers["retry-after"]) >= 1
    assert await stored(store) == {**NOTHING, "creations": 1}


def test_a_repeat_waits_for_up_to_five_seconds() -> None:
    assert REPEAT_WAIT.total_seconds() == 5


async def test_a_repeat_that_waits_gets_the_answer_of_the_first_once_it_is_there(
    api: httpx2.AsyncClient, store: Store, clock: MovableClock
) -> None:
    first = await store_unfinished(store, clock)
    waiting = asyncio.create_task(send(api, "k"))
    await store.collection("creations").update_one({"_id": first["_id"]}, {"$set": {"state": "done"}})
    answer = (await waiting).json()
    assert (answer["bulk_job_id"], answer["total_items"]) == (str(first["bulk_id"]), 10)


async def test_another_body_is_told_at_once_even_while_the_first_is_under_way(
    api: httpx2.AsyncClient, store: Store, clock: MovableClock
) -> None:
    await store_unfinished(store, clock)
    refused(await send(api, "k", bulk(11)), 409)


async def test_a_repeat_after_the_bulk_has_gone_on_still_gets_the_first_answer(api: httpx2.AsyncClient) -> None:
    first = (await send(api, "k")).json()
    await api.post(f"{BULKS}/{first['bulk_job_id']}/cancel")
    assert (await send(api, "k")).json() == first
    assert len((await get(api, BULKS))["bulk_jobs"]) == 1
