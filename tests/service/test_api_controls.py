"""Pause, resume, cancel, retry of a bulk: what they answer in every state, and what holds once they have answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from jobs.clock import Clock
from jobs.documents import Wish
from jobs.outcomes import HandedBack
from jobs.storage.store import Document, Store
from jobs.system import System
from tests.service.requesting import (
    BULKS,
    DONE,
    FAILED,
    as_bulk_id,
    claimed,
    end_jobs,
    faults,
    get,
    on_embedded,
    post,
    refused,
    status_of,
    submit,
    submit_quick,
)
from tests.support.clock import MovableClock
from tests.support.invariants import assert_at_rest

InState = Callable[[str], Awaitable[str]]


@pytest.fixture
def in_state(api: httpx2.AsyncClient, system: System) -> InState:
    """A bulk that has come to this state."""

    async def make(state: str) -> str:
        bulk_id = await submit_quick(api)
        match state:
            case "processing":
                await end_jobs(system, DONE)
            case "paused":
                await post(api, f"{BULKS}/{bulk_id}/pause")
            case "completed":
                await end_jobs(system, *[DONE] * 9, FAILED)
            case "cancelled":
                await post(api, f"{BULKS}/{bulk_id}/cancel")
        assert await status_of(api, bulk_id) == state
        return bulk_id

    return make


MOVES = [
    ("queued", "pause", "paused"),
    ("queued", "resume", "queued"),
    ("queued", "cancel", "cancelled"),
    ("processing", "pause", "paused"),
    ("processing", "resume", "processing"),
    ("processing", "cancel", "cancelled"),
    ("paused", "pause", "paused"),
    ("paused", "resume", "queued"),
    ("paused", "cancel", "cancelled"),
    ("completed", "pause", None),
    ("completed", "resume", None),
    ("completed", "cancel", None),
    ("cancelled", "pause", None),
    ("cancelled", "resume", None),
    ("cancelled", "cancel", "cancelled"),
]
SAID = {"pause": "paused", "resume": "resumed", "cancel": "cancelled"}


@pytest.mark.parametrize(("before", "control", "after"), MOVES)
async def test_every_control_in_every_state(
    api: httpx2.AsyncClient, in_state: InState, before: str, control: str, after: str | None
) -> None:
    bulk_id = await in_state(before)
    response = await api.post(f"{BULKS}/{bulk_id}/{control}")
    if after is None:
        assert refused(response, 409) == f"A bulk job that is {before} cannot be {SAID[control]}."
        assert "retry-after" not in response.headers
    else:
        assert response.status_code == 200
        assert response.json() == {"success": True, "message": f"Bulk job {SAID[control]}", "running": []}
    assert await status_of(api, bulk_id) == (after or before)


async def test_pause_names_what_still_runs_and_nothing_else_starts(api: httpx2.AsyncClient, system: System) -> None:
    bulk_id = await submit_quick(api)
    running = await claimed(system)
    answer = await post(api, f"{BULKS}/{bulk_id}/pause", {"mode": "finish", "reason": "lunch"})
    assert answer["running"] == [str(running.job_id)]
    assert (await system.queue.controls([running]))[running.token].wish is None
    await system.queue.finish(running, DONE)
    assert await system.queue.claim("worker-1") is None
    assert (await get(api, f"{BULKS}/{bulk_id}"))["progress"]["completed"] == 1


async def test_a_pause_is_shown_with_who_when_and_why(api: httpx2.AsyncClient, clock: MovableClock) -> None:
    bulk_id = await submit(api)
    await post(api, f"{BULKS}/{bulk_id}/pause", {"reason": "lunch"})
    moment = clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
    shown = (await get(api, f"{BULKS}/{bulk_id}"))["bulk_job"]
    assert shown["pause"] == {
        "at": moment,
        "by": "owner",
        "mode": "finish",
        "reason": "lunch",
        "until": None,
        "cause": None,
    }
    await post(api, f"{BULKS}/{bulk_id}/resume")
    assert (await get(api, f"{BULKS}/{bulk_id}"))["bulk_job"]["pause"] is None


async def test_a_pause_with_abort_puts_what_runs_back(api: httpx2.AsyncClient, system: System) -> None:
    bulk_id = await submit_quick(api)
    running = await claimed(system)
    answer = await post(api, f"{BULKS}/{bulk_id}/pause", {"mode": "abort"})
    assert answer["running"] == [str(running.job_id)]
    assert (await system.queue.controls([running]))[running.token].wish is Wish.ABORT
    await system.queue.finish(running, HandedBack("paused"))
    first = (await get(api, f"{BULKS}/{bulk_id}"))["jobs"][0]
    assert (first["status"], first["retry_count"]) == ("queued", 0)
    await assert_at_rest(system.store)


async def test_a_pause_until_a_moment_ends_by_itself(
    api: httpx2.AsyncClient, system: System, clock: MovableClock
) -> None:
    bulk_id = await submit(api)
    until = clock.now() + timedelta(hours=2)
    written = (until + timedelta(hours=2)).replace(tzinfo=None).isoformat(timespec="milliseconds") + "+02:00"
    await post(api, f"{BULKS}/{bulk_id}/pause", {"until": written})
    told = (await get(api, f"{BULKS}/{bulk_id}"))["bulk_job"]["pause"]["until"]
    assert told == until.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    clock.move(timedelta(hours=2) - timedelta(seconds=1))
    assert await system.controls.resume_due() == 0
    clock.move(timedelta(seconds=1))
    assert await system.controls.resume_due() == 1
    assert await status_of(api, bulk_id) == "queued"


def hours_from(clock: Clock, hours: int) -> str:
    return (clock.now() + timedelta(hours=hours)).isoformat()


async def test_a_pause_until_the_past_is_refused(api: httpx2.AsyncClient, clock: MovableClock) -> None:
    bulk_id = await submit(api)
    for until in (hours_from(clock, -1), clock.now().isoformat(), "1969-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00"):
        response = await api.post(f"{BULKS}/{bulk_id}/pause", json={"until": until})
        assert faults(response) == {"until": "must be in the future"}
    assert await status_of(api, bulk_id) == "queued"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"mode": "stop"}, "mode"),
        ({"mode": None}, "mode"),
        ({"mode": 1}, "mode"),
        ({"reason": ""}, "reason"),
        ({"reason": "r" * 2_001}, "reason"),
        ({"reason": 5}, "reason"),
        ({"until": "tomorrow"}, "until"),
        ({"until": ""}, "until"),
        ({"until": "2126-11-22T10:00:00"}, "until"),
        ({"until": "2126-11-22"}, "until"),
        ({"until": "9999-12-31T23:59:59-12:00"}, "until"),
        ({"until": 4_951_015_200}, "until"),
        ({"until": "4951015200"}, "until"),
        ({"until": True}, "until"),
        ({"until": {}}, "until"),
        ({"for": 5}, "for"),
        ([], ""),
        ("abort", ""),
    ],
)
@on_embedded
async def test_a_pause_that_is_wrong_in_itself_pauses_nothing(api: httpx2.AsyncClient, body: Any, path: str) -> None:
    bulk_id = await submit(api)
    assert faults(await api.post(f"{BULKS}/{bulk_id}/pause", json=body)).keys() == {path}
    assert await status_of(api, bulk_id) == "queued"


async def test_a_bulk_that_had_started_goes_on_processing(api: httpx2.AsyncClient, in_state: InState) -> None:
    bulk_id = await in_state("processing")
    await post(api, f"{BULKS}/{bulk_id}/pause")
    await post(api, f"{BULKS}/{bulk_id}/resume")
    assert await status_of(api, bulk_id) == "processing"


async def test_cancel_ends_a_bulk_and_names_what_is_being_aborted(api: httpx2.AsyncClient, system: System) -> None:
    bulk_id = await submit_quick(api)
    await end_jobs(system, DONE)
    running = await claimed(system)
    answer = await post(api, f"{BULKS}/{bulk_id}/cancel")
    assert answer == {"success": True, "message": "Bulk job cancelled", "running": [str(running.job_id)]}
    assert (await system.queue.controls([running]))[running.token].wish is Wish.CANCEL
    shown = await get(api, f"{BULKS}/{bulk_id}")
    assert (shown["bulk_job"]["status"], shown["bulk_job"]["completed_at"] is None) == ("cancelled", False)
    assert [job["status"] for job in shown["jobs"]] == ["completed", "processing", *["cancelled"] * 8]
    again = await post(api, f"{BULKS}/{bulk_id}/cancel")
    assert again["running"] == [str(running.job_id)]
    assert await system.queue.claim("worker-1") is None


async def bulk_document(store: Store, bulk_id: str) -> Document:
    found = await store.collection("bulk_jobs").find_one({"_id": as_bulk_id(bulk_id)})
    assert found is not None
    return found


async def test_retry_sends_all_failed_jobs_back_and_begins_the_next_generation(
    api: httpx2.AsyncClient, system: System
) -> None:
    bulk_id = await submit_quick(api)
    await end_jobs(system, FAILED, DONE, FAILED, *[DONE] * 7)
    assert await status_of(api, bulk_id) == "completed"
    answer = await post(api, f"{BULKS}/{bulk_id}/retry")
    assert answer == {"success": True, "message": "2 failed jobs sent back to the queue", "retried": 2}
    shown = await get(api, f"{BULKS}/{bulk_id}")
    bulk_job = shown["bulk_job"]
    assert (bulk_job["status"], bulk_job["generation"], bulk_job["completed_at"]) == ("processing", 2, None)
    assert (bulk_job["failed_items"], bulk_job["completed_items"]) == (0, 8)
    assert [job["status"] for job in shown["jobs"][:3]] == ["queued", "completed", "queued"]
    await end_jobs(system, DONE, DONE)
    assert await status_of(api, bulk_id) == "completed"
    await assert_at_rest(system.store)


@pytest.mark.parametrize("state", ["queued", "processing", "paused", "cancelled"])
async def test_a_retry_of_nothing_is_no_error_and_changes_nothing(
    api: httpx2.AsyncClient, in_state: InState, state: str, store: Store
) -> None:
    bulk_id = await in_state(state)
    before = await bulk_document(store, bulk_id)
    answer = await post(api, f"{BULKS}/{bulk_id}/retry")
    assert answer == {"success": True, "message": "0 failed jobs sent back to the queue", "retried": 0}
    assert await bulk_document(store, bulk_id) == before


async def test_two_retries_at_once_retry_once(api: httpx2.AsyncClient, system: System) -> None:
    bulk_id = await submit_quick(api)
    await end_jobs(system, *[FAILED] * 3, *[DONE] * 7)
    answers = await asyncio.gather(*(post(api, f"{BULKS}/{bulk_id}/retry") for _ in range(2)))
    assert sorted(answer["retried"] for answer in answers) == [0, 3]
    assert (await get(api, f"{BULKS}/{bulk_id}"))["bulk_job"]["generation"] == 2
    calls = [job["call_number"] for job in await system.store.collection("generation_jobs").find({"status": "queued"})]
    assert calls == [3, 3, 3]  # one more for the definite answer, one more for the retry


async def test_controls_at_once_leave_one_of_them_standing(api: httpx2.AsyncClient, system: System) -> None:
    bulk_id = await submit_quick(api)
    url = f"{BULKS}/{bulk_id}"
    answers = await asyncio.gather(*(api.post(f"{url}/{name}") for name in ("pause", "resume", "cancel", "pause")))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert answers[2].status_code == 200
    assert await status_of(api, bulk_id) == "cancelled"
    await assert_at_rest(system.store)
