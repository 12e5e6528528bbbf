"""Faults that the simulation has found (tests/crash), each as the shortest way to it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from jobs.claims import Claim
from jobs.controls import Pause
from jobs.documents import BulkId
from jobs.outcomes import Completed, Failed, Retry, Unclaimed
from jobs.settling import Ended
from jobs.states import BulkStatus
from jobs.system import System
from tests.jobs.conftest import LEASE, OWNER, MakeBulk
from tests.jobs.test_adoption import foreign_bulk, foreign_job, store
from tests.jobs.test_queue import claimed
from tests.support.clock import MovableClock
from tests.support.invariants import assert_at_rest

DONE = Completed("text", {})
AGAIN = Retry("later", timedelta(seconds=5), counted=True, definite=True)


class Died(BaseException):
    """The process is gone."""


async def dies(*_: Any, **__: Any) -> None:
    raise Died


async def test_a_bulk_whose_adoption_died_before_it_counted_comes_to_its_end(
    system: System, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bulk = foreign_bulk(2)
    await store(system, bulk, [foreign_job(bulk, 1, status="completed", result="old"), foreign_job(bulk, 2)])
    await system.sweep.run()
    with monkeypatch.context() as patched:
        patched.setattr(system.settling, "reconcile", dies)
        with pytest.raises(Died):
            await system.adoption.run()
    clock.move(LEASE)
    await system.sweep.run()
    await system.queue.finish(await claimed(system), DONE)
    assert (await system.lookup.bulk(bulk["userId"], bulk["_id"]))["status"] == BulkStatus.COMPLETED
    await assert_at_rest(system.store)


async def test_a_take_under_an_older_reservation_does_not_let_one_retry_send_a_job_back_twice(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    """The retry's process died before it took its intent off, and upkeep carries it out once more."""
    bulk_id = await make_bulk(2, parallelism=2)
    failed = await claimed(system)
    await system.queue.finish(failed, Failed("no", definite=True))
    reserved = await system.queue._writes.reserve("w1", await system.queue._look())
    assert reserved is not None
    _, retried = await system.controls.retry(OWNER, bulk_id)
    assert retried == 1
    taken = await system.queue._writes.take(reserved)
    bulk = await system.lookup.bulk(OWNER, bulk_id)
    assert taken is not None
    assert (taken["_id"], taken["epoch"]) == (failed.job_id, bulk["epoch"])


@pytest.mark.parametrize("answered", [True, False])
async def test_a_bulk_is_due_as_soon_as_its_job_however_long_the_settle_takes(
    system: System, make_bulk: MakeBulk, clock: MovableClock, monkeypatch: pytest.MonkeyPatch, answered: bool
) -> None:
    bulk_id = await make_bulk(1)
    claim = await claimed(system)
    await system.settling.reconcile(bulk_id)  # as another claim does that finds nothing to take
    finish = system.queue._finish_if_owned
    if answered:

        async def slowly(*arguments: Any) -> Any:
            ended = await finish(*arguments)
            clock.move(timedelta(seconds=2))
            return ended

        monkeypatch.setattr(system.queue, "_finish_if_owned", slowly)
    else:
        await finish(claim, AGAIN)
        clock.move(timedelta(seconds=2))
    await system.queue.finish(claim, AGAIN)
    job = await system.lookup.job(OWNER, claim.job_id)
    assert (await system.lookup.bulk(OWNER, bulk_id))["due_at"] <= job["due_at"]


async def test_a_bulk_looks_again_for_a_job_that_was_taken_under_a_slot_that_had_expired(
    system: System, make_bulk: MakeBulk, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its worker was asleep between reservation and take, and dies as soon as it has put the job back."""
    await system.sweep.run()
    await make_bulk(1)
    reserved = await system.queue._writes.reserve("w1", await system.queue._look())
    assert reserved is not None
    clock.move(LEASE)
    await system.sweep.run()
    taken = await system.queue._writes.take(reserved)
    assert taken is not None
    assert await system.queue.claim("w2") is None
    late = Claim(
        taken["_id"],
        reserved.bulk["_id"],
        reserved.bulk["shard"],
        reserved.token,
        taken,
        reserved.bulk,
        reserved.tenant,
    )
    assert not await system.queue._writes.confirm(late)
    monkeypatch.setattr(system.settling, "settle", dies)
    with pytest.raises(Died):
        await system.queue.finish(late, Unclaimed())
    clock.move(LEASE)
    assert (await claimed(system)).job_id == taken["_id"]


async def test_who_enters_a_stage_after_a_long_sleep_is_not_swept_away_before_its_call(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    await system.sweep.run()
    await make_bulk(1)
    claim = await claimed(system)
    clock.move(LEASE)
    await system.checkpoints.look(claim, claim.job["lease"]["taken_at"])
    assert await system.sweep.run() == 0


async def taken_and_stopped(system: System, bulk_id: BulkId) -> Claim:
    """A job taken, its bulk paused before the claim was confirmed."""
    reserved = await system.queue._writes.reserve("w1", await system.queue._look())
    assert reserved is not None
    taken = await system.queue._writes.take(reserved)
    assert taken is not None
    await system.controls.pause(OWNER, bulk_id, Pause())
    claim = Claim(taken["_id"], bulk_id, reserved.bulk["shard"], reserved.token, taken, reserved.bulk, reserved.tenant)
    assert not await system.queue._writes.confirm(claim)
    return claim


async def test_a_job_that_is_cancelled_while_its_claim_is_given_up_is_counted_once(
    system: System, make_bulk: MakeBulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody recounts between the claim's two last writes."""
    bulk_id = await make_bulk(3)
    claim = await taken_and_stopped(system, bulk_id)
    await system.controls.cancel_job(OWNER, claim.job_id)
    settle = system.settling.settle

    async def late(ended: Ended) -> None:
        await system.settling.reconcile(bulk_id)
        await settle(ended)

    monkeypatch.setattr(system.settling, "settle", late)
    await system.queue.finish(claim, Unclaimed())
    bulk = await system.lookup.bulk(OWNER, bulk_id)
    assert (bulk["cancelled_items"], bulk["remaining_items"], bulk["busy"]) == (1, 2, 0)


async def test_a_bulk_ends_where_its_last_job_is_cancelled_while_its_claim_is_given_up(
    system: System, make_bulk: MakeBulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cancel comes between the claim's two last writes."""
    bulk_id = await make_bulk(1)
    claim = await taken_and_stopped(system, bulk_id)
    settle = system.settling.settle

    async def late(ended: Ended) -> None:
        await system.controls.cancel_job(OWNER, claim.job_id)
        await settle(ended)

    monkeypatch.setattr(system.settling, "settle", late)
    await system.queue.finish(claim, Unclaimed())
    assert (await system.lookup.bulk(OWNER, bulk_id))["completed_at"] is not None
    await assert_at_rest(system.store)
