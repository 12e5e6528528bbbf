"""From a job's end to its owner's endpoint, in whole workers: at once, beside others that hang, and after a death."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from jobs.configuration.settings import Settings, load_settings
from jobs.documents import BulkRequest
from jobs.pipelines import PLAIN
from jobs.storage.encryption import Cipher
from jobs.storage.store import Store
from jobs.system import Rules, System, start
from tests.outbound.serving import Server, message, says, silence
from tests.support.faulty_store import FaultyStore
from tests.support.scripted_generator import ScriptedGenerator
from tests.worker.working import OWNER, in_time
from worker.__main__ import run_worker
from worker.notify.relaying import Relay
from worker.shutdown import Shutdown

REQUEST = BulkRequest(mode="topic", items=[{"topic": "Tea"}], delay=timedelta(0), pipeline=PLAIN)


async def a_system(store: Store) -> System:
    return await start(store, Rules(cipher=Cipher(["a key of the tests"])))


def settings_for(generator: ScriptedGenerator, *receivers: Server) -> Settings:
    """Sweeps and looks are far off: what is told in time is told by waking."""
    given = {
        "auth": {"mode": "off"},
        "generator": {"url": generator.url},
        "outbound": {"allow": [receiver.url for receiver in receivers]},
        "worker": {"poll_seconds": 0.01, "sweep_seconds": 60},
    }
    return load_settings(given, environment={})


async def test_a_bulks_end_reaches_its_owner_signed_and_once_though_another_receiver_hangs(
    store: Store, generator: ScriptedGenerator
) -> None:
    system = await a_system(store)
    async with Server(says(message(b"thanks"))) as receiver, Server(silence) as hanging:
        await system.endpoints.create(OWNER, f"{hanging.url}/", ["bulk.completed"])
        _, secret = await system.endpoints.create(OWNER, f"{receiver.url}/hook", ["bulk.completed"])
        shutdown = Shutdown()
        running = asyncio.create_task(in_time(run_worker(settings_for(generator, receiver, hanging), system, shutdown)))
        bulk_id = (await system.creation.create(OWNER, REQUEST)).bulk_id
        asked = await receiver.until_asked()
        shutdown.ask_urgently()
        await running
        told: Any = Webhook(secret).verify(asked.body, asked.headers)
        assert asked.headers["webhook-id"] == f"{bulk_id}-1-completed"
        assert (told["type"], told["data"]["counts"]["completed"]) == ("bulk.completed", 1)
        assert len(receiver.asked) == 1
    (bulk,) = await store.collection("bulk_jobs").find({})
    assert bulk["events"] == []


async def test_what_a_worker_that_died_left_untold_is_told_by_the_next(
    store: Store, generator: ScriptedGenerator
) -> None:
    system = await a_system(store)
    async with Server(says(message(b"thanks"))) as receiver:
        await system.endpoints.create(OWNER, f"{receiver.url}/hook", ["bulk.cancelled"])
        bulk_id = (await system.creation.create(OWNER, REQUEST)).bulk_id
        await system.controls.cancel(OWNER, bulk_id)  # by a process that tells nobody
        shutdown = Shutdown()
        running = asyncio.create_task(in_time(run_worker(settings_for(generator, receiver), system, shutdown)))
        assert (await receiver.until_asked()).headers["webhook-id"] == f"{bulk_id}-1-cancelled"
        shutdown.ask()
        await running


@pytest.mark.parametrize("store", ["embedded"], indirect=True)
async def test_a_relay_that_the_database_fails_goes_on_with_what_comes_next(store: Store) -> None:
    faulty = FaultyStore(store)
    system = await a_system(faulty)
    woken = asyncio.Event()
    relay = Relay(system.outbox, woken.set)
    faulty.break_before("notices", "insert_one")
    running = asyncio.create_task(relay.run())
    for _ in range(2):
        bulk_id = (await system.creation.create(OWNER, REQUEST)).bulk_id
        await system.controls.cancel(OWNER, bulk_id)
    async with asyncio.timeout(30):
        await woken.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
