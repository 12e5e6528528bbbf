"""What goes wrong around a stream: readers that do not read, a database that is away, a watcher that dies, an end."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI
from structlog.typing import EventDict

from jobs.controls import Pause
from jobs.outcomes import Failed
from jobs.reading.changes import Changes
from jobs.storage.store import Store
from jobs.system import System
from service.app import create_app
from service.live.broadcast import Broadcast
from service.live.pace import Rhythm
from service.live.streams import Patience
from tests.service.listening import AS_OWNER, listening, live_system, of_bulk, served
from tests.service.requesting import (
    BULKS,
    OWNER,
    as_bulk_id,
    end_jobs,
    on_embedded,
    settings,
    submit_quick,
)
from tests.support.eventually import eventually
from tests.support.faulty_store import FaultyStore

pytestmark = on_embedded
LONG_ERROR = "x" * 20_000


@pytest.fixture
def faulty(store: Store) -> FaultyStore:
    return FaultyStore(store)


@pytest.fixture
async def system(store: Store) -> System:
    """Of another process, whose database is never away."""
    return await live_system(store)


@pytest.fixture
async def app(faulty: FaultyStore) -> FastAPI:
    parts = await live_system(faulty)
    app = create_app(settings(bulk={"max_items": 300}), parts)
    app.state.broadcast = Broadcast(parts, 20, Rhythm(away=0.05))
    app.state.stream_patience = Patience(heartbeat=0.1, send=2)
    return app


@pytest.fixture
async def url(app: FastAPI) -> AsyncIterator[str]:
    async with served(app) as url:
        yield url


@pytest.fixture
async def api(url: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=url, headers=AS_OWNER, timeout=20) as client:
        yield client


def a_reader_that_does_not_read(url: str, path: str) -> socket.socket:
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    host, _, port = url.removeprefix("http://").partition(":")
    deaf.connect((host, int(port)))
    deaf.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nX-Pressrun-User: {OWNER}\r\n\r\n".encode())
    return deaf


async def streams_of(app: FastAPI) -> int:
    broadcast: Broadcast = app.state.broadcast
    return broadcast.count


async def test_a_reader_that_does_not_read_is_dropped_and_others_hear_on(
    app: FastAPI, url: str, api: httpx2.AsyncClient, system: System, logs: list[EventDict]
) -> None:
    bulk_id = await submit_quick(api, 300)
    await end_jobs(system, *[Failed(LONG_ERROR, definite=True)] * 250)
    path = f"{BULKS}/{bulk_id}/events"
    async with listening(url, path) as stream:
        await stream.event()
        hearing = asyncio.create_task(stream.until(of_bulk("cancelled")), name="hearing")
        deaf = a_reader_that_does_not_read(url, path)
        await eventually(lambda: streams_of(app), lambda count: count == 2)
        await eventually(lambda: streams_of(app), lambda count: count == 1)
        await system.controls.cancel(OWNER, as_bulk_id(bulk_id))
        await hearing
    assert [entry["event"] for entry in logs].count("live_reader_dropped") == 1
    deaf.settimeout(10)
    await asyncio.to_thread(read_to_the_end, deaf)
    deaf.close()


def read_to_the_end(deaf: socket.socket) -> None:
    """Of what was under way when the connection was cut. Raises TimeoutError where it was not."""
    while deaf.recv(2**20):
        pass


async def test_streams_outlive_an_outage_of_the_database_and_tell_what_happened_meanwhile(
    faulty: FaultyStore, url: str, api: httpx2.AsyncClient, system: System
) -> None:
    bulk_id = await submit_quick(api)
    async with listening(url, f"{BULKS}/{bulk_id}/events") as stream:
        await stream.event()
        faulty.go_down()
        await faulty.was_struck(3)
        await system.controls.pause(OWNER, as_bulk_id(bulk_id), Pause())
        await stream.beat(3)
        faulty.come_back()
        await stream.until(of_bulk("paused"))


async def test_who_comes_while_the_database_is_away_is_told_once_it_is_back(
    faulty: FaultyStore, url: str, api: httpx2.AsyncClient
) -> None:
    bulk_id = await submit_quick(api)
    faulty.break_before("bulk_jobs", "aggregate", times=3)
    faulty.break_before("generation_jobs", "count", times=3)
    async with listening(url, "/api/queue/events") as of_queue, listening(url, f"{BULKS}/{bulk_id}/events") as of_one:
        for stream in (of_queue, of_one):
            first = await stream.event()
            assert first is not None
            assert first.name == "snapshot"


async def test_a_watcher_that_dies_is_noticed_and_whoever_comes_back_has_another(
    app: FastAPI,
    url: str,
    api: httpx2.AsyncClient,
    system: System,
    logs: list[EventDict],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bulk_id = await submit_quick(api)
    path = f"{BULKS}/{bulk_id}/events"
    async with listening(url, path) as stream:
        await stream.event()
        with monkeypatch.context() as broken:
            broken.setattr(Changes, "since", _broken)
            await stream.to_the_end()
    assert [entry["task"] for entry in logs if entry["event"] == "live_task_failed"] == ["live watcher"]
    async with listening(url, path) as stream:
        await system.controls.cancel(OWNER, as_bulk_id(bulk_id))
        await stream.until(of_bulk("cancelled"))


def _broken(*_: object) -> None:
    raise RuntimeError("broken by a test")


async def test_a_bulk_that_is_deleted_ends_its_streams_and_is_not_there_any_more(
    url: str, api: httpx2.AsyncClient, system: System
) -> None:
    bulk_id = await submit_quick(api)
    path = f"{BULKS}/{bulk_id}/events"
    async with listening(url, path) as stream:
        await stream.event()
        await system.controls.pause(OWNER, as_bulk_id(bulk_id), Pause())
        await system.store.collection("bulk_jobs").delete_one({"_id": as_bulk_id(bulk_id)})
        await system.store.collection("generation_jobs").update_one(
            {}, {"$currentDate": {"changed_at": True}, "$inc": {"rev": 1}}
        )
        await stream.to_the_end()
    async with listening(url, path) as stream:
        assert stream.response.status_code == 404


async def test_streams_end_in_good_order_when_the_service_does_also_beside_one_that_does_not_read(
    app: FastAPI, system: System, caplog: pytest.LogCaptureFixture
) -> None:
    app.state.stream_patience = Patience(send=60)
    async with served(app) as url, httpx2.AsyncClient(base_url=url, headers=AS_OWNER) as api:
        bulk_id = await submit_quick(api, 300)
        await end_jobs(system, *[Failed(LONG_ERROR, definite=True)] * 250)
        path = f"{BULKS}/{bulk_id}/events"
        deaf = a_reader_that_does_not_read(url, path)
        async with listening(url, "/api/queue/events") as stream:
            await stream.event()
            await eventually(lambda: streams_of(app), lambda count: count == 2)
            ending = asyncio.create_task(app.state.broadcast.stop())
            began = time.monotonic()
            assert await stream.to_the_end() == []
            await ending
            assert time.monotonic() - began < 2
        async with listening(url, path) as late:
            assert (late.response.status_code, await late.to_the_end()) == (200, [])
    deaf.close()
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_nothing_runs_while_nobody_listens(app: FastAPI, url: str, api: httpx2.AsyncClient) -> None:
    bulk_id = await submit_quick(api)

    async def live_tasks() -> list[str]:
        return sorted(task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("live"))

    assert await live_tasks() == []
    async with listening(url, f"{BULKS}/{bulk_id}/events") as stream:
        await stream.event()
        assert len(await live_tasks()) == 3
    await eventually(live_tasks, lambda names: names == [])
