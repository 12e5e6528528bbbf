"""Connections as the driver tells of them: how many are open, and how many of these are in use."""

from __future__ import annotations

import asyncio

import pytest

from jobs.storage import mongo
from jobs.storage.mongo import MongoStore
from jobs.storage.pool_use import Connections
from tests.support.eventually import eventually


async def test_connections_are_in_use_while_something_is_asked_and_idle_afterwards(
    mongodb_uri: str, mongodb_database: str
) -> None:
    store = MongoStore.connect(mongodb_uri, mongodb_database, 7, "pressrun-test")
    try:
        pool = store.pool
        assert pool is not None
        assert pool.now == Connections(0, 0, 7)
        workers = store.collection("workers")
        await workers.count({})
        assert (pool.now.in_use, pool.now.idle) == (0, 1)
        asked, most = asyncio.gather(*(workers.count({}) for _ in range(50))), 0
        while not asked.done():
            most = max(most, pool.now.in_use)
            await asyncio.sleep(0)
        assert 2 <= most <= 7
        assert pool.now == Connections(0, pool.now.idle, 7)
        assert pool.now.idle >= most
    finally:
        await store.close()
    assert pool.now == Connections(0, 0, 7)


async def test_connections_that_nobody_needs_any_more_are_closed(
    mongodb_uri: str, mongodb_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mongo, "IDLE_MS", 200)
    store = MongoStore.connect(mongodb_uri, mongodb_database, 7, "pressrun-test")
    try:
        pool = store.pool
        assert pool is not None
        workers = store.collection("workers")
        await asyncio.gather(*(workers.count({}) for _ in range(50)))
        assert pool.now.idle >= 2

        async def are_closed() -> bool:
            return pool.now == Connections(0, 0, 7)

        await eventually(are_closed)
        await workers.count({})
        assert pool.now == Connections(0, 1, 7)
    finally:
        await store.close()
