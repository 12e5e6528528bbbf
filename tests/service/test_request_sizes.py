"""How much a request may be: values in its body, bytes of who is not known, its address and headers."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from jobs.errors import InvalidInput
from jobs.storage.store import Store
from service.server import MAX_HEAD_BYTES
from service.wire.body import LARGE_BYTES, MAX_BODY_BYTES
from service.wire.json_body import check_storable, json_of
from service.wire.json_size import MAX_VALUES, OPENING, holds_too_many_values
from tests.service.conftest import As, WithKey
from tests.service.requesting import BULKS, JSON, NOTHING, bulk, on_embedded, refused, stored
from tests.service.test_api_served import url

__all__ = ["url"]
TOO_MANY = "The body holds too many values: send fewer items at once."
CROWDED = [b"[],", b"{},", b"1,", b'"",', b'{"a":1},', b'"\\"",', b'["a,",]']


def filled_with(text: bytes) -> bytes:
    return b"[" + text * ((MAX_BODY_BYTES - 10) // len(text)) + b"1]"


@pytest.mark.parametrize("text", CROWDED)
@on_embedded
async def test_a_body_of_millions_of_values_is_refused(api: httpx2.AsyncClient, store: Store, text: bytes) -> None:
    answer = await api.post(BULKS, content=filled_with(text), headers=JSON)
    assert refused(answer, 400) == TOO_MANY
    assert await stored(store) == NOTHING


def test_a_bulk_of_ten_thousand_items_with_thirty_fields_is_none_too_many() -> None:
    item = {f"field {number}": ["a, b", {"c": 1}][number % 2] for number in range(30)}
    text = json.dumps({"mode": "topic", "items": [item] * 10_000})
    assert len(text) < MAX_BODY_BYTES
    check_storable(json_of(text.encode()))


def test_commas_and_brackets_in_texts_are_no_values() -> None:
    text = json.dumps([r"a,[{\"," * 100_000 + "\\"] * 8)
    assert text.count(",") > MAX_VALUES
    assert not holds_too_many_values(text)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='",[]{}\\a'),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(alphabet='",\\a'), inner),
)


def values_in(value: Any) -> int:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(values_in, children))


@given(value=JSON_VALUES)
def test_no_value_is_passed_over_and_no_text_is_taken_for_one(value: Any) -> None:
    """The exact way of counting, told by a text that has no room for any more."""
    text = json.dumps(value, ensure_ascii=False)
    filler = ",".join(["0"] * (MAX_VALUES - 2 * values_in(value) - 2))
    assert not holds_too_many_values(f"[{text},{filler}]")
    filler = ",".join(["0"] * (MAX_VALUES - values_in(value) + 1))
    assert holds_too_many_values(f"[{text},{filler}]")


@given(value=JSON_VALUES | st.floats() | st.text())
def test_what_is_found_storable_at_a_glance_is_what_has_no_fault(value: Any) -> None:
    from service.wire.json_body import _is_storable, _text_faults

    assert _is_storable(value) == (next(_text_faults(value, "", 0), None) is None)


@pytest.mark.parametrize("depth", [20, 21, 22])
def test_a_glance_sees_how_deep_it_is_nested(depth: int) -> None:
    value: object = "x"
    for _ in range(depth):
        value = [value]
    if depth > 20:
        with pytest.raises(InvalidInput):
            check_storable(value)
    else:
        check_storable(value)


@on_embedded
async def test_of_who_is_not_known_no_large_body_is_kept_or_looked_through(
    keyed_app: FastAPI, open_client: As, with_key: WithKey
) -> None:
    nobody, somebody = open_client(keyed_app), await with_key()
    broken = b"{" * (LARGE_BYTES + 1)
    for path in (BULKS, f"{BULKS}/upload", "/bulks/new", "/api/nowhere"):
        answer = await nobody.post(path, content=broken, headers={**JSON, "Accept": "application/json"})
        assert refused(answer, 401) == "Unauthorized", path
    assert refused(await nobody.post(BULKS, content=filled_with(b"[],"), headers=JSON), 401) == "Unauthorized"
    refused(await somebody.post(BULKS, content=broken, headers=JSON), 400)
    refused(await nobody.post(BULKS, content=b"{", headers=JSON), 400)
    refused(await nobody.post(BULKS, json=bulk()), 401)


@on_embedded
async def test_a_large_form_of_who_is_not_signed_in_leads_to_the_sign_in(keyed_app: FastAPI, open_client: As) -> None:
    form = {"lines": "tea\n" * LARGE_BYTES}
    answer = await open_client(keyed_app).post("/bulks/new", data=form, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/")


async def answered(url: str, *parts: bytes) -> tuple[int, dict[str, Any]]:
    """What a real server answers to these bytes before it closes the connection."""
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.close()
    return int(head.split()[1]), json.loads(body)


LONG = b"a" * 1000
TOO_LONG = (431, {"error": "The address and headers are too long."})


@on_embedded
async def test_heads_have_an_end(url: str) -> None:
    begun = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    headers = [b"X-%d: " % number + LONG + b"\r\n" for number in range(2 * MAX_HEAD_BYTES // 1000)]
    assert await answered(url, begun, *headers) == TOO_LONG
    assert await answered(url, begun, b"X: ", *[LONG] * 200) == TOO_LONG
    assert await answered(url, b"GET /", *[LONG] * 200) == TOO_LONG


@on_embedded
async def test_what_is_no_http_is_answered_in_json(url: str) -> None:
    assert await answered(url, b"tea, please\r\n\r\n") == (400, {"error": "This is no HTTP request that can be read."})


@on_embedded
async def test_what_follows_a_body_is_no_header(url: str) -> None:
    chunked = b"POST /api/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    trailer = b"X-Forwarded-For: 10.0.0.1\r\nContent-Type: application/json\r\n\r\n"
    status, _ = await answered(url, chunked, b"2\r\n{}\r\n0\r\n", trailer)
    assert status == 415


def test_what_is_counted_is_what_opens_and_parts() -> None:
    assert sorted(OPENING) == [",", "[", "{"]
