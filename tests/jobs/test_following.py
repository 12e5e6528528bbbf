"""One job following another in its bulk: the settle that reserves the next slot, and when it does not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from jobs.controls import Pause
from jobs.documents import BulkId, Notify
from jobs.outcomes import Completed, Failed, HandedBack, Retry
from jobs.states import BulkStatus, JobStatus
from jobs.system import System
from tests.jobs.conftest import LEASE, OWNER, MakeBulk
from tests.jobs.test_queue import claimed
from tests.support.clock import MovableClock
from tests.support.invariants import assert_at_rest

DONE = Completed("text", {})


async def test_jobs_follow_one_another_to_the_end_of_their_bulk(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(4)
    claim, positions = await claimed(system), []
    while claim is not None:
        positions.append(claim.job["queue_position"])
        _, reserved = await system.queue.finish_and_reserve(claim, DONE)
        following = await system.queue.claim_reserved(reserved) if reserved else None
        if following is None:
            break
        claim = following
    assert positions == [1, 2, 3, 4]
    bulk = await system.lookup.bulk(OWNER, bulk_id)
    assert (bulk["status"], bulk["completed_items"]) == (BulkStatus.COMPLETED, 4)
    await assert_at_rest(system.store)


async def test_the_settle_and_the_next_reservation_are_one_write(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(2)
    claim = await claimed(system)
    before = await system.lookup.bulk(OWNER, bulk_id)
    _, reserved = await system.queue.finish_and_reserve(claim, DONE)
    after = await system.lookup.bulk(OWNER, bulk_id)
    assert reserved is not None
    assert list(after["slots"]) == [reserved.token]
    assert (after["rev"], after["completed_items"], after["busy"]) == (before["rev"] + 1, 1, 1)


async def test_where_a_percentage_is_to_be_told_the_running_is_settled_by_itself(
    system: System, make_bulk: MakeBulk
) -> None:
    bulk_id = await make_bulk(4, notify=Notify(progress=(50,)))
    follows = []
    for _ in range(4):
        _, reserved = await system.queue.finish_and_reserve(await claimed(system), DONE)
        follows.append(reserved is not None)
        if reserved is not None:
            await system.settling.reconcile(bulk_id, release=reserved.token)
    assert follows == [True, False, True, False]
    told = [event["type"] for event in (await system.lookup.bulk(OWNER, bulk_id))["events"]]
    assert told == ["bulk.progress", "bulk.completed"]


@pytest.mark.parametrize(
    "outcome",
    [Retry("later", timedelta(0), counted=True, definite=True), HandedBack("stop")],
    ids=lambda outcome: type(outcome).__name__,
)
async def test_nothing_follows_a_job_that_is_put_back(
    system: System, make_bulk: MakeBulk, outcome: Retry | HandedBack
) -> None:
    """It may itself be the next in the order."""
    await make_bulk(3)
    _, reserved = await system.queue.finish_and_reserve(await claimed(system), outcome)
    assert reserved is None
    await assert_at_rest(system.store)


async def test_nothing_follows_within_the_delay_between_two_jobs(system: System, make_bulk: MakeBulk) -> None:
    await make_bulk(3, delay=timedelta(seconds=5))
    _, reserved = await system.queue.finish_and_reserve(await claimed(system), DONE)
    assert reserved is None


async def test_nothing_follows_under_a_permit(system: System, make_bulk: MakeBulk) -> None:
    """The next job of the whole system is another claim's affair."""
    await make_bulk(3)
    await system.limits.change({"max_running": 2})
    _, reserved = await system.queue.finish_and_reserve(await claimed(system), DONE)
    assert reserved is None
    await assert_at_rest(system.store)


async def _pause(system: System, bulk_id: BulkId) -> None:
    await system.controls.pause(OWNER, bulk_id, Pause())


async def _cancel(system: System, bulk_id: BulkId) -> None:
    await system.controls.cancel(OWNER, bulk_id)


async def _fewer_at_once(system: System, bulk_id: BulkId) -> None:
    await system.controls.change(OWNER, bulk_id, {"parallelism": 1})


@pytest.mark.parametrize("control", [_pause, _cancel, _fewer_at_once])
async def test_nothing_follows_once_a_control_has_answered(
    system: System, make_bulk: MakeBulk, control: Callable[[System, BulkId], Awaitable[None]]
) -> None:
    bulk_id = await make_bulk(5, parallelism=2)
    first, other = await claimed(system), await claimed(system)
    await control(system, bulk_id)
    _, reserved = await system.queue.finish_and_reserve(first, DONE)
    assert reserved is None
    await system.queue.finish(other, DONE)


@pytest.mark.parametrize("control", [_pause, _cancel])
async def test_a_control_between_the_reservation_and_the_job_takes_the_job_back(
    system: System, make_bulk: MakeBulk, control: Callable[[System, BulkId], Awaitable[None]]
) -> None:
    bulk_id = await make_bulk(3)
    _, reserved = await system.queue.finish_and_reserve(await claimed(system), DONE)
    assert reserved is not None
    await control(system, bulk_id)
    assert await system.queue.claim_reserved(reserved) is None
    bulk = await system.lookup.bulk(OWNER, bulk_id)
    jobs = await system.store.collection("generation_jobs").find({"bulk_job_id": bulk_id})
    assert bulk["slots"] == {}
    assert JobStatus.PROCESSING not in {job["status"] for job in jobs}


async def test_a_cap_set_after_the_reservation_holds_for_its_job(system: System, make_bulk: MakeBulk) -> None:
    """A limit that is changed while the system runs takes effect at the next claim."""
    await make_bulk(3)
    await make_bulk(3)
    _, reserved = await system.queue.finish_and_reserve(await claimed(system), DONE)
    assert reserved is not None
    await system.limits.change({"max_running": 1})
    await claimed(system)
    assert await system.queue.claim_reserved(reserved) is None
    assert await system.queue.claim("w2") is None


async def test_a_reservation_that_nobody_uses_is_taken_back_by_the_sweep(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await make_bulk(2)
    await system.sweep.run()
    await system.queue.finish_and_reserve(await claimed(system), DONE)
    clock.move(LEASE)
    await system.sweep.run()
    assert (await system.lookup.bulk(OWNER, bulk_id))["free"] == 1
    assert (await claimed(system)).job["queue_position"] == 2


async def test_a_failed_job_is_counted_and_told_in_the_write_that_reserves(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(2)
    _, reserved = await system.queue.finish_and_reserve(await claimed(system), Failed("no", definite=True))
    bulk = await system.lookup.bulk(OWNER, bulk_id)
    assert reserved is not None
    assert (bulk["failed_items"], bulk["error_summary"]) == (1, ["Item 1: no"])
