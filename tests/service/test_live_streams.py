"""Live streams on the wire: a snapshot, then what changes, as it changes; and who may listen."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI

from jobs.callers.keys import Scope
from jobs.storage.store import Store
from jobs.system import System
from service.app import create_app
from service.live.broadcast import Broadcast
from service.live.pace import Rhythm
from service.live.streams import Patience
from tests.service.listening import AS_OWNER, Heard, listening, live_system, of_bulk, of_job, served
from tests.service.requesting import (
    BULKS,
    DONE,
    FAILED,
    OWNER,
    bulk,
    claimed,
    end_jobs,
    get,
    job_ids,
    on_embedded,
    post,
    refused,
    settings,
    submit_quick,
)

BEATING = Patience(heartbeat=0.05, recheck=0.05)


@pytest.fixture
async def system(store: Store) -> System:
    return await live_system(store)


@pytest.fixture
def app(system: System) -> FastAPI:
    app = create_app(settings(), system)
    app.state.stream_patience = BEATING
    return app


@pytest.fixture
async def url(app: FastAPI) -> AsyncIterator[str]:
    async with served(app) as url:
        yield url


@pytest.fixture
async def api(url: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=url, headers=AS_OWNER, timeout=20) as client:
        yield client


async def test_a_stream_begins_with_all_that_the_bulks_route_answers(url: str, api: httpx2.AsyncClient) -> None:
    bulk_id = await submit_quick(api)
    async with listening(url, f"{BULKS}/{bulk_id}/events") as stream:
        first = await stream.event()
        assert first is not None
        assert first.name == "snapshot"
        assert first.data.pop("rev") >= 1
        assert first.data == await get(api, f"{BULKS}/{bulk_id}")
        headers = stream.response.headers
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert headers["cache-control"] == "no-cache, no-transform"
    assert headers["x-accel-buffering"] == "no"
    assert "content-length" not in headers


async def test_what_becomes_of_a_job_is_told_as_it_happens_and_no_revision_falls(
    url: str, api: httpx2.AsyncClient, system: System
) -> None:
    bulk_id = await submit_quick(api, 10)
    first, second, *_ = await job_ids(api, bulk_id)
    async with listening(url, f"{BULKS}/{bulk_id}/events") as stream:
        heard = await stream.until(lambda event: event.name == "snapshot")
        claim = await claimed(system)
        heard += await stream.until(of_job(first, "processing"))
        await system.queue.finish(claim, DONE)
        heard += await stream.until(of_job(first, "completed"))
        await end_jobs(system, FAILED)
        heard += await stream.until(of_job(second, "failed"))
        heard += await stream.until(lambda event: event.name == "bulk" and event.data["progress"]["failed"] == 1)
    progress = (await get(api, f"{BULKS}/{bulk_id}"))["progress"]
    assert heard[-1].data["progress"] | {"per_hour": None} == progress | {"per_hour": None}  # it falls by the moment
    for document in ({"bulk", "snapshot"}, {"job"}):
        revisions: dict[str, int] = {}
        for event in heard:
            if event.name in document:
                key = event.data["job"]["id"] if event.name == "job" else "bulk"
                assert event.data["rev"] >= revisions.get(key, 0)
                revisions[key] = event.data["rev"]


@pytest.mark.parametrize("meanwhile", ["listening", "away"])
async def test_rows_that_waited_for_a_canary_are_told_when_it_has_ended(
    url: str, api: httpx2.AsyncClient, system: System, meanwhile: str
) -> None:
    """No write touches these jobs: it is the bulk that holds them up no longer."""
    bulk_id = await submit_quick(api, failure_policy={"canary": 1})
    path = f"{BULKS}/{bulk_id}/events"
    async with listening(url, path) as stream:
        first = await stream.event()
        assert first is not None
        assert "canary" in _codes(first)
        await stream.beat()
        if meanwhile == "listening":
            await end_jobs(system, DONE)
            heard = await stream.until(_of_paused_bulk)
    if meanwhile == "away":
        await end_jobs(system, DONE)
        async with listening(url, path, last_id=stream.last_id) as again:
            heard = await again.until(_of_paused_bulk)
    assert heard[-1].name == "snapshot"
    assert _codes(heard[-1]) == {"paused", None}


def _of_paused_bulk(event: Heard) -> bool:
    return event.name in ("snapshot", "bulk") and event.data["bulk_job"]["status"] == "paused"


def _codes(snapshot: Heard) -> set[str | None]:
    return {job["waiting"]["code"] if job["waiting"] else None for job in snapshot.data["jobs"]}


async def test_controls_are_seen_by_everybody_who_listens(url: str, api: httpx2.AsyncClient) -> None:
    bulk_id = await submit_quick(api)
    job_id = (await job_ids(api, bulk_id))[0]
    async with (
        listening(url, f"{BULKS}/{bulk_id}/events") as one,
        listening(url, f"{BULKS}/{bulk_id}/events") as other,
        listening(url, f"/api/jobs/{job_id}/events") as of_a_job,
        listening(url, "/api/queue/events") as of_queue,
    ):
        await post(api, f"{BULKS}/{bulk_id}/pause", {"reason": "lunch"})
        for stream in (one, other):
            assert "lunch" in (await stream.until(of_bulk("paused")))[-1].data["progress"]["waiting"]["text"]
        waits = await of_a_job.until(lambda event: (event.data["job"]["waiting"] or {}).get("code") == "paused")
        assert waits[-1].data["job"]["id"] == job_id
        await post(api, f"{BULKS}/{bulk_id}/cancel")
        for stream in (one, other):
            await stream.until(of_bulk("cancelled"))
        await of_a_job.until(lambda event: event.data["job"]["status"] == "cancelled")
        await of_queue.until(lambda event: event.data["pending"] == 0)


async def test_a_job_is_told_as_a_whole(url: str, api: httpx2.AsyncClient, system: System) -> None:
    bulk_id = await submit_quick(api)
    job_id = (await job_ids(api, bulk_id))[0]
    async with listening(url, f"/api/jobs/{job_id}/events") as stream:
        first = await stream.event()
        assert first is not None
        assert (first.name, first.data["job"]["status"]) == ("snapshot", "queued")
        await end_jobs(system, DONE)
        ended = (await stream.until(of_job(job_id, "completed")))[-1]
    told = {name: value for name, value in ended.data.items() if name != "rev"}
    assert told == await get(api, f"/api/jobs/{job_id}")


async def test_the_queue_is_ones_own_part_of_it_and_an_admins_is_all(
    url: str, api: httpx2.AsyncClient, system: System
) -> None:
    async with (
        listening(url, "/api/queue/events") as mine,
        listening(url, "/api/queue/events", {"X-Pressrun-User": "other"}) as others,
        listening(url, "/api/queue/events", {}) as admins,
    ):
        for stream in (mine, others, admins):
            first = await stream.event()
            assert first is not None
            assert (first.name, first.data["total"]) == ("snapshot", 0)
        await submit_quick(api, 10)
        for stream in (mine, admins):
            assert (await stream.until(lambda event: event.data["total"] == 10))[-1].name == "queue"
        await others.beat(4)
        theirs = await get(api, "/api/queue")
        assert theirs["total"] == 10


async def test_the_stream_of_an_ended_bulk_stays_open_and_quiet_until_it_begins_again(
    url: str, api: httpx2.AsyncClient, system: System
) -> None:
    bulk_id = await submit_quick(api, 10)
    await end_jobs(system, FAILED, *[DONE] * 9)
    async with listening(url, f"{BULKS}/{bulk_id}/events") as stream:
        await stream.until(of_bulk("completed"))
        await stream.beat(4)
        assert (await post(api, f"{BULKS}/{bulk_id}/retry"))["retried"] == 1
        again = await stream.until(of_bulk("processing"))
    assert again[-1].data["bulk_job"]["generation"] == 2


async def test_what_time_alone_changes_is_looked_at_again(app: FastAPI, system: System) -> None:
    app.state.broadcast = Broadcast(system, 20, Rhythm(refresh=0.2))
    async with served(app) as url, httpx2.AsyncClient(base_url=url, headers=AS_OWNER) as api:
        bulk_id = (await post(api, BULKS, bulk(delay_seconds=1)))["bulk_job_id"]
        async with listening(url, f"{BULKS}/{bulk_id}/events") as stream:
            await end_jobs(system, DONE)
            delayed = await stream.until(lambda event: _waits(event) == "delay")
            later = await stream.until(lambda event: _waits(event) != "delay")
    assert delayed[-1].data["rev"] == later[-1].data["rev"]  # nobody has written anything


def _waits(event: Heard) -> str | None:
    told = event.data.get("progress", {}).get("waiting")
    return told["code"] if told else None


@on_embedded
async def test_a_silent_stream_beats(url: str, api: httpx2.AsyncClient) -> None:
    bulk_id = await submit_quick(api)
    async with listening(url, f"{BULKS}/{bulk_id}/events") as stream:
        await stream.event()
        await stream.beat(3)


@on_embedded
async def test_a_user_may_have_so_many_streams_and_no_more(system: System) -> None:
    app = create_app(settings(stream={"max_per_user": 2}), system)
    async with served(app) as url:
        async with listening(url, "/api/queue/events") as one, listening(url, "/api/queue/events") as two:
            await one.event()
            await two.event()
            async with listening(url, "/api/queue/events") as third:
                sentence = refused(third.response, 429)
                assert sentence == "You have 2 live streams open, and more are not allowed: close one first."
                assert int(third.response.headers["retry-after"]) >= 1
            async with listening(url, "/api/queue/events", {"X-Pressrun-User": "other"}) as others:
                assert await others.event() is not None
        async with listening(url, "/api/queue/events") as again:
            assert await again.event() is not None


@on_embedded
async def test_what_is_not_ones_own_cannot_be_listened_to(url: str, api: httpx2.AsyncClient) -> None:
    bulk_id = await submit_quick(api)
    job_id = (await job_ids(api, bulk_id))[0]
    for path in (f"{BULKS}/{bulk_id}/events", f"/api/jobs/{job_id}/events", f"{BULKS}/nothing/events"):
        async with listening(url, path, {"X-Pressrun-User": "other"}) as stream:
            assert refused(stream.response, 404).startswith("There is no such ")


@on_embedded
async def test_a_revoked_key_hears_nothing_more(system: System) -> None:
    app = create_app(settings(auth={"mode": "keys"}), system)
    app.state.stream_patience = BEATING
    key, text = await system.keys.create(OWNER, Scope.READ)
    async with served(app) as url, listening(url, "/api/queue/events", {"Authorization": f"Bearer {text}"}) as stream:
        assert await stream.event() is not None
        await stream.beat(3)
        await system.keys.revoke(key["_id"])
        assert await stream.to_the_end() == []


@on_embedded
async def test_who_is_no_admin_any_more_does_not_hear_of_all(system: System) -> None:
    app = create_app(settings(auth={"mode": "keys", "admins": ["boss"]}), system)
    app.state.stream_patience = BEATING
    _, text = await system.keys.create("boss", Scope.WRITE)
    async with served(app) as url, listening(url, "/api/queue/events", {"Authorization": f"Bearer {text}"}) as stream:
        assert await stream.event() is not None
        app.state.authentication = create_app(settings(auth={"mode": "keys"}), system).state.authentication
        assert await stream.to_the_end() == []


@on_embedded
async def test_the_stream_of_a_bulk_that_is_removed_ends(system: System, url: str, api: httpx2.AsyncClient) -> None:
    bulk_id = await submit_quick(api, 10)
    await post(api, f"{BULKS}/{bulk_id}/cancel")
    await system.outbox.relay()
    async with listening(url, f"{BULKS}/{bulk_id}/events") as stream:
        assert await stream.event() is not None
        await stream.beat(3)
        assert (await api.delete(f"{BULKS}/{bulk_id}")).status_code == 200
        assert await stream.to_the_end() == []
    assert (await api.get(f"{BULKS}/{bulk_id}/events")).status_code == 404
