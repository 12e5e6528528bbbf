"""The invariants with real worker processes on a real server: one at a time, controls, deaths (spec §4)."""

from __future__ import annotations

import random
import signal
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest

from jobs.storage.store import Name, Store
from tests.acceptance.conftest import FAST
from tests.acceptance.test_journey import assert_counted, finished, items, look, submit
from tests.support.deployment import Deployment, on_mongodb
from tests.support.eventually import eventually
from tests.support.processes import Process
from tests.support.replies import never, success
from tests.support.scripted_generator import Call, ScriptedGenerator

ROUNDS = 100


@pytest.fixture
async def generator() -> AsyncIterator[ScriptedGenerator]:
    async with ScriptedGenerator() as scripted:
        yield scripted


@pytest.fixture
async def deployment(
    generator: ScriptedGenerator, mongodb_uri: str, mongodb_database: str, tmp_path: Path
) -> AsyncIterator[Deployment]:
    settings = {**FAST, "PRESSRUN_WORKER__SHUTDOWN_GRACE_SECONDS": "20"}
    async with on_mongodb(
        settings, tmp_path, mongodb_uri, mongodb_database, workers=2, generator_url=generator.url
    ) as running:
        yield running


@pytest.fixture
async def api(deployment: Deployment) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=deployment.url, timeout=20, trust_env=False) as client:
        yield client


async def owner_of(api: httpx2.AsyncClient, deployment: Deployment, call: Call) -> Process:
    """The worker process that makes this call."""

    async def busy() -> list[Process]:
        job = (await api.get(f"/api/jobs/{call.body['job_id']}")).json()["job"]
        workers = (await api.get("/api/workers")).json()["workers"]
        pids = [worker["id"].split("-")[-2] for worker in workers if worker["current_job"] == job["id"]]
        return [worker for worker in deployment.workers if str(worker.pid) in pids]

    return (await eventually(busy))[0]


async def job_of(api: httpx2.AsyncClient, call: Call) -> dict[str, Any]:
    job: dict[str, Any] = (await api.get(f"/api/jobs/{call.body['job_id']}")).json()["job"]
    return job


async def test_under_the_default_cap_no_two_jobs_run_at_once_in_the_whole_system(
    api: httpx2.AsyncClient, generator: ScriptedGenerator
) -> None:
    held = never()
    generator.otherwise = lambda _: held
    bulks = [await submit(api, pipeline="plain") for _ in range(2)]
    for number in range(1, 21):
        await generator.called(number)
        assert len(generator.open_calls) == 1
        before, held = held, never()
        before.release()
    for bulk_id in bulks:
        assert_counted(await finished(api, bulk_id))
    assert generator.most_at_once == 1
    assert len(set(generator.keys)) == 20


async def test_without_a_cap_no_two_jobs_of_one_bulk_run_at_once_and_each_starts_in_order(
    api: httpx2.AsyncClient, generator: ScriptedGenerator
) -> None:
    assert (await api.patch("/api/limits", json={"max_running": None})).status_code == 200
    bulks = [
        await submit(api, pipeline="plain", items=[{"topic": f"{name} {number:02}"} for number in range(10)])
        for name in ("A", "B", "C")
    ]
    at_once: list[list[str]] = []

    def answer(call: Call) -> Any:
        at_once.append([open_call.topic[0] for open_call in generator.open_calls] + [call.topic[0]])
        return success("Some text.")

    generator.otherwise = answer
    for bulk_id in bulks:
        assert_counted(await finished(api, bulk_id))
    assert all(len(names) == len(set(names)) for names in at_once)
    for name in ("A", "B", "C"):
        topics = [call.topic for call in generator.calls if call.topic.startswith(name)]
        assert topics == sorted(topics)
        assert len(topics) == 10


@pytest.mark.parametrize("control", ["pause", "cancel"])
async def test_once_a_control_has_answered_only_the_jobs_it_named_are_called_for(
    api: httpx2.AsyncClient, generator: ScriptedGenerator, deployment: Deployment, control: str
) -> None:
    await api.patch("/api/limits", json={"max_running": None})
    await deployment.add_worker()
    dice = random.Random(7)
    for number in range(ROUNDS):
        bulk_id = await submit(api, items=items(external_id=f"round-{number}"))
        await generator.called(len(generator.calls) + dice.randrange(4))
        answer = (await api.post(f"/api/bulk-generate/{bulk_id}/{control}")).json()
        before = {call.body["job_id"] for call in generator.calls}
        await eventually(partial(look, api, bulk_id), lambda seen: seen["progress"]["running"] == 0)
        if control == "pause":
            assert (await api.post(f"/api/bulk-generate/{bulk_id}/cancel")).status_code in (200, 409)
        done = await finished(api, bulk_id)
        assert_counted(done)
        mine = {job["id"] for job in done["jobs"]}
        after = {call.body["job_id"] for call in generator.calls} & mine
        assert after <= before | set(answer["running"])


