"""Idempotency-Key: a repeat is answered from the store, joins the call in flight, or is refused."""

from __future__ import annotations

import asyncio
from pathlib import Path

from generator.settings import Settings
from tests.generator.serving import TOPIC, URL, Served, eventually, serving

KEY = {"Idempotency-Key": "job-1:content:abc:0"}


async def test_a_repeated_key_is_answered_from_the_store(served: Served) -> None:
    first = await served.client.post(URL, json=TOPIC, headers=KEY)
    again = await served.client.post(URL, json=dict(reversed(TOPIC.items())), headers=KEY)
    assert again.json() == first.json()
    stats = await served.stats()
    assert (stats["generated"], stats["from_store"]) == (1, 1)


async def test_a_key_is_remembered_over_a_restart(tmp_path: Path) -> None:
    settings = Settings(latency_seconds=0, store_file=tmp_path / "new" / "generator.jsonl")
    async with serving(settings) as served:
        first = await served.client.post(URL, json=TOPIC, headers=KEY)
    async with serving(settings) as served:
        again = await served.client.post(URL, json=TOPIC, headers=KEY)
        assert again.json() == first.json()
        assert (await served.stats())["from_store"] == 1


async def test_without_a_key_every_call_generates(served: Served) -> None:
    for _ in range(2):
        await served.client.post(URL, json=TOPIC)
    assert (await served.stats())["generated"] == 2


async def test_the_same_key_with_another_body_or_mode_is_refused(served: Served) -> None:
    await served.client.post(URL, json=TOPIC, headers=KEY)
    for url, body in [(URL, {**TOPIC, "job_id": "2"}), ("/api/content/generate/spin", {**TOPIC, "source_text": "a"})]:
        response = await served.client.post(url, json=body, headers=KEY)
        assert response.status_code == 409
        assert response.json()["retryable"] is False


async def test_a_refused_call_does_not_use_up_its_key(served: Served) -> None:
    assert (await served.client.post(URL, json={}, headers=KEY)).status_code == 422
    assert (await served.client.post(URL, json=TOPIC, headers=KEY)).status_code == 200


async def test_a_repeat_joins_the_call_in_flight() -> None:
    async with serving(Settings(latency_seconds=0.7, latency_jitter=0, store_file=None)) as served:
        first = asyncio.create_task(served.client.post(URL, json=TOPIC, headers=KEY))
        await eventually(lambda: served.calls.in_flight == 1)
        second, third = await asyncio.gather(
            served.client.post(URL, json=TOPIC, headers=KEY), served.client.post(URL, json={"topic": "x"}, headers=KEY)
        )
        assert second.json() == (await first).json()
        assert third.status_code == 409
        stats = await served.stats()
        assert (stats["generated"], stats["joined"], stats["from_store"]) == (1, 1, 0)
