"""Pressrun's processes as the benchmarks start them: no delay, no limits, and a generator that is somebody else's."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Literal

import httpx2

from benchmarks.bench import Bench
from jobs.pipelines import PLAIN
from tests.support.deployment import ADDRESS, Deployment, on_mongodb
from tests.support.processes import Process, started

UNCAPPED: Mapping[str, str] = {
    "PRESSRUN_BULK__DELAY_SECONDS": "0",
    "PRESSRUN_BULK__MAX_ITEMS": "10000",
    "PRESSRUN_LIMITS__MAX_RUNNING": "off",
    "PRESSRUN_USER__SUBMISSIONS_PER_MINUTE": "off",
    "PRESSRUN_USER__OPEN_BULKS": "off",
    "PRESSRUN_TENANT__MAX_RUNNING": "off",
    "PRESSRUN_GENERATOR__REQUESTS_PER_MINUTE": "off",
    "PRESSRUN_IDEAS__REQUESTS_PER_MINUTE": "off",
    "PRESSRUN_IMAGES__REQUESTS_PER_MINUTE": "off",
}
REQUEST_SECONDS = 60


@contextlib.asynccontextmanager
async def deployed(
    bench: Bench,
    database: str,
    generator_url: str,
    *,
    workers: int = 1,
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[Deployment]:
    """A service and its workers as processes of their own."""
    folder = Path(bench.folder)
    whole = {**UNCAPPED, **(settings or {})}
    deploying = on_mongodb(whole, folder, bench.uri, database, workers=workers, generator_url=generator_url)
    async with deploying as deployment:
        yield deployment


def http_client(url: str) -> httpx2.AsyncClient:
    """With connections that are kept, as a web application in front has them."""
    return httpx2.AsyncClient(base_url=url, timeout=REQUEST_SECONDS, trust_env=False)


def a_bulk(items: int, name: str = "Benchmark") -> dict[str, object]:
    """The body of a request for a bulk, with items as a shop's are; each is one call, and its answer kept as it is."""
    return {
        "mode": "topic",
        "pipeline": PLAIN.name,
        "name": name,
        "items": [
            {
                "topic": f"How to choose number {number} of the waterproof hiking boots for a wet autumn",
                "word_count": 800,
                "tone": "friendly",
                "page_type": "category",
                "keywords": ["hiking boots", "waterproof", f"boot {number}"],
                "target_url": f"https://shop.example/boots/{number}",
                "metadata": {"sku_count": number, "monthly_searches": 1200, "content_status": "missing"},
            }
            for number in range(1, items + 1)
        ],
    }


def environment_of(
    uri: str, database: str, generator_url: str, settings: Mapping[str, str] | None = None
) -> Mapping[str, str]:
    """What a process is started with. Limits in it count only where none are stored yet."""
    return {
        "PRESSRUN_MONGODB__URI": uri,
        "PRESSRUN_MONGODB__DATABASE": database,
        "PRESSRUN_AUTH__MODE": "off",
        "PRESSRUN_SERVICE__PORT": "0",
        "PRESSRUN_GENERATOR__URL": generator_url,
        **UNCAPPED,
        **(settings or {}),
    }


READY = {"worker": "(worker_started)", "service": f"(?=.*service_started).*{ADDRESS}"}


@contextlib.asynccontextmanager
async def alone(
    kind: Literal["worker", "service"],
    bench: Bench,
    database: str,
    generator_url: str,
    settings: Mapping[str, str] | None = None,
    *,
    uri: str | None = None,
) -> AsyncIterator[tuple[Process, str]]:
    """One process by itself, from when it is ready, and a service's address."""
    environment = environment_of(uri or bench.uri, database, generator_url, settings)
    async with started(kind, environment=environment, folder=bench.folder, ready=READY[kind]) as (process, said):
        yield process, said[1]