async def test_cancel_closes_the_running_call_and_cancels_its_job(
    api: httpx2.AsyncClient, generator: ScriptedGenerator
) -> None:
    generator.script(never())
    bulk_id = await submit(api)
    call = await generator.called()
    answer = (await api.post(f"/api/bulk-generate/{bulk_id}/cancel")).json()
    assert set(answer["running"]) <= {call.body["job_id"]}  # it may have ended before the answer was written
    await generator.hung_up(call.key)
    done = await finished(api, bulk_id)
    assert done["progress"]["cancelled"] == 10
    assert len(generator.calls) == 1


async def test_abort_puts_the_running_job_back_and_resume_repeats_its_key(
    api: httpx2.AsyncClient, generator: ScriptedGenerator
) -> None:
    generator.script(never())
    bulk_id = await submit(api)
    call = await generator.called()
    await api.post(f"/api/bulk-generate/{bulk_id}/pause", json={"mode": "abort"})
    await generator.hung_up(call.key)
    paused = await eventually(lambda: look(api, bulk_id), lambda seen: seen["progress"]["running"] == 0)
    assert {job["status"] for job in paused["jobs"]} == {"queued"}
    await api.post(f"/api/bulk-generate/{bulk_id}/resume")
    assert (await generator.called(2)).key == call.key
    assert_counted(await finished(api, bulk_id))
    assert (await job_of(api, call))["retry_count"] == 0


async def test_a_killed_workers_job_runs_again_elsewhere_with_the_same_key_and_counts_once(
    api: httpx2.AsyncClient, generator: ScriptedGenerator, deployment: Deployment
) -> None:
    generator.script(never())
    bulk_id = await submit(api)
    call = await generator.called()
    await (await owner_of(api, deployment, call)).kill()
    assert (await generator.called(2)).key == call.key
    done = await finished(api, bulk_id)
    assert done["progress"]["completed"] == 10
    assert_counted(done)
    assert [attempt["outcome"] for attempt in (await job_of(api, call))["attempts"]] == ["lost", "completed"]
    assert len(generator.calls) == 11


async def stored(store: Store) -> dict[Name, list[dict[str, Any]]]:
    """All that workers write about jobs, but for how far a lease was renewed."""
    names: tuple[Name, ...] = ("bulk_jobs", "generation_jobs", "limits")
    there = {name: await store.collection(name).find({}, sort=[("_id", 1)]) for name in names}
    for job in there["generation_jobs"]:
        if job["lease"]:
            del job["lease"]["until"]
    return there


async def test_a_worker_that_slept_through_its_lease_changes_nothing_and_says_so_once(
    api: httpx2.AsyncClient, generator: ScriptedGenerator, deployment: Deployment, mongodb_store: Store
) -> None:
    sleeping, waking = never(), never()
    generator.script(sleeping, waking)
    bulk_id = await submit(api)
    call = await generator.called()
    sleeper = await owner_of(api, deployment, call)
    sleeper.send(signal.SIGSTOP)
    again = await generator.called(2)
    assert again.key == call.key
    sleeping.release()
    await generator.answered()
    before = await stored(mongodb_store)

    async def last_beat() -> datetime:
        workers = await mongodb_store.collection("workers").find({})
        (beat,) = [worker["last_heartbeat"] for worker in workers if str(sleeper.pid) in worker["_id"].split("-")]
        assert isinstance(beat, datetime)
        return beat

    sleeper.send(signal.SIGCONT)
    await sleeper.said("lease_lost")
    said_at = await last_beat()
    await eventually(last_beat, lambda beat: beat > said_at)  # it lives on, and had the time to write
    assert await stored(mongodb_store) == before
    waking.release()
    done = await finished(api, bulk_id)
    assert done["progress"]["completed"] == 10
    assert_counted(done)
    assert sleeper.output.count("lease_lost") == 1
    assert [attempt["outcome"] for attempt in (await job_of(api, call))["attempts"]] == ["lost", "completed"]


async def test_sigterm_lets_the_running_job_end_and_takes_no_more(
    api: httpx2.AsyncClient, generator: ScriptedGenerator, deployment: Deployment
) -> None:
    held = never()
    generator.script(held)
    await submit(api)
    call = await generator.called()
    worker = await owner_of(api, deployment, call)
    for other in deployment.workers:
        other.send(signal.SIGTERM)
    await worker.said("draining")
    held.release()
    assert [await other.ended() for other in deployment.workers] == [0, 0]
    job = await job_of(api, call)
    assert (job["status"], len(generator.calls)) == ("completed", 1)


async def test_a_second_sigterm_hands_the_job_back_without_losing_an_attempt(
    api: httpx2.AsyncClient, generator: ScriptedGenerator, deployment: Deployment
) -> None:
    generator.script(never())
    bulk_id = await submit(api)
    call = await generator.called()
    worker = await owner_of(api, deployment, call)
    worker.send(signal.SIGTERM)
    await worker.said("draining")
    worker.send(signal.SIGTERM)
    await generator.hung_up(call.key)
    assert await worker.ended() == 0
    assert (await generator.called(2)).key == call.key
    assert_counted(await finished(api, bulk_id))
    job = await job_of(api, call)
    assert job["retry_count"] == 0
    assert [attempt["outcome"] for attempt in job["attempts"]] == ["handed_back", "completed"]
