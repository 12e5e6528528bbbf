"""Bodies that no route gets to see: too large, no JSON, of another type, or with text that cannot be stored."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from starlette.types import Message

from jobs.storage.store import Store
from service.wire.body import MAX_BODY_BYTES
from tests.service.requesting import BULKS, JOBS, JSON, NOTHING, bulk, bulk_with, faults, on_embedded, refused, stored

GOOD = json.dumps(bulk())
DEEP = 100_000


def with_item(text: str) -> str:
    """A bulk of which one item is written as this JSON text."""
    return json.dumps(bulk_with({"topic": "HERE"})).replace('{"topic": "HERE"}', text)


BROKEN: list[str | bytes] = [
    "{",
    GOOD[:-1],
    GOOD + "}",
    GOOD + GOOD,
    GOOD.replace('"', "'"),
    "mode=topic",
    "{'mode': 'topic'}",
    '{"mode":"topic",}',
    '{"mode":"topic" /* */}',
    "\ufeff" + GOOD,
    GOOD.encode("utf-16"),
    b'{"name":"\xff"}',
    b'{"name":"\xed\xa0\x80"}',
    with_item('{"topic":NaN}'),
    with_item('{"topic":"x","n":NaN}'),
    with_item('{"topic":"x","n":Infinity}'),
    with_item('{"topic":"x","n":-Infinity}'),
    with_item('{"topic":"x","topic":"y"}'),
    with_item('{"topic":"x","n":{"a":1,"b":2,"a":1}}'),
    with_item('{"topic":"x","n":' + "1" * 5_000 + "}"),
    '{"mode":"topic","mode":"topic"}',
    with_item('{"topic":"x","deep":' + "[" * DEEP + "]" * DEEP + "}"),
    '{"a":' * DEEP + "1" + "}" * DEEP,
    "\x00",
    '{"name":"\x00"}',
    '{"name":"line\nbreak"}',
]

NOT_STORABLE = [
    ('{"topic":"\\ud800"}', "items.3.topic"),
    ('{"topic":"x\\udc00y"}', "items.3.topic"),
    ('{"topic":"\\ude00\\ud83d"}', "items.3.topic"),
    ('{"topic":"a\\u0000b"}', "items.3.topic"),
    ('{"topic":"x","more":{"a":["ok","\\ud800"]}}', "items.3.more.a.1"),
    ('{"topic":"x","\\ud800":1}', "items.3.?"),
    ('{"topic":"x","a\\u0000b":1}', "items.3.a\x00b"),
    ('{"topic":"x","$where":"1"}', "items.3.$where"),
    ('{"topic":"x","$set":{"status":"completed"}}', "items.3.$set"),
    ('{"topic":{"$gt":""}}', "items.3.topic.$gt"),
    ('{"topic":"x","a.b":1}', "items.3.a.b"),
    ('{"topic":"x","lease.token":1}', "items.3.lease.token"),
    ('{"topic":"x","":1}', "items.3."),
    ('{"topic":"x","more":{"deeper":{"a.b":1}}}', "items.3.more.deeper.a.b"),
    ('{"topic":"x","n":9223372036854775808}', "items.3.n"),
    ('{"topic":"x","n":-9223372036854775809}', "items.3.n"),
    ('{"topic":"x","n":' + "9" * 4_000 + "}", "items.3.n"),
    ('{"topic":"x","n":1e999}', "items.3.n"),
    ('{"topic":"x","n":[-1e999]}', "items.3.n.0"),
    ('{"topic":"x","more":' + json.dumps(dict.fromkeys(map(str, range(1_001)))) + "}", "items.3.more"),
]


@pytest.mark.parametrize("content", BROKEN, ids=range(len(BROKEN)))
async def test_what_is_not_json_is_refused(
    refusing: httpx2.AsyncClient, empty_store: Store, content: str | bytes
) -> None:
    for url in (BULKS, f"{BULKS}/validate", JOBS):
        assert faults(await refusing.post(url, content=content, headers=JSON)).keys() == {""}
    assert await stored(empty_store) == NOTHING


@pytest.mark.parametrize(("item", "path"), NOT_STORABLE, ids=range(len(NOT_STORABLE)))
async def test_text_keys_and_numbers_that_cannot_be_stored_are_refused(
    refusing: httpx2.AsyncClient, empty_store: Store, item: str, path: str
) -> None:
    assert faults(await refusing.post(BULKS, content=with_item(item), headers=JSON)).keys() == {path}
    assert await stored(empty_store) == NOTHING


@on_embedded
async def test_nesting_has_an_end(api: httpx2.AsyncClient, store: Store) -> None:
    for depth, status in ((18, 200), (19, 400), (900, 400)):
        item = '{"topic":"x","deep":' + "[" * depth + "]" * depth + "}"
        response = await api.post(f"{BULKS}/validate", content=with_item(item), headers=JSON)
        assert response.status_code == status
        if status == 400:
            assert list(faults(response).values()) == ["must not be nested more than 20 deep"]


async def test_nothing_of_any_refused_text_is_stored(api: httpx2.AsyncClient, store: Store) -> None:
    """Both stores."""
    for content in [*BROKEN, *(with_item(item) for item, _ in NOT_STORABLE)]:
        refused(await api.post(BULKS, content=content, headers={**JSON, "Idempotency-Key": "k"}), 400)
    assert await stored(store) == NOTHING


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonp",
        "application/octet-stream",
        "application/problem+json",
        "json",
    ],
)
async def test_a_body_of_another_type_is_refused(
    refusing: httpx2.AsyncClient, empty_store: Store, content_type: str
) -> None:
    for url in (BULKS, f"{BULKS}/validate", JOBS):
        response = await refusing.post(url, content=GOOD, headers={"Content-Type": content_type})
        sentence = "The body must be JSON: send it with Content-Type: application/json."
        assert refused(response, 415) == sentence
    assert await stored(empty_store) == NOTHING


async def test_a_body_without_a_type_is_refused(refusing: httpx2.AsyncClient, empty_store: Store) -> None:
    response = await refusing.post(BULKS, content=GOOD)
    assert "content-type" not in response.request.headers
    refused(response, 415)
    assert await stored(empty_store) == NOTHING


async def test_no_body_at_all_is_a_missing_one(refusing: httpx2.AsyncClient, empty_store: Store) -> None:
    for headers in ({}, JSON):
        for url in (BULKS, f"{BULKS}/validate", JOBS):
            assert faults(await refusing.post(url, headers=headers)) == {"": "is required"}
    assert await stored(empty_store) == NOTHING


async def test_a_body_of_nine_megabytes_is_refused(api: httpx2.AsyncClient, store: Store) -> None:
    content = json.dumps(bulk(metadata={"m": "m" * 9 * 2**20}))
    sentence = "The body is larger than 8 MB: send fewer items at once."
    assert refused(await api.post(BULKS, content=content, headers=JSON), 413) == sentence
    assert refused(await api.post(f"{BULKS}/validate", content=content, headers=JSON), 413) == sentence
    assert await stored(store) == NOTHING


@on_embedded
async def test_a_body_of_eight_megabytes_is_read(api: httpx2.AsyncClient) -> None:
    padded = GOOD + " " * (MAX_BODY_BYTES - len(GOOD))
    assert (await api.post(f"{BULKS}/validate", content=padded, headers=JSON)).json()["valid"] is True
    refused(await api.post(f"{BULKS}/validate", content=padded + " ", headers=JSON), 413)


@on_embedded
async def test_half_a_request_does_nothing(app: FastAPI, api: httpx2.AsyncClient) -> None:
    """Its sender has hung up: what arrived may say something else than what was meant (a pause without its mode)."""
    bulk_id = (await api.post(BULKS, json=bulk())).json()["bulk_job_id"]
    answered: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        answered.append(message)

    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": f"{BULKS}/{bulk_id}/pause",
        "query_string": b"",
        "headers": [(b"host", b"localhost"), (b"x-pressrun-user", b"owner"), (b"content-length", b"16")],
    }
    await app(scope, receive, send)
    assert answered == []
    assert (await api.get(f"{BULKS}/{bulk_id}")).json()["bulk_job"]["status"] == "queued"
