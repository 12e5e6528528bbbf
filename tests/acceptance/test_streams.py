"""Live streams of real processes: a bulk is watched to its end over kill -9 of the service; SIGTERM ends them soon."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path

import httpx2

from tests.acceptance.conftest import FAST
from tests.acceptance.test_journey import submit
from tests.service.listening import Heard, listening
from tests.support.deployment import ADDRESS, Deployment, embedded, on_mongodb
from tests.support.processes import Process, start

USER = {"X-Pressrun-User": "watcher"}
MOST_SECONDS = 2.0


def completed(event: Heard) -> bool:
    return bool("bulk_job" in event.data and event.data["bulk_job"]["status"] == "completed")


async def test_a_bulk_is_watched_to_its_end_while_the_service_is_killed_again_and_again(
    mongodb_uri: str, mongodb_database: str, tmp_path: Path
) -> None:
    async with on_mongodb(FAST, tmp_path, mongodb_uri, mongodb_database, workers=0) as deployment:
        url, service = deployment.url, deployment.service
        async with _client(url) as api:
            bulk = f"/api/bulk-generate/{await submit(api)}"
        heard: list[Heard] = []
        last_id: str | None = None
        for name in ("one", "two", "three"):
            async with listening(url, f"{bulk}/events", USER, last_id) as stream, _client(url) as api:
                if last_id is None:
                    heard += await stream.until(lambda event: event.name == "snapshot")
                assert (await api.patch(bulk, json={"name": name})).status_code == 200
                heard += await stream.until(_is_named(name))
                last_id = stream.last_id
                await service.kill()
            url, service = await _another(deployment)
        await deployment.add_worker()
        async with listening(url, f"{bulk}/events", USER, last_id) as stream:
            heard += await stream.until(completed)
        await service.kill()
    revisions = [event.data["rev"] for event in heard if event.name in ("snapshot", "bulk")]
    assert revisions == sorted(revisions)
    assert heard[-1].data["progress"]["completed"] == 10
    assert [event.name for event in heard].count("snapshot") == 1  # later it was told only what it had missed


def _client(url: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=url, headers=USER, timeout=20, trust_env=False)


def _is_named(name: str) -> Callable[[Heard], bool]:
    return lambda event: event.name == "bulk" and event.data["bulk_job"]["name"] == name


async def _another(deployment: Deployment) -> tuple[str, Process]:
    service = await start("service", environment=deployment.settings, folder=deployment.folder)
    ready = await service.said(f"(?=.*service_started).*{ADDRESS}")
    return ready[1], service


async def test_sigterm_ends_the_streams_of_a_service_and_the_service(
    mongodb_uri: str, mongodb_database: str, tmp_path: Path
) -> None:
    async with on_mongodb(FAST, tmp_path, mongodb_uri, mongodb_database, workers=0) as deployment:
        await _ends_soon(deployment.url, deployment.service)


async def test_sigterm_ends_the_streams_of_the_embedded_mode_and_all_of_it(tmp_path: Path) -> None:
    async with embedded(FAST, tmp_path) as deployment:
        await _ends_soon(deployment.url, deployment.service)


async def _ends_soon(url: str, process: Process) -> None:
    async with listening(url, "/api/queue/events", USER) as one, listening(url, "/api/queue/events", USER) as other:
        for stream in (one, other):
            assert await stream.event() is not None
        process.send(signal.SIGTERM)
        began = time.monotonic()
        ends = await asyncio.gather(one.to_the_end(), other.to_the_end())
        streams_ended = time.monotonic() - began
        assert await process.ended() == 0
    assert all(event.name == "queue" for heard in ends for event in heard)
    assert streams_ended < MOST_SECONDS
