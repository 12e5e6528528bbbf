"""Coming back with `Last-Event-ID`: what changed meanwhile and no more; or a snapshot, where the id says nothing."""

from __future__ import annotations

from datetime import timedelta

import httpx2
import pytest
from fastapi import FastAPI

from jobs.documents import JobId
from jobs.storage.store import Store
from jobs.system import System
from service.app import create_app
from service.live import views
from service.live.events import BulkSubject, JobSubject, QueueSubject, Subject
from service.live.positions import event_id, moment_of
from service.live.streams import MOST_AGE, Patience
from tests.service.listening import AS_OWNER, Heard, Listener, listening, live_system, of_bulk, served
from tests.service.requesting import (
    BULKS,
    DONE,
    OWNER,
    as_bulk_id,
    end_jobs,
    job_ids,
    on_embedded,
    settings,
    submit_quick,
)


@pytest.fixture
async def system(store: Store) -> System:
    return await live_system(store)


@pytest.fixture
def app(system: System) -> FastAPI:
    return replica(system)


def replica(system: System) -> FastAPI:
    """Another process of the service, as far as streams can tell."""
    app = create_app(settings(), system)
    app.state.stream_patience = Patience(heartbeat=0.05)
    return app


@pytest.fixture(autouse=True)
def nothing_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """What changed shortly before may be told once more; here it is to be seen that nothing older is."""
    monkeypatch.setattr("service.live.feeds.LATE", timedelta(milliseconds=5))
    monkeypatch.setattr("service.live.watcher.LATE", timedelta(milliseconds=5))


async def test_who_comes_back_to_another_replica_is_told_what_changed_and_no_more(app: FastAPI, system: System) -> None:
    async with served(app) as url, httpx2.AsyncClient(base_url=url, headers=AS_OWNER) as api:
        bulk_id = await submit_quick(api)
        _, second, *_ = await job_ids(api, bulk_id)
        path = f"{BULKS}/{bulk_id}/events"
        async with listening(url, path) as stream:
            await end_jobs(system, DONE)
            await stream.until(lambda event: event.name == "bulk" and event.data["progress"]["completed"] == 1)
            last_id = await _past_all(stream, system, bulk_id)
    await end_jobs(system, DONE)
    async with served(replica(system)) as url, listening(url, path, last_id=last_id) as stream:
        heard = await stream.until(lambda event: event.name == "bulk")
    assert {_told(event) for event in heard} == {("job", second), ("bulk", bulk_id)}
    assert heard[-1].data["progress"]["completed"] == 2


async def _past_all(stream: Listener, system: System, bulk_id: str) -> str:
    """The id of a heartbeat that lies so far behind all that has changed that none of it is told once more."""
    subject = BulkSubject(OWNER, as_bulk_id(bulk_id))
    bulk = await system.store.collection("bulk_jobs").find_one({"_id": subject.bulk_id})
    jobs = await system.store.collection("generation_jobs").find({"bulk_job_id": subject.bulk_id})
    changed = max(document["changed_at"] for document in [bulk or {}, *jobs])
    while True:
        await stream.beat()
        told = moment_of(stream.last_id or "", subject)
        if told is not None and told > changed + timedelta(milliseconds=50):
            return stream.last_id or ""


def _told(event: Heard) -> tuple[str, str]:
    return event.name, event.data["job"]["id"] if event.name == "job" else event.data["bulk_job"]["_id"]


async def test_who_comes_back_to_where_nothing_happened_is_told_nothing(app: FastAPI, system: System) -> None:
    async with served(app) as url, httpx2.AsyncClient(base_url=url, headers=AS_OWNER) as api:
        bulk_id = await submit_quick(api)
        path = f"{BULKS}/{bulk_id}/events"
        async with listening(url, path) as stream:
            await stream.event()
            last_id = await _past_all(stream, system, bulk_id)
        async with listening(url, path, last_id=last_id) as stream:
            await stream.beat(5)
            await system.controls.cancel(OWNER, as_bulk_id(bulk_id))
            heard = await stream.until(of_bulk("cancelled"))
    assert "snapshot" not in {event.name for event in heard}


@on_embedded
@pytest.mark.parametrize(
    "what", ["too old", "of a bulk", "of the future", "of a clock put back", "garbage", "not ascii", "too long"]
)
async def test_an_id_that_says_nothing_is_answered_with_a_snapshot(app: FastAPI, system: System, what: str) -> None:
    async with served(app) as url, httpx2.AsyncClient(base_url=url, headers=AS_OWNER) as api:
        bulk_id = await submit_quick(api)
        mine = BulkSubject(OWNER, as_bulk_id(bulk_id))
        now = system.clock.now()
        said = {
            "too old": event_id(mine, now - MOST_AGE - timedelta(seconds=1)),
            "of a bulk": event_id(QueueSubject(OWNER), now),
            "of the future": event_id(mine, now + timedelta(days=9000)),
            "of a clock put back": event_id(mine, now + timedelta(minutes=5)),
            "garbage": "x",
            "not ascii": "\xff\xfe!",
            "too long": "A" * 4000,
        }[what]
        async with listening(url, f"{BULKS}/{bulk_id}/events", last_id=said) as stream:
            first = await stream.event()
    assert first is not None
    assert first.name == "snapshot"


@on_embedded
async def test_who_has_missed_too_much_is_given_a_snapshot(
    app: FastAPI, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "MOST_ROWS", 5)
    async with served(app) as url, httpx2.AsyncClient(base_url=url, headers=AS_OWNER) as api:
        bulk_id = await submit_quick(api)
        path = f"{BULKS}/{bulk_id}/events"
        async with listening(url, path) as stream:
            await stream.event()
            last_id = await _past_all(stream, system, bulk_id)
        await end_jobs(system, *[DONE] * 6)
        async with listening(url, path, last_id=last_id) as stream:
            first = await stream.event()
    assert first is not None
    assert (first.name, first.data["progress"]["completed"]) == ("snapshot", 6)


@on_embedded
async def test_many_changes_at_once_are_told_as_a_snapshot(
    app: FastAPI, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "MOST_ROWS", 5)
    async with served(app) as url, httpx2.AsyncClient(base_url=url, headers=AS_OWNER) as api:
        bulk_id = await submit_quick(api)
        async with listening(url, f"{BULKS}/{bulk_id}/events") as stream:
            await stream.event()
            await system.controls.cancel(OWNER, as_bulk_id(bulk_id))
            heard = await stream.until(_is_cancelled)
    assert {job["status"] for job in heard[-1].data["jobs"]} == {"cancelled"}


def _is_cancelled(event: Heard) -> bool:
    return event.name == "snapshot" and event.data["bulk_job"]["status"] == "cancelled"


@on_embedded
async def test_an_id_is_the_same_on_every_replica_and_means_one_subject(system: System) -> None:
    now = system.clock.now()
    bulk_id = as_bulk_id("6b027bdfe484bda5c9f5777d")
    bulks = [BulkSubject(OWNER, bulk_id), BulkSubject("other", bulk_id)]
    subjects: list[Subject] = [*bulks, QueueSubject(OWNER), QueueSubject(None)]
    for subject in subjects:
        said = event_id(subject, now)
        assert said == event_id(subject, now)
        assert [moment_of(said, other) for other in subjects].count(now) == 1
    assert moment_of("", JobSubject(OWNER, JobId(bulk_id))) is None
