"""Ideas and images of a model: read, checked and passed on, or a sentence that says what is wrong with them."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import httpx2
import pytest

from generator.openai.shaping import LARGEST_IMAGE
from generator.png import drawn
from tests.generator.modelling import COST, KEY, Modelled, modelled
from tests.generator.openai_server import (
    DONE,
    USAGE,
    Exchange,
    Script,
    answering,
    complaint,
    ending,
    streaming,
    words,
    writing,
)

THREE = [
    {"title": "Plants that forgive", "summary": "Ten of them.", "angle": "For the lazy.", "keywords": ["easy"]},
    {"title": "Plants and rent", "summary": "", "angle": "", "keywords": []},
    {"title": "Plants by night", "summary": "", "angle": "", "keywords": []},
]
IDEAS = {"ideas": THREE, "recommended": 2}
PNG = drawn("a desk", 16, 16)


async def ideas(model: Modelled, **fields: Any) -> httpx2.Response:
    body = {"mode": "topic", "topic": "office plants", "count": 3, **fields}
    return await model.served.client.post("/api/content/ideas", json=body)


async def image(model: Modelled, **fields: Any) -> httpx2.Response:
    return await model.served.client.post("/api/content/image", json={"prompt": "A desk with a plant", **fields})


@pytest.mark.parametrize(
    "told",
    [json.dumps(IDEAS), f"Here you are:\n```json\n{json.dumps(IDEAS, indent=1)}\n```\nEnjoy!"],
    ids=["bare", "wrapped"],
)
async def test_ideas_are_read_out_of_what_the_model_says(told: str) -> None:
    async with modelled(writing(told)) as model:
        response = await ideas(model)
        assert "3 different ideas" in model.prompt
    assert response.status_code == 200
    assert response.json()["content"] == IDEAS
    assert response.json()["usage"]["cost"] == pytest.approx(COST)


async def test_more_ideas_than_asked_for_are_cut_off() -> None:
    async with modelled(writing(json.dumps(IDEAS))) as model:
        content = (await ideas(model, count=2)).json()["content"]
    assert content == {"ideas": THREE[:2], "recommended": 0}


@pytest.mark.parametrize(
    "told",
    [
        "I have no ideas.",
        "}{",
        '{"ideas": []}',
        '{"ideas": [{"title": "?!"}]}',
        '{"ideas": [{"title": "a"}], "recommended": 1}',
        '{"ideas": [{"title": "a"}], "recommended": -1}',
        '{"ideas": {"title": "a"}}',
        '{"ideas": [{"title": "a"}]',
        "{" * 100_000 + "}",
    ],
)
async def test_malformed_ideas_are_a_failure_that_passes_and_was_paid(told: str) -> None:
    async with modelled(writing(told) if len(told) < 1_000 else streaming(words(told), ending(), USAGE, DONE)) as model:
        response = await ideas(model)
    body = response.json()
    assert (response.status_code, body["success"], body["retryable"]) == (200, False, True)
    assert body["error"] == "The model's ideas are not in the shape that was asked for."
    assert body["usage"]["cost"] == pytest.approx(COST)


async def test_an_images_address_is_passed_on() -> None:
    script = answering(200, {"created": 1, "data": [{"url": "https://example.com/desk.png"}]})
    async with modelled(script, image_model="painter-1") as model:
        response = await image(model, style="watercolour", size="1024x768")
        asked = model.endpoint.exchanges[0]
    assert response.json() == {
        "success": True,
        "content": {"url": "https://example.com/desk.png", "alt": "A desk with a plant"},
        "usage": None,
    }
    assert asked.path == "/v1/images/generations"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    prompt = "A desk with a plant\n\nStyle: watercolour"
    assert asked.body == {"model": "painter-1", "prompt": prompt, "n": 1, "size": "1024x768"}


@pytest.mark.parametrize(
    ("data", "content_type"),
    [(PNG, "image/png"), (b"\xff\xd8\xff\xe0 and so on", "image/jpeg"), (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp")],
)
async def test_an_images_bytes_are_passed_on_with_their_type(data: bytes, content_type: str) -> None:
    encoded = base64.b64encode(data).decode()
    body = {"data": [{"b64_json": encoded}], "usage": {"input_tokens": 100, "output_tokens": 1_000}}
    async with modelled(answering(200, body), image_model="painter-1") as model:
        answer = (await image(model)).json()
        assert model.endpoint.exchanges[0].body.keys() == {"model", "prompt", "n"}
    assert answer["content"] == {"data": encoded, "content_type": content_type, "alt": "A desk with a plant"}
    assert answer["usage"]["cost"] == pytest.approx(100 * 5 / 1e6 + 1_000 * 40 / 1e6)


async def test_without_an_image_model_images_are_refused_for_good() -> None:
    async with modelled(answering(200, {})) as model:
        response = await image(model)
        assert not model.endpoint.exchanges
    assert response.status_code == 422
    assert response.json() == {
        "success": False,
        "error": "No model is named for images: set PRESSRUN_OPENAI__IMAGE_MODEL.",
        "retryable": False,
    }


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        (answering(200, {"data": []}), "no image"),
        (answering(200, "<html>"), "no image"),
        (answering(200, {"data": [{}]}), "no PNG, JPEG or WebP"),
        (answering(200, {"data": [{"b64_json": "not base64"}]}), "not valid base64"),
        (answering(200, {"data": [{"b64_json": base64.b64encode(b"<svg>").decode()}]}), "no PNG, JPEG or WebP"),
        (answering(200, {"data": [{"b64_json": "AAAA" * (1 + LARGEST_IMAGE // 3)}]}), "more than 8 MB"),
        (answering(200, b" " * (17 * 2**20)), "more than 16 MB"),
    ],
)
async def test_what_is_no_image_is_a_failure_that_passes(script: Script, sentence: str) -> None:
    async with modelled(script, image_model="painter-1") as model:
        response = await image(model)
    assert (response.status_code, response.json()["retryable"]) == (200, True)
    assert sentence in response.json()["error"]


async def test_a_forbidden_image_is_refused_for_good() -> None:
    script = answering(400, complaint("Your request was rejected", "content_policy_violation"))
    async with modelled(script, image_model="painter-1") as model:
        response = await image(model)
    assert (response.status_code, response.json()["retryable"]) == (422, False)


async def test_the_connection_is_closed_when_nobody_waits_for_the_image() -> None:
    async def painting(exchange: Exchange) -> None:
        await exchange.hung_up.wait()

    async with modelled(painting, image_model="painter-1") as model:
        with pytest.raises(httpx2.ReadTimeout):
            await model.served.client.post("/api/content/image", json={"prompt": "a"}, timeout=0.3)
        async with asyncio.timeout(2):
            await model.endpoint.exchanges[0].hung_up.wait()
