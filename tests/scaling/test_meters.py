"""What the scale plan measures with tells what it should: processor time, connections, costs, sizes."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time

import bson
import pytest

from benchmarks.bench import Client
from benchmarks.commands import CommandListener
from benchmarks.scaling.connections import connections
from benchmarks.scaling.costs import cost_of, measured
from benchmarks.scaling.sizes import ITEMS, bulks
from benchmarks.server_usage import PROCESSES, server_cpu_seconds
from jobs.states import ENDED_JOBS

BURN_SECONDS = 0.2


async def test_processor_time_is_that_of_the_named_processes_and_of_those_that_they_have_started(
    mongodb_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Client(mongodb_uri) as client:
        monkeypatch.delenv(PROCESSES, raising=False)
        if await server_cpu_seconds(client) is not None:
            pytest.skip("this server tells its processor time itself")
        monkeypatch.setenv(PROCESSES, str(os.getpid()))
        before = await server_cpu_seconds(client)
        burning = f"import time\nwhile time.process_time() < {BURN_SECONDS}: pass"
        await asyncio.to_thread(subprocess.run, [sys.executable, "-c", burning], check=True)
        after = await server_cpu_seconds(client)
    assert before is not None
    assert after is not None
    assert after - before >= BURN_SECONDS / 2  # the system counts it in ticks, of user and kernel each


async def test_connections_are_counted_by_the_port_that_they_lead_to() -> None:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    assert connections(os.getpid(), port) == 0
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
    assert connections(os.getpid(), port) == 3
    for _, writer in opened:
        writer.close()
    server.close()


async def test_a_cost_is_that_of_one_time_and_survives_being_kept(mongodb_uri: str, mongodb_database: str) -> None:
    listener = CommandListener()
    async with Client(mongodb_uri) as client:
        collection = client[mongodb_database]["workers"]

        async def write_and_look_twice() -> None:
            await collection.update_one({"_id": "a"}, {"$set": {"at": time.time()}}, upsert=True)
            await collection.find_one({"_id": "a"})
            await collection.find_one({"_id": "b"})

        cost = await measured(write_and_look_twice, listener, client, 0.0)
    assert cost.commands == {"find workers": 2, "update workers": 1}
    assert cost.operations == 3
    assert 20 < cost.written < 500
    assert cost_of(cost.as_json()) == cost


def test_made_up_bulks_are_of_the_codes_own_documents_and_nearly_all_have_ended() -> None:
    made = list(bulks(100, random.Random(1)))
    assert all(len(jobs) == ITEMS == bulk["total_items"] for bulk, jobs in made)
    ended = sum(jobs[0]["status"] in ENDED_JOBS for _, jobs in made)
    assert 90 <= ended < 100
    assert len(bson.encode(made[0][1][0])) > 5_000
