"""Fixtures that follow a job's life: a system, a bulk in it, a claim of its first job."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from jobs.capacity.limits import Limits
from jobs.documents import BulkId, BulkRequest
from jobs.indexes import INDEXES
from jobs.storage.encryption import Cipher
from jobs.storage.store import Store
from jobs.system import Rules, System, assemble
from tests.support.clock import MovableClock

LEASE = timedelta(seconds=30)
OWNER = "owner"
MakeBulk = Callable[..., Awaitable[BulkId]]


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
async def system(store: Store, clock: MovableClock) -> System:
    await store.create_indexes(INDEXES)
    adopted = BulkRequest(mode="", items=(), delay=timedelta(0))
    parts = assemble(store, clock, Rules(lease=LEASE, adopted=adopted, cipher=Cipher(["a key of the tests"])))
    await parts.limits.seed(Limits(max_running=None))
    return parts


@pytest.fixture
def make_bulk(system: System) -> MakeBulk:
    async def make(
        items: int = 3,
        *,
        delay: timedelta = timedelta(0),
        owner: str = OWNER,
        **settings: Any,
    ) -> BulkId:
        request = BulkRequest(
            mode="topic",
            items=[{"topic": f"Topic {number}"} for number in range(1, items + 1)],
            delay=delay,
            **settings,
        )
        return (await system.creation.create(owner, request)).bulk_id

    return make
