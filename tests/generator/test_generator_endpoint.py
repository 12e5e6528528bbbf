"""The generator contract over HTTP: what is answered, what is refused, and always in the same shape."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from generator.connection import LARGEST_BODY
from tests.generator.serving import TOPIC, URL, Served


def refused(response: httpx2.Response, status: int) -> str:
    """The sentence of a refusal that has the contract's shape and no sense in a retry."""
    body = response.json()
    assert response.status_code == status, body
    assert set(body) == {"success", "error", "retryable"}
    assert body["success"] is False
    assert body["retryable"] is False
    error = body["error"]
    assert isinstance(error, str)
    return error


@pytest.mark.parametrize(
    ("mode", "fields"),
    [
        ("topic", {"topic": "office plants"}),
        ("keywords", {"keywords": "office plants, low light"}),
        ("keywords", {"keywords": ["office plants"]}),
        ("trends", {"trend": "office plants", "region": "Norway"}),
        ("spin", {"source_text": "Office plants need light and a little water."}),
        ("spin", {"source_url": "https://example.com/office-plants"}),
    ],
)
async def test_each_mode_answers_an_article(shared: Served, mode: str, fields: dict[str, Any]) -> None:
    body = {**fields, "job_id": "1", "user_id": "2", "metadata": {"sku_count": 3}, "stranger": [1]}
    response = await shared.client.post(f"/api/content/generate/{mode}", json=body)
    answer = response.json()
    assert response.status_code == 200
    assert set(answer) == {"success", "content", "usage"}
    assert answer["success"] is True
    assert answer["content"].lower().startswith("# office plants")
    assert {name: type(value) for name, value in answer["usage"].items()} == {
        "input_tokens": int,
        "output_tokens": int,
        "cost": float,
    }


async def test_a_missing_topic_is_refused_for_good(shared: Served) -> None:
    assert "topic" in refused(await shared.client.post(URL, json={"keywords": ["a"]}), 422)
    assert "topic" in refused(await shared.client.post(URL, json={"topic": "?!"}), 422)


async def test_a_field_that_is_null_counts_as_not_given(shared: Served) -> None:
    response = await shared.client.post(URL, json={**TOPIC, "tone": None, "keywords": None, "target_url": None})
    assert response.status_code == 200


async def test_every_fault_of_an_item_is_named(shared: Served) -> None:
    body = {"topic": "x", "word_count": 49, "keywords": [1], "target_url": "javascript:alert(1)"}
    error = refused(await shared.client.post(URL, json=body), 422)
    assert all(name in error for name in ("word_count", "keywords", "target_url"))


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"\xff", b'{"topic": NaN}', b"[" * 100_000, b'{"a":' * 60 + b"1" + b"}" * 60]
)
async def test_a_body_that_is_no_object_is_refused(shared: Served, body: bytes) -> None:
    assert refused(await shared.client.post(URL, content=body), 400)


async def test_half_a_character_is_refused(shared: Served) -> None:
    assert "topic" in refused(await shared.client.post(URL, content=b'{"topic": "\\ud800 plants"}'), 422)


async def test_unknown_modes_paths_and_methods_are_refused_in_the_same_shape(shared: Served) -> None:
    assert "topic, keywords, trends, spin" in refused(
        await shared.client.post("/api/content/generate/poem", json=TOPIC), 404
    )
    assert refused(await shared.client.post("/api/content/poems", json=TOPIC), 404)
    assert refused(await shared.client.post(f"{URL}/", json=TOPIC), 404)
    response = await shared.client.get(URL)
    assert refused(response, 405)
    assert response.headers["allow"] == "POST"


async def test_a_body_of_more_than_a_megabyte_is_refused(shared: Served) -> None:
    async def in_pieces() -> Any:
        for _ in range(20):
            yield b" " * 100_000

    assert refused(await shared.client.post(URL, content=b" " * (LARGEST_BODY + 1)), 413)
    assert refused(await shared.client.post(URL, content=in_pieces()), 413)
    assert (await shared.client.post(URL, json=TOPIC)).status_code == 200


@pytest.mark.parametrize("key", ["", "k" * 256, "t\tb", "caf\xe9"])
async def test_a_malformed_key_is_refused(shared: Served, key: str) -> None:
    headers = {b"Idempotency-Key": key.encode("latin-1")}
    assert "Idempotency-Key" in refused(await shared.client.post(URL, json=TOPIC, headers=headers), 400)


async def test_a_crash_is_told_in_the_same_shape(shared: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    async def crash(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(shared.calls, "answer", crash)
    response = await shared.client.post(URL, json=TOPIC)
    assert response.status_code == 500
    assert response.json() == {"success": False, "error": "The generator failed; its log says why.", "retryable": True}


async def test_health_and_numbers_are_told(served: Served) -> None:
    assert (await served.client.get("/healthz")).json() == {"status": "ok"}
    await served.client.post(URL, json=TOPIC)
    await served.client.post(URL, json={})
    assert await served.stats() == {
        "calls": 2,
        "generated": 1,
        "from_store": 0,
        "joined": 0,
        "in_flight": 0,
        "abandoned": 0,
        "failed_on_request": 0,
    }
