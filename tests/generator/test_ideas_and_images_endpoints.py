"""The routes for ideas and images, and what an order may wish, over HTTP with the demo writer."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import httpx2
import pytest

from generator.settings import Settings
from tests.generator.serving import TOPIC, URL, Served, serving

IDEAS = "/api/content/ideas"
IMAGE = "/api/content/image"
ORDERS = [(IDEAS, {"mode": "topic", **TOPIC}), (IMAGE, {"prompt": "A desk with a plant"})]


def refused(response: httpx2.Response) -> str:
    body = response.json()
    assert (response.status_code, body["success"], body["retryable"]) == (422, False, False)
    return str(body["error"])


@pytest.mark.parametrize(
    ("mode", "fields"),
    [
        ("topic", {"topic": "office plants", "stranger": [1]}),
        ("keywords", {"keywords": "office plants, low light"}),
        ("trends", {"trend": "office plants"}),
        ("spin", {"source_url": "https://example.com/office-plants"}),
    ],
)
async def test_each_mode_answers_ideas(shared: Served, mode: str, fields: dict[str, Any]) -> None:
    body = (await shared.client.post(IDEAS, json={"mode": mode, **fields})).json()
    content = body["content"]
    assert set(body) == {"success", "content", "usage"}
    assert set(content) == {"ideas", "recommended"}
    assert len(content["ideas"]) == 5
    assert 0 <= content["recommended"] < 5
    for idea in content["ideas"]:
        assert set(idea) == {"title", "summary", "angle", "keywords"}
        assert "office plants" in idea["title"].lower()


@pytest.mark.parametrize("count", [1, 10])
async def test_as_many_ideas_come_as_are_asked_for(shared: Served, count: int) -> None:
    response = await shared.client.post(IDEAS, json={"mode": "topic", **TOPIC, "count": count})
    assert len(response.json()["content"]["ideas"]) == count


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"topic": "a"}, "mode: must be one of topic, keywords, trends, spin."),
        ({"mode": "poem", "topic": "a"}, "mode"),
        ({"mode": ["topic"], "topic": "a"}, "mode"),
        ({"mode": "topic"}, "topic"),
        ({"mode": "topic", "topic": "a", "count": 0}, "count"),
        ({"mode": "topic", "topic": "a", "count": 11}, "count"),
        ({"mode": "topic", "topic": "a", "count": "many"}, "count"),
    ],
)
async def test_an_order_for_ideas_that_cannot_be_is_refused(shared: Served, body: dict[str, Any], named: str) -> None:
    assert named in refused(await shared.client.post(IDEAS, json=body))


def pixels(data: bytes) -> tuple[int, int, bytes]:
    """Width, height and rows of a PNG, each chunk checked as a viewer does it."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    chunks: dict[bytes, bytes] = {}
    at = 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length]) == (zlib.crc32(kind + body),)
        chunks[kind] = body
        at += 12 + length
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    width, height = struct.unpack(">II", chunks[b"IHDR"][:8])
    assert chunks[b"IHDR"][8:] == b"\x08\x02\0\0\0"
    return width, height, zlib.decompress(chunks[b"IDAT"])


@pytest.mark.parametrize("size", [None, "16x16", "1024x768", "2048x2048"])
async def test_the_demo_draws_a_png_of_the_asked_size(shared: Served, size: str | None) -> None:
    response = await shared.client.post(IMAGE, json={"prompt": "A desk\nwith a plant", "size": size})
    content = response.json()["content"]
    assert set(content) == {"data", "content_type", "width", "height", "alt"}
    width, height, rows = pixels(base64.b64decode(content["data"]))
    assert (content["width"], content["height"]) == (width, height)
    assert size in {None, f"{width}x{height}"}
    assert len(rows) == height * (1 + 3 * width)
    assert (content["content_type"], content["alt"]) == ("image/png", "A desk with a plant")


async def test_the_same_prompt_gives_the_same_picture_and_another_another(shared: Served) -> None:
    orders = [{"prompt": "a"}, {"prompt": " a "}, {"prompt": "b"}, {"prompt": "a", "style": "b"}]
    answers = [(await shared.client.post(IMAGE, json=order)).json()["content"]["data"] for order in orders]
    assert answers[0] == answers[1]
    assert len(set(answers)) == 3


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "prompt"),
        ({"prompt": " \n "}, "prompt"),
        ({"prompt": "x" * 4_001}, "prompt"),
        ({"prompt": ["a"]}, "prompt"),
        ({"prompt": "a", "size": "big"}, "size"),
        ({"prompt": "a", "size": "9999x10"}, "size: each side has 16 to 2048 pixels."),
        ({"prompt": "a", "size": "1000000x1000000"}, "size"),
        ({"prompt": "a", "style": 7}, "style"),
    ],
)
async def test_an_order_for_a_picture_that_cannot_be_is_refused(
    shared: Served, body: dict[str, Any], named: str
) -> None:
    assert named in refused(await shared.client.post(IMAGE, json=body))


@pytest.mark.parametrize(
    ("wish", "named"),
    [
        ({"component": "epilogue"}, "component"),
        ({"findings": "Too short."}, "findings"),
        ({"findings": ["x"] * 101}, "findings"),
        ({"idea": {"summary": "no title"}}, "idea.title"),
        ({"idea": "?!"}, "a title has at least one letter or digit"),
        ({"template": {"name": "thread"}}, "template"),
    ],
)
async def test_a_wish_that_cannot_be_fulfilled_is_refused(shared: Served, wish: dict[str, Any], named: str) -> None:
    assert named in refused(await shared.client.post(URL, json={**TOPIC, **wish}))


@pytest.mark.parametrize(("url", "body"), ORDERS)
async def test_a_repeated_key_is_answered_from_the_store(served: Served, url: str, body: dict[str, Any]) -> None:
    headers = {"Idempotency-Key": "job:idea-generation:hash:0"}
    first, again = [await served.client.post(url, json=body, headers=headers) for _ in range(2)]
    assert first.json() == again.json()
    stats = await served.stats()
    assert (stats["generated"], stats["from_store"]) == (1, 1)
    other = await served.client.post(URL, json={**TOPIC, **body}, headers=headers)
    assert other.status_code == 409


@pytest.mark.parametrize(("url", "body"), ORDERS)
async def test_answers_that_are_objects_are_remembered_over_a_restart(
    tmp_path: Any, url: str, body: dict[str, Any]
) -> None:
    settings = Settings(latency_seconds=0, store_file=tmp_path / "generator.jsonl")
    headers = {"Idempotency-Key": "k"}
    async with serving(settings) as served:
        first = await served.client.post(url, json=body, headers=headers)
    async with serving(settings) as served:
        again = await served.client.post(url, json=body, headers=headers)
        assert (await served.stats())["from_store"] == 1
    assert again.json() == first.json()


@pytest.mark.parametrize(("url", "body"), ORDERS)
async def test_drawing_and_thinking_stop_when_the_caller_hangs_up(
    served_slowly: Served, url: str, body: dict[str, Any]
) -> None:
    with pytest.raises(httpx2.ReadTimeout):
        await served_slowly.client.post(url, json=body, timeout=0.2)
    await served_slowly.until("abandoned", 1)


@pytest.mark.parametrize(("url", "body"), ORDERS)
async def test_failures_on_request_befall_every_route(url: str, body: dict[str, Any]) -> None:
    async with serving(Settings(rate_500=1, store_file=None)) as served:
        assert (await served.client.post(url, json=body)).status_code == 500
