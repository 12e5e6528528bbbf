"""The code of the guides does what they say: an endpoint of one's own, and a receiver of webhooks."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from standardwebhooks.webhooks import Webhook

from tests.docs.blocks import shown
from worker.generator import Call, CallFailed, GeneratorClient

SECRET = "whsec_" + "QUJD" * 8
PATH = "/api/content/generate/topic"


def names_of(page: str) -> dict[str, Any]:
    (code,) = shown(page, "python")
    names: dict[str, Any] = {}
    exec(code, names)
    return names


def client_of(app: FastAPI) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://writer.example")


async def test_the_guides_endpoint_answers_as_pressrun_wants_it_and_a_repeated_key_writes_once() -> None:
    names = names_of("docs/generator.md")
    written: list[Any] = []

    async def write(item: dict[str, Any]) -> str:
        written.append(item["topic"])
        return f"# {item['topic']}"

    names["write"] = write
    async with client_of(names["app"]) as http:
        client = GeneratorClient(http, timedelta(seconds=5))
        call = Call(PATH, {"topic": "Wax", "mode": "topic"}, "job-1")
        first, again = await client.generate(call), await client.generate(call)
        assert (first.content, again.content, written) == ("# Wax", "# Wax", ["Wax"])
        with pytest.raises(CallFailed, match="knows no spin") as refused:
            await client.generate(Call("/api/content/generate/spin", {"mode": "spin"}, "job-2"))
        assert refused.value.permanent


async def test_the_guides_endpoint_forgets_what_failed() -> None:
    names = names_of("docs/generator.md")
    tries: list[int] = []

    async def write(item: dict[str, Any]) -> str:
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("no model")
        return "# Wax"

    names["write"] = write
    async with client_of(names["app"]) as http:
        client = GeneratorClient(http, timedelta(seconds=5))
        call = Call(PATH, {"topic": "Wax", "mode": "topic"}, "job-1")
        with pytest.raises(CallFailed) as failed:
            await client.generate(call)
        assert not failed.value.permanent
        assert (await client.generate(call)).content == "# Wax"


def signed(event_id: str, body: str, secret: str = SECRET) -> dict[str, str]:
    at = datetime.now(UTC)
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(event_id, at, body),
    }


async def test_the_guides_receiver_passes_each_event_on_once_and_refuses_what_is_not_signed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = names_of("docs/webhooks.md")
    posted: list[Any] = []

    def slack(request: httpx2.Request) -> httpx2.Response:
        posted.append(json.loads(request.content)["text"])
        return httpx2.Response(200)

    client_class = httpx2.AsyncClient
    monkeypatch.setattr(httpx2, "AsyncClient", lambda: client_class(transport=httpx2.MockTransport(slack)))
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("SLACK_URL", "https://slack.example/hook")
    data = {"name": "Spring", "counts": {"total": 9, "completed": 7, "failed": 2}, "links": {"page": "https://p/b/1"}}
    body = json.dumps({"type": "bulk.completed", "data": data})
    async with client_class(transport=httpx2.ASGITransport(app=names["app"]), base_url="https://hooks.example") as http:
        answers = [
            (await http.post("/pressrun", content=body, headers=headers)).status_code
            for headers in (signed("a", body), signed("a", body), signed("b", body, "whsec_" + "WFla" * 8))
        ]
    assert answers == [204, 204, 401]
    assert posted == ["bulk.completed: Spring: 7 of 9 done, 2 failed https://p/b/1"]
