"""Events: made in the write that makes the state, once each, and small. On both stores; the arithmetic without one."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from jobs.controls import Pause, PauseMode
from jobs.documents import BulkId, Notify, notify_as_stored
from jobs.outcomes import Cancelled, Completed, Failed, Outcome
from jobs.storage.store import Document
from jobs.system import System
from tests.jobs.conftest import OWNER, MakeBulk
from tests.jobs.test_queue import claimed
from tests.support.clock import MovableClock

DONE = Completed("text", {})
FAILED = Failed("no", definite=True)
HALVES = Notify(progress=(50,))


async def run(system: System, *outcomes: Outcome) -> None:
    for outcome in outcomes:
        await system.queue.finish(await claimed(system), outcome)


async def bulk_of(system: System, bulk_id: BulkId) -> Document:
    return await system.lookup.bulk(OWNER, bulk_id)


async def told(system: System, bulk_id: BulkId) -> list[str]:
    """What follows the bulk's id in the ids of its events."""
    return [event["id"].removeprefix(f"{bulk_id}-") for event in (await bulk_of(system, bulk_id))["events"]]


async def jobs_of(system: System, bulk_id: BulkId) -> list[Document]:
    return await system.store.collection("generation_jobs").find({"bulk_job_id": bulk_id}, sort=[("queue_position", 1)])


