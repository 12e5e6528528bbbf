"""Fixtures that follow a job's life up to the call: a store that can fail, a system, a bulk, a generator, a worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
import structlog

from jobs.capacity.limits import Limits
from jobs.documents import BulkId, BulkRequest
from jobs.indexes import INDEXES
from jobs.pipelines import PLAIN
from jobs.storage.encryption import Cipher
from jobs.storage.store import Document, Store
from jobs.system import Rules, System, assemble
from tests.support.clock import MovableClock
from tests.support.eventually import eventually
from tests.support.faulty_store import FaultyStore
from tests.support.scripted_generator import TASK, ScriptedGenerator
from tests.worker.working import LEASE, OWNER, Worker, a_worker, client_of
from worker.generator import GeneratorClient

MakeBulk = Callable[..., Awaitable[BulkId]]
Logged = list[Any]
LOGGING = (
    *("breaker", "calls", "contexts", "generator", "http_contexts", "keeper", "loop", "pipeline", "publishing"),
    *("runner", "scheduler", "upkeep", "notify.courier", "notify.relaying", "notify.webhook"),
)


@pytest.fixture(autouse=True)
async def _no_task_is_left() -> AsyncIterator[None]:
    """A task that outlives its test would work on in the next one, on a store that is closed."""
    before = asyncio.all_tasks()
    yield
    await nothing_is_left_of(before)


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def faulty(store: Store) -> FaultyStore:
    return FaultyStore(store)


@pytest.fixture
async def system(faulty: FaultyStore, clock: MovableClock) -> System:
    """Without a cap; all its operations go through the store that can fail."""
    await faulty.create_indexes(INDEXES)
    parts = assemble(faulty, clock, Rules(lease=LEASE, cipher=Cipher(["a key of the tests"])))
    await parts.limits.seed(Limits(max_running=None))
    return parts


@pytest.fixture
def make_bulk(system: System) -> MakeBulk:
    async def make(items: int = 1, *, max_retries: int = 2, params: Document | None = None, **settings: Any) -> BulkId:
        request = BulkRequest(
            mode="topic",
            items=[{"topic": f"Topic {number}", "params": params or {}} for number in range(1, items + 1)],
            delay=timedelta(0),
            max_retries=max_retries,
            **{"pipeline": PLAIN, **settings},
        )
        return (await system.creation.create(OWNER, request)).bulk_id

    return make


@pytest.fixture
async def generator() -> AsyncIterator[ScriptedGenerator]:
    async with ScriptedGenerator() as generator:
        yield generator


@pytest.fixture
async def client(generator: ScriptedGenerator) -> AsyncIterator[GeneratorClient]:
    async with client_of(generator.url) as client:
        yield client


@pytest.fixture
async def worker(system: System, client: GeneratorClient) -> AsyncIterator[Worker]:
    """With one slot; it looks at its jobs often, and renews as rarely as a real one."""
    async with a_worker(system, client) as worker:
        yield worker


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Logged:
    """What the worker's parts log, in order."""
    capture = structlog.testing.LogCapture()
    for module in LOGGING:
        to_list = structlog.wrap_logger(None, processors=[structlog.contextvars.merge_contextvars, capture])
        monkeypatch.setattr(f"worker.{module}.log", to_list, raising=False)
    return capture.entries


def events(logged: Logged, name: str) -> Logged:
    return [entry for entry in logged if entry["event"] == name]


async def nothing_is_left_of(before: set[asyncio.Task[Any]]) -> None:
    """Wait until every task that was not there before has ended. A generator ends its own with itself: what is left of
    those belongs to one that outlives this test, as the pages' does, whose worker may repeat a call at any moment."""
    known = before | {asyncio.current_task()}

    async def left() -> list[str]:
        mine = asyncio.all_tasks() - known
        return [repr(task) for task in mine if not task.get_name().startswith(TASK)]

    await eventually(left, lambda names: not names)
