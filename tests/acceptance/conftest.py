"""Pressrun as its users run it: embedded in one process, or service, two workers and generator on a MongoDB server."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import httpx2
import pytest

from tests.support.deployment import Deployment, embedded, on_mongodb

FAST = {
    "PRESSRUN_BULK__DELAY_SECONDS": "0",
    "PRESSRUN_WORKER__POLL_SECONDS": "0.05",
    "PRESSRUN_WORKER__LEASE_SECONDS": "2",
    "PRESSRUN_WORKER__SWEEP_SECONDS": "0.2",
    "PRESSRUN_DEMO__LATENCY_SECONDS": "0.05",
    "PRESSRUN_USER__SUBMISSIONS_PER_MINUTE": "off",
}


@pytest.fixture
async def embedded_deployment(tmp_path: Path) -> AsyncIterator[Deployment]:
    async with embedded(FAST, tmp_path) as deployment:
        yield deployment


@pytest.fixture
async def mongodb_deployment(mongodb_uri: str, mongodb_database: str, tmp_path: Path) -> AsyncIterator[Deployment]:
    async with on_mongodb(FAST, tmp_path, mongodb_uri, mongodb_database, workers=2) as deployment:
        yield deployment


@pytest.fixture(params=["embedded", "mongodb"])
def deployment(request: pytest.FixtureRequest) -> Deployment:
    return cast("Deployment", request.getfixturevalue(f"{request.param}_deployment"))


@pytest.fixture
async def api(deployment: Deployment) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of that deployment, as a user of its own."""
    headers = {"X-Pressrun-User": f"user-{secrets.token_hex(3)}"}
    async with httpx2.AsyncClient(base_url=deployment.url, headers=headers, timeout=20, trust_env=False) as client:
        yield client