async def test_the_end_of_a_bulk_is_told_with_how_it_went(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(3, name="Summer")
    await run(system, DONE, FAILED, DONE)
    (event,) = (await bulk_of(system, bulk_id))["events"]
    assert (event["id"], event["type"], event["by"]) == (f"{bulk_id}-1-completed", "bulk.completed", None)
    data = event["data"]
    assert (data["name"], data["status"], data["pause"]) == ("Summer", "completed", None)
    assert (data["total"], data["completed"], data["failed"], data["cancelled"]) == (3, 2, 1, 0)
    assert data["errors"] == ["Item 2: no"]
    assert data["completed_at"] == (await bulk_of(system, bulk_id))["completed_at"]


async def test_a_repeated_recount_tells_nothing_again(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(2, notify=HALVES)
    await run(system, DONE, DONE)
    before = await bulk_of(system, bulk_id)
    await system.settling.reconcile(bulk_id)
    assert await bulk_of(system, bulk_id) == before


async def test_each_generation_completes_by_itself(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(2)
    await run(system, DONE, FAILED)
    await system.controls.retry(OWNER, bulk_id)
    assert await told(system, bulk_id) == ["1-completed"]
    await run(system, DONE)
    assert await told(system, bulk_id) == ["1-completed", "2-completed"]


async def test_jobs_that_are_sent_back_before_the_end_make_no_second_end(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(2)
    await run(system, FAILED)
    await system.controls.retry(OWNER, bulk_id)
    await run(system, DONE, DONE)
    assert await told(system, bulk_id) == ["1-completed"]


async def test_a_cancel_is_told_when_the_last_running_job_has_ended(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(3)
    claim = await claimed(system)
    await system.controls.cancel(OWNER, bulk_id, by="admin")
    assert await told(system, bulk_id) == []
    await system.queue.finish(claim, Cancelled())
    (event,) = (await bulk_of(system, bulk_id))["events"]
    assert (event["id"], event["by"], event["data"]["cancelled"]) == (f"{bulk_id}-1-cancelled", "admin", 3)


async def test_a_bulk_that_nothing_runs_of_is_told_as_cancelled_at_once_and_once(
    system: System, make_bulk: MakeBulk
) -> None:
    bulk_id = await make_bulk(3, notify=HALVES)
    await system.controls.cancel(OWNER, bulk_id)
    await system.controls.cancel(OWNER, bulk_id)
    assert await told(system, bulk_id) == ["1-cancelled"]


async def test_a_bulk_whose_jobs_were_all_cancelled_one_by_one_is_told_as_cancelled_by_a_person(
    system: System, make_bulk: MakeBulk
) -> None:
    bulk_id = await make_bulk(2)
    for job in await jobs_of(system, bulk_id):
        await system.controls.cancel_job(OWNER, job["_id"])
    (event,) = (await bulk_of(system, bulk_id))["events"]
    assert (event["id"], event["by"]) == (f"{bulk_id}-1-cancelled", "person")


async def test_a_bulk_begun_again_while_a_cancelled_job_still_runs_has_told_that_it_was_cancelled(
    system: System, make_bulk: MakeBulk
) -> None:
    bulk_id = await make_bulk(2)
    claim = await claimed(system)
    await system.controls.cancel(OWNER, bulk_id)
    second = (await jobs_of(system, bulk_id))[1]
    await system.controls.retry_job(OWNER, second["_id"])
    assert await told(system, bulk_id) == ["1-cancelled"]
    await system.queue.finish(claim, Cancelled())
    await run(system, DONE)
    assert await told(system, bulk_id) == ["1-cancelled", "2-completed"]


async def test_a_persons_pause_is_told_and_a_changed_pause_is_not(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(3)
    await system.controls.pause(OWNER, bulk_id, Pause(reason="lunch"))
    await system.controls.pause(OWNER, bulk_id, Pause(PauseMode.ABORT, reason="longer"))
    (event,) = (await bulk_of(system, bulk_id))["events"]
    assert (event["type"], event["by"], event["data"]["pause"]["reason"]) == ("bulk.paused", "person", "lunch")
    await system.controls.resume(OWNER, bulk_id)
    await system.controls.pause(OWNER, bulk_id, Pause())
    ids = await told(system, bulk_id)
    assert len(set(ids)) == 2
    assert all(re.fullmatch(r"1-paused-\d+", one) for one in ids)


async def test_chosen_percentages_are_told_with_the_end_that_reaches_them(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(10, notify=Notify(progress=(95, 25, 50)))
    at = {}
    for number in range(1, 11):
        await run(system, FAILED if number == 2 else DONE)
        at[number] = await told(system, bulk_id)
    assert at[2] == []
    assert at[3] == at[4] == ["1-progress-25"]
    assert at[5] == at[9] == ["1-progress-25", "1-progress-50"]
    assert at[10] == ["1-progress-25", "1-progress-50", "1-progress-95", "1-completed"]
    first = (await bulk_of(system, bulk_id))["events"][0]["data"]
    assert (first["percent"], first["completed"], first["failed"]) == (25, 2, 1)


async def test_ends_between_two_percentages_are_counted_without_a_recount(
    system: System, make_bulk: MakeBulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    bulk_id = await make_bulk(10, notify=HALVES)
    with monkeypatch.context() as blind:
        blind.setattr(system.settling, "reconcile", lambda *_, **__: 1 / 0)
        await run(system, *[DONE] * 4)
        with pytest.raises(ZeroDivisionError):
            await run(system, DONE)
    await system.settling.reconcile(bulk_id)
    assert await told(system, bulk_id) == ["1-progress-50"]


async def test_a_percentage_that_is_reached_again_in_its_generation_is_told_once(
    system: System, make_bulk: MakeBulk
) -> None:
    bulk_id = await make_bulk(4, notify=HALVES)
    await run(system, FAILED, FAILED)
    await system.controls.retry(OWNER, bulk_id)
    await run(system, DONE, DONE)
    assert await told(system, bulk_id) == ["1-progress-50"]


async def test_the_next_generation_tells_percentages_from_where_it_stands(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(4, notify=Notify(progress=(25, 75)))
    await run(system, DONE, DONE, FAILED, FAILED)
    await system.controls.retry(OWNER, bulk_id)
    await run(system, DONE, DONE)
    assert await told(system, bulk_id) == [
        "1-progress-25", "1-progress-75", "1-completed", "2-progress-75", "2-completed",
    ]  # fmt: skip


async def test_percentages_are_chosen_anew_while_it_runs_and_what_is_past_is_not_told(
    system: System, make_bulk: MakeBulk
) -> None:
    bulk_id = await make_bulk(10)
    await run(system, *[DONE] * 5)
    chosen = notify_as_stored(Notify(progress=(20, 50, 60)))
    await system.controls.change(OWNER, bulk_id, {"notify": chosen})
    await run(system, DONE)
    assert await told(system, bulk_id) == ["1-progress-60"]
    await system.controls.change(OWNER, bulk_id, {"notify": None})
    await run(system, *[DONE] * 4)
    assert await told(system, bulk_id) == ["1-progress-60", "1-completed"]


async def test_percentages_chosen_by_a_process_that_dies_are_heeded_all_the_same(
    system: System, make_bulk: MakeBulk, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bulk_id = await make_bulk(4)
    with monkeypatch.context() as dying:
        dying.setattr(system.settling, "reconcile", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await system.controls.change(OWNER, bulk_id, {"notify": notify_as_stored(HALVES)})
    await system.intents.finish_half_done(timedelta(0))
    await run(system, DONE, DONE)
    assert await told(system, bulk_id) == ["1-progress-50"]


async def test_a_bulk_without_the_fields_of_the_outbox_is_counted_and_told(system: System, make_bulk: MakeBulk) -> None:
    """As a version before it stored them, while it ran."""
    bulk_id = await make_bulk(3)
    gone = dict.fromkeys(("told", "until_told", "notify", "cancelled_by", "events"), "")
    await system.store.collection("bulk_jobs").update_one({"_id": bulk_id}, {"$unset": gone})
    await system.store.collection("generation_jobs").update_many({}, {"$unset": {"events": ""}})
    await run(system, DONE, FAILED, DONE)
    assert await told(system, bulk_id) == ["1-completed"]
    assert [len(job.get("events", [])) for job in await jobs_of(system, bulk_id)] == [0, 1, 0]


async def test_a_bulk_that_had_ended_before_the_outbox_came_is_not_told(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(1)
    await system.controls.cancel(OWNER, bulk_id)
    gone = dict.fromkeys(("told", "until_told", "notify", "cancelled_by"), "")
    old = {"$unset": gone, "$set": {"events": []}}
    await system.store.collection("bulk_jobs").update_one({"_id": bulk_id}, old)
    await system.settling.reconcile(bulk_id)
    assert await told(system, bulk_id) == []


async def test_no_id_holds_a_dot(system: System, make_bulk: MakeBulk) -> None:
    """Standard Webhooks: a signature's text is made of id, time and body with dots between."""
    bulk_id = await make_bulk(2, notify=HALVES)
    await system.controls.pause(OWNER, bulk_id, Pause())
    await system.controls.resume(OWNER, bulk_id)
    await run(system, FAILED, DONE)
    every = [*(await bulk_of(system, bulk_id))["events"], *(await jobs_of(system, bulk_id))[0]["events"]]
    assert len(every) == 4
    assert not [event["id"] for event in every if "." in event["id"]]
