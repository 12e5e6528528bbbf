"""A model that fails, in every way it can: what is answered, and what the worker makes of that answer (spec §6)."""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from typing import Any

import pytest

from generator.openai.completion import LONGEST_TEXT
from tests.generator.modelling import COST, KEY, Modelled, model_settings, modelled
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
)
from tests.generator.serving import TOPIC, URL, serving
from worker.generator import Call, CallFailed, GeneratorClient

HALF = words("# Office plants\n\nThey need")


async def heard_by_the_worker(model: Modelled) -> CallFailed:
    client = GeneratorClient(model.served.client, timedelta(seconds=20))
    with pytest.raises(CallFailed) as raised:
        await client.generate(Call("/api/content/generate/topic", TOPIC, "key"))
    return raised.value


@pytest.mark.parametrize(
    ("script", "sentence", "retryable"),
    [
        (streaming(HALF, USAGE, cut=True), "The call to the model broke off", True),
        (streaming(HALF, USAGE), "The model's answer broke off in the middle.", True),
        (streaming(HALF, USAGE, DONE), "The model's answer broke off in the middle.", True),
        (streaming(HALF, USAGE, b'data: {"choices": [{"de'), "The model's answer broke off in the middle.", True),
        (streaming(HALF, ending("length"), USAGE, DONE), "limit of output tokens", True),
        (streaming(HALF, ending("content_filter"), USAGE, DONE), "content filter", False),
        (streaming(HALF, ending("tool_calls"), USAGE, DONE), "without a text: tool_calls", True),
        (streaming(USAGE, ending(), DONE), "The model answered nothing.", True),
        (streaming(words("\n \n"), ending(), USAGE, DONE), "The model answered nothing.", True),
        (streaming(words("<think>Hm.</think>"), ending(), USAGE, DONE), "The model answered nothing.", True),
        (streaming(HALF, USAGE, "this is no JSON", ending(), DONE), "no piece of an answer", True),
        (streaming(HALF, USAGE, '{"choices": 7}', ending(), DONE), "no piece of an answer", True),
        (streaming(HALF, USAGE, "[" * 100_000, ending(), DONE), "no piece of an answer", True),
        (
            streaming(HALF, USAGE, complaint(f"Full\nof {KEY}.")),
            "The model stopped with an error: Full of [key].",
            True,
        ),
        (streaming(HALF, USAGE, {"error": "gone"}), "The model stopped with an error: gone.", True),
        (
            streaming({"choices": [{"delta": {"refusal": "I cannot help."}}]}, ending(), USAGE, DONE),
            "The model declines to write this: I cannot help.",
            False,
        ),
        (streaming(USAGE, *[words("x" * 10_000)] * (1 + LONGEST_TEXT // 10_000)), "more than 1,000,000 char", True),
    ],
)
async def test_half_a_text_is_a_failure_that_tells_what_was_paid(
    script: Script, sentence: str, retryable: bool
) -> None:
    async with modelled(script) as model:
        status, body = await model.text()
        assert status == 200
        assert body["success"] is False
        assert body["retryable"] is retryable
        assert sentence in body["error"]
        assert "\n" not in body["error"]
        assert body["usage"] == {"input_tokens": 100, "output_tokens": 2_000, "cost": pytest.approx(COST)}
        failed = await heard_by_the_worker(model)
        assert (failed.permanent, failed.counted, failed.definite) == (not retryable, True, True)
        assert failed.cost == pytest.approx(COST)


async def test_what_a_broken_answer_cost_is_reckoned_where_it_was_not_told() -> None:
    async with modelled(streaming(words("x" * 4_000), cut=True)) as model:
        _, body = await model.text()
        asked = sum(len(message["content"]) for message in model.endpoint.exchanges[0].body["messages"])
    used = body["usage"]
    assert (used["input_tokens"], used["output_tokens"]) == (pytest.approx(asked / 4, abs=1), 1_000)
    assert used["cost"] == pytest.approx(used["input_tokens"] / 1e6 + 1_000 * 10 / 1e6)


async def test_two_megabytes_in_one_line_end_in_a_sentence() -> None:
    async with modelled(streaming(words("x" * 2_000_000), ending(), DONE)) as model:
        status, body = await model.text()
    assert (status, body["retryable"]) == (200, True)
    assert body["error"] == "The model's endpoint sent more than any article needs."
    assert body["usage"]["input_tokens"] > 0


PASSING = {"status": 500, "permanent": False, "counted": True, "down": False}
AWAY = {"permanent": False, "counted": False, "down": True}
FOR_GOOD = {"status": 422, "permanent": True, "counted": True, "down": False}


@pytest.mark.parametrize(
    ("status", "body", "expected", "reason"),
    [
        (401, complaint(f"Incorrect API key provided: {KEY}.", "invalid_api_key"), {"status": 502, **AWAY}, "the key"),
        (402, complaint("Insufficient credits"), {"status": 502, **AWAY}, "Insufficient credits"),
        (403, complaint("Country not supported"), {"status": 502, **AWAY}, "Country not supported"),
        (404, complaint("The model `writer-1` does not exist", "model_not_found"), {"status": 502, **AWAY}, "writer-1"),
        (400, complaint("No such model", "model_not_found"), {"status": 502, **AWAY}, "No such model"),
        (429, complaint("Pay first", "insufficient_quota"), {"status": 502, **AWAY}, "Pay first"),
        (307, "", {"status": 502, **AWAY}, "answered 307."),
        (502, "<h1>Bad gateway</h1>", {"status": 503, **AWAY}, "answered 502."),
        (503, {"message": "Loading the model"}, {"status": 503, **AWAY}, "Loading the model"),
        (529, {"error": {"message": "Overloaded"}}, {"status": 503, **AWAY}, "Overloaded"),
        (500, complaint("The server had an error"), PASSING, "The server had an error"),
        (408, {"detail": "Too slow"}, PASSING, "Too slow"),
        (400, complaint("Maximum context length is 8192 tokens", "context_length_exceeded"), FOR_GOOD, "8192 tokens"),
        (422, {"detail": [{"loc": ["body"]}]}, FOR_GOOD, "answered 422."),
        (400, complaint("No.", "content_policy_violation"), FOR_GOOD, "answered 400: No."),
        (403, {"error": {"message": "Flagged", "metadata": {"flagged_input": "x"}}}, FOR_GOOD, "Flagged"),
    ],
)
async def test_whose_fault_a_refusal_is_decides_what_the_worker_does(
    status: int, body: Any, expected: dict[str, Any], reason: str
) -> None:
    async with modelled(answering(status, body)) as model:
        told, answer = await model.text()
        assert told == expected["status"]
        assert set(answer) == {"success", "error", "retryable"}
        assert reason in answer["error"]
        failed = await heard_by_the_worker(model)
        assert (failed.permanent, failed.counted, failed.down) == (
            expected["permanent"],
            expected["counted"],
            expected["down"],
        )


@pytest.mark.parametrize("status", [429, 503])
async def test_the_endpoints_wish_to_be_left_alone_is_passed_on(status: int) -> None:
    script = answering(status, complaint("Slow down"), {"Retry-After": "17"})
    async with modelled(script) as model:
        response = await model.served.client.post(URL, json=TOPIC)
        failed = await heard_by_the_worker(model)
    assert (response.status_code, response.headers["retry-after"]) == (status, "17")
    assert (failed.wait, failed.counted, failed.permanent) == (timedelta(seconds=17), False, False)


async def test_an_endpoint_that_is_not_there_is_down() -> None:
    async with modelled(streaming()) as gone:
        settings = model_settings(gone.endpoint.base_url)
    async with serving(settings) as served:
        response = await served.client.post(URL, json=TOPIC)
    assert response.status_code == 502
    assert response.json()["error"] == "The model's endpoint is out of reach: no connection (ConnectError)."


async def test_an_endpoint_that_hangs_up_before_it_answers_is_a_failure_that_passes() -> None:
    async def hang_up(exchange: Exchange) -> None:
        exchange.cut()

    async with modelled(hang_up) as model:
        status, body = await model.text()
    assert (status, body["retryable"]) == (500, True)
    assert body["error"].startswith("The call to the model broke off")


@pytest.mark.parametrize("begun", [True, False])
async def test_a_model_that_takes_too_long_is_left(begun: bool) -> None:
    async def slow(exchange: Exchange) -> None:
        if begun:
            await exchange.begin_stream()
            await exchange.event(HALF)
        await exchange.hung_up.wait()

    async with modelled(slow, timeout_seconds=0.2) as model:
        status, body = await model.text()
        await model.endpoint.exchanges[0].hung_up.wait()
    assert (status, body["success"], body["retryable"]) == (200 if begun else 500, False, True)
    assert body["error"] == "The model did not end within 0.2 s."


async def test_a_page_instead_of_an_answer_is_no_text() -> None:
    async with modelled(answering(200, "<html>Welcome</html>", content_type="text/html")) as model:
        status, body = await model.text()
    assert (status, body["success"], body["retryable"]) == (200, False, True)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
async def test_the_key_shows_neither_in_answers_nor_in_logs(status: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    script = answering(status, complaint(f"Wrong key {KEY} or Bearer {KEY}, like sk-other*****key"))
    async with modelled(script) as model:
        _, body = await model.text()
    assert "sk-" not in json.dumps(body)
    assert "answered" in body["error"] or "accept the key" in body["error"]
    assert KEY not in caplog.text


async def test_an_endpoint_out_of_reach_is_logged_for_a_person(caplog: pytest.LogCaptureFixture) -> None:
    async with modelled(answering(404, complaint("No such model"))) as model:
        await model.text()
    assert [record.levelname for record in caplog.records if "generator.model_out_of_reach" in record.message] == [
        "WARNING"
    ]
