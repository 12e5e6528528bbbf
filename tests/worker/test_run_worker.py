"""The worker as it is put together: from settings and a store to ended bulks."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import NoReturn

import pytest

from jobs.capacity.limits import Limits
from jobs.documents import BulkRequest
from jobs.errors import StoreRefused
from jobs.scheduling.firing_log import Firing
from jobs.states import BulkStatus
from jobs.storage.store import Document, Store
from jobs.system import Rules, System, start
from tests.jobs.scheduling import Judge, log_of, plan
from tests.support import replies
from tests.support.eventually import eventually
from tests.support.faulty_store import FaultyStore
from tests.support.invariants import assert_at_rest
from tests.support.scripted_generator import ScriptedGenerator
from tests.worker.working import OWNER, in_time, settings_for
from worker.__main__ import run_worker
from worker.shutdown import Shutdown

REQUEST = BulkRequest(mode="topic", items=[{"topic": f"Topic {n}"} for n in range(1, 4)], delay=timedelta(0))


async def a_system(store: Store) -> System:
    return await start(store, Rules(limits=Limits(max_running=1)))


async def test_a_worker_runs_a_bulk_is_seen_alive_and_leaves(store: Store, generator: ScriptedGenerator) -> None:
    system = await a_system(store)
    bulk_id = (await system.creation.create(OWNER, REQUEST)).bulk_id
    held = replies.success().held()
    generator.script(held)
    shutdown = Shutdown()
    running = asyncio.create_task(in_time(run_worker(settings_for(generator.url), system, shutdown)))
    await generator.called()
    (alive,) = await system.workers.alive()
    assert alive["slots"] == 8
    held.release()

    async def look() -> Document:
        return await system.lookup.bulk(OWNER, bulk_id)

    await eventually(look, lambda bulk: bulk["status"] == BulkStatus.COMPLETED)
    shutdown.ask()
    await running
    assert [call.topic for call in generator.calls] == ["Topic 1", "Topic 2", "Topic 3"]
    assert generator.most_at_once == 1
    assert await system.workers.alive() == []
    await assert_at_rest(store)


async def test_a_cancelled_bulk_closes_its_call_in_a_whole_worker(store: Store, generator: ScriptedGenerator) -> None:
    system = await a_system(store)
    bulk_id = (await system.creation.create(OWNER, REQUEST)).bulk_id
    generator.script(replies.never())
    shutdown = Shutdown()
    running = asyncio.create_task(in_time(run_worker(settings_for(generator.url), system, shutdown)))
    call = await generator.called()
    await system.controls.cancel(OWNER, bulk_id)
    await generator.hung_up(call.key)
    shutdown.ask()
    await running
    assert len(generator.calls) == 1
    assert (await system.lookup.bulk(OWNER, bulk_id))["cancelled_items"] == 3
    await assert_at_rest(store)


async def test_a_worker_told_to_stop_at_once_puts_its_job_back_with_the_keeper_still_at_work(
    store: Store, generator: ScriptedGenerator
) -> None:
    system = await a_system(store)
    await system.creation.create(OWNER, REQUEST)
    generator.script(replies.never())
    shutdown = Shutdown()
    running = asyncio.create_task(in_time(run_worker(settings_for(generator.url), system, shutdown)))
    call = await generator.called()
    shutdown.ask_urgently()
    await running
    await generator.hung_up(call.key)
    (job,) = await store.collection("generation_jobs").find({"queue_position": 1})
    assert (job["status"], job["attempts"][0]["outcome"], job["retry_count"]) == ("queued", "handed_back", 0)
    await assert_at_rest(store)


async def test_a_worker_that_starts_while_the_database_is_away_works_once_it_is_back(
    store: Store, generator: ScriptedGenerator
) -> None:
    faulty = FaultyStore(store)
    system = await a_system(faulty)
    bulk_id = (await system.creation.create(OWNER, REQUEST)).bulk_id
    faulty.go_down()
    shutdown = Shutdown()
    running = asyncio.create_task(in_time(run_worker(settings_for(generator.url), system, shutdown)))
    await faulty.was_struck(3)
    faulty.come_back()
    await generator.answered(3)

    async def look() -> Document:
        return await system.lookup.bulk(OWNER, bulk_id)

    await eventually(look, lambda bulk: bulk["status"] == BulkStatus.COMPLETED)
    shutdown.ask()
    await running
    await assert_at_rest(store)


async def test_a_worker_whose_keeper_dies_stops_its_calls_and_leaves_their_jobs_to_the_sweep(
    store: Store, generator: ScriptedGenerator
) -> None:
    def refuse() -> NoReturn:
        raise StoreRefused("not authorized")

    faulty = FaultyStore(store)
    system = await a_system(faulty)
    await system.creation.create(OWNER, REQUEST)
    generator.script(replies.never())
    running = asyncio.create_task(in_time(run_worker(settings_for(generator.url), system, Shutdown())))
    call = await generator.called()
    faulty.before("generation_jobs", "find", refuse)
    with pytest.raises(ExceptionGroup):
        await running
    await generator.hung_up(call.key)
    (job,) = await store.collection("generation_jobs").find({"queue_position": 1})
    assert (job["status"], job["attempts"]) == ("processing", [])


async def test_a_worker_that_starts_fires_what_is_due_and_runs_it(store: Store, generator: ScriptedGenerator) -> None:
    system = await a_system(store)
    schedule = await system.schedules.keep(OWNER, plan("* * * * *"))
    long_ago = system.clock.now() - timedelta(hours=3)
    of_it = {"_id": schedule.id}
    await store.collection("schedules").update_one(of_it, {"$set": {"next_at": long_ago, "due_at": long_ago}})
    shutdown = Shutdown()
    running = asyncio.create_task(
        in_time(run_worker(settings_for(generator.url), system, shutdown, judge=Judge())), name="worker"
    )
    await generator.called()

    async def look() -> list[Firing]:
        return await log_of(system, schedule)

    [fired] = await eventually(look, lambda firings: len(firings) == 1)
    assert fired.passed_over >= 179
    shutdown.ask()
    await running
