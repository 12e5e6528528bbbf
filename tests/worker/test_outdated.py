"""A process that the database was migrated past while it slept, or just as it started: it stops, and runs nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from jobs.capacity.limits import Limits
from jobs.documents import BulkRequest
from jobs.storage.store import Store
from jobs.system import Rules, System, start
from pressrun import keeping_up
from pressrun.keeping_up import kept_up
from tests.support.eventually import eventually
from tests.support.faulty_store import FaultyStore
from tests.support.scripted_generator import ScriptedGenerator
from tests.worker.working import OWNER, in_time, settings_for
from worker.__main__ import run_worker
from worker.shutdown import Shutdown

REQUEST = BulkRequest(mode="topic", items=[{"topic": "Tea"}])


@pytest.fixture
async def outdated(store: Store) -> System:
    """It was let in; since then a step has begun that it does not know."""
    system = await start(store, Rules(limits=Limits(max_running=1)))
    await store.collection("database_format").update_one({"_id": "format"}, {"$set": {"needs": 2, "begun": 2}})
    return system


async def test_a_worker_that_starts_as_a_step_begins_is_seen_first_and_then_stops(
    outdated: System, generator: ScriptedGenerator
) -> None:
    await outdated.creation.create(OWNER, REQUEST)
    shutdown = Shutdown()
    with capture_logs() as logged:
        await in_time(run_worker(settings_for(generator.url), outdated, shutdown))
    assert shutdown.asked.is_set()
    assert generator.calls == []
    assert await outdated.workers.alive() == []
    (told,) = [entry for entry in logged if entry["event"] == "database_too_new"]
    assert told["reason"].endswith("it knows formats up to 1, and 2 is needed.")


async def test_a_service_that_starts_as_a_step_begins_is_seen_first_and_then_stops(outdated: System) -> None:
    asked = asyncio.Event()
    async with kept_up(outdated, asked.set):
        await in_time(asked.wait())
        (seen,) = await outdated.replicas.alive()
        assert (seen["format"], seen["version"] != "") == (1, True)
    assert await outdated.replicas.alive() == []


async def test_a_service_whose_database_is_away_goes_on(store: Store) -> None:
    away, asked = FaultyStore(store), asyncio.Event()
    system = await start(away, Rules())
    away.go_down()
    with capture_logs() as logged:

        async def told() -> list[str]:
            return [entry["task"] for entry in logged if entry["event"] == "upkeep_failed"]

        async with kept_up(system, asked.set):
            await eventually(told, lambda tasks: tasks == ["service"])
    assert not asked.is_set()


async def test_a_service_goes_on_after_a_fault_of_ours(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping_up, "EVERY", timedelta(milliseconds=1))
    system = await start(store, Rules())
    measure, faults = system.clock.measure, [RuntimeError("ours")]

    async def faulty() -> None:
        if faults:
            raise faults.pop()
        await measure()

    monkeypatch.setattr(system.clock, "measure", faulty)
    with capture_logs() as logged:
        async with kept_up(system, asyncio.Event().set):
            await eventually(system.replicas.alive, bool)
    assert [entry["event"] for entry in logged] == ["upkeep_crashed"]
