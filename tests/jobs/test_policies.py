"""Bulks that pause themselves: a budget that is used up, too many failures, a canary that has ended (spec §5, §6)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from jobs.chores import HALF_DONE_AFTER
from jobs.controls import Pause
from jobs.documents import Budget, BulkId, FailurePolicy
from jobs.expenses import Expense
from jobs.outcomes import Cancelled, Completed, Failed, Outcome, Retry
from jobs.policies import Cause, Standing, self_pause
from jobs.storage.store import Document
from jobs.system import System
from tests.jobs.conftest import OWNER, MakeBulk
from tests.jobs.test_queue import claimed
from tests.support.clock import MovableClock
from tests.support.invariants import assert_at_rest

DONE = Completed("text", {}, Expense(told=0.3, settled=True))
FAILED = Failed("no", definite=True)


async def run(system: System, *outcomes: Outcome) -> None:
    for outcome in outcomes:
        await system.queue.finish(await claimed(system), outcome)


async def look(system: System, bulk_id: BulkId) -> Document:
    return await system.lookup.bulk(OWNER, bulk_id)


def standing(**changes: Any) -> Standing:
    base: dict[str, Any] = {"completed": 0, "failed": 0, "remaining": 5, "running": 0, "of_canary": 1}
    return Standing(**{**base, "spent": 0.0, "budget_left": None, **changes})


def a_bulk(**changes: Any) -> Document:
    fresh = {"completed": 0, "failed": 0}
    base = {"failure_policy": None, "judged_from": fresh, "ceiling": None, "total_items": 10, "job_cost": 1.0}
    return {**base, "budget": {"cost": 10.0}, **changes}


@pytest.mark.parametrize(
    ("completed", "failed", "pauses"), [(0, 1, False), (3, 1, False), (3, 2, True), (6, 3, True), (8, 2, False)]
)
def test_more_failures_than_allowed_pause_it_once_there_are_enough(completed: int, failed: int, pauses: bool) -> None:
    bulk = a_bulk(failure_policy={"max_failed_percent": 25, "min_items": 5, "canary": None})
    pause = self_pause(bulk, standing(completed=completed, failed=failed))
    assert (pause is not None and pause.cause is Cause.FAILURES) == pauses


def test_what_was_seen_before_it_was_resumed_does_not_count_again() -> None:
    policy = {"max_failed_percent": 0, "min_items": 1, "canary": None}
    bulk = a_bulk(failure_policy=policy, judged_from={"completed": 4, "failed": 3})
    assert self_pause(bulk, standing(completed=6, failed=3)) is None
    assert self_pause(bulk, standing(completed=6, failed=4)) is not None
    assert self_pause(bulk, standing(completed=0, failed=0)) is None


@pytest.mark.parametrize(("left", "running", "pauses"), [(0.99, 0, True), (0.99, 1, False), (1.0, 0, False)])
def test_a_budget_that_no_job_fits_into_pauses_it_once_nothing_runs(left: float, running: int, pauses: bool) -> None:
    pause = self_pause(a_bulk(), standing(budget_left=left, running=running, spent=9.01))
    assert (pause is not None) == pauses
    if pause:
        assert pause.reason == "9.01 of the budget of 10.00 is spent, and a job may cost 1.00"


def test_nothing_pauses_what_has_nothing_left_to_do() -> None:
    assert self_pause(a_bulk(ceiling=3), standing(remaining=0, of_canary=0, budget_left=0.0)) is None


async def test_the_canary_runs_alone_and_the_rest_once_a_person_says_so(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(5, parallelism=3, failure_policy=FailurePolicy(canary=2))
    first, second = await claimed(system), await claimed(system)
    assert await system.queue.claim("w1") is None
    await system.queue.finish(first, DONE)
    assert await system.queue.claim("w1") is None
    await system.queue.finish(second, DONE)
    bulk = await look(system, bulk_id)
    assert (bulk["status"], bulk["pause"]["cause"], bulk["pause"]["by"]) == ("paused", "canary", "pressrun")
    (event,) = bulk["events"]
    assert (event["type"], event["by"], event["data"]["pause"]["cause"]) == ("bulk.paused", "pressrun", "canary")
    await system.controls.resume(OWNER, bulk_id)
    await run(system, DONE, DONE, DONE)
    bulk = await look(system, bulk_id)
    told = [event["type"] for event in bulk["events"]]
    assert (bulk["status"], told) == ("completed", ["bulk.paused", "bulk.completed"])
    await assert_at_rest(system.store)


async def test_a_canary_that_is_tried_again_is_waited_for(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await make_bulk(3, failure_policy=FailurePolicy(canary=1))
    await run(system, Retry("later", timedelta(seconds=9), counted=True, definite=True))
    assert await system.queue.claim("w1") is None
    clock.move(timedelta(seconds=9))
    await run(system, DONE)
    assert (await look(system, bulk_id))["status"] == "paused"


async def test_a_canary_that_ends_while_the_bulk_is_paused_pauses_it_once_it_is_resumed(
    system: System, make_bulk: MakeBulk
) -> None:
    bulk_id = await make_bulk(2, failure_policy=FailurePolicy(canary=1))
    first = await claimed(system)
    await system.controls.pause(OWNER, bulk_id, Pause())
    await system.queue.finish(first, DONE)
    await system.controls.resume(OWNER, bulk_id)
    bulk = await look(system, bulk_id)
    assert (bulk["status"], bulk["pause"]["cause"], bulk["intent"]) == ("paused", "canary", None)
    await system.controls.resume(OWNER, bulk_id)
    await run(system, DONE)
    await assert_at_rest(system.store)


async def test_a_canary_whose_end_is_one_failure_too_many_asks_but_once(system: System, make_bulk: MakeBulk) -> None:
    policy = FailurePolicy(max_failed_percent=0, min_items=1, canary=1)
    bulk_id = await make_bulk(2, failure_policy=policy)
    await run(system, FAILED)
    assert (await look(system, bulk_id))["pause"]["cause"] == "failure_policy"
    await system.controls.resume(OWNER, bulk_id)
    await run(system, DONE)
    await assert_at_rest(system.store)


async def test_a_pause_that_is_over_becomes_one_for_its_budget_where_that_is_used_up(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await make_bulk(2, budget=Budget(cost=0.5, cost_per_job=0.5))
    first = await claimed(system)
    await system.controls.pause(OWNER, bulk_id, Pause(until=clock.now() + timedelta(seconds=60)))
    await system.queue.finish(first, DONE)
    clock.move(timedelta(seconds=60))
    assert await system.controls.resume_due() == 1
    bulk = await look(system, bulk_id)
    assert (bulk["status"], bulk["pause"]["cause"]) == ("paused", "budget")


async def test_a_lowered_budget_pauses_it_also_where_the_process_dies_after_the_first_write(
    system: System, make_bulk: MakeBulk, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bulk_id = await make_bulk(3)
    await run(system, DONE)
    with monkeypatch.context() as dying:
        dying.setattr(system.settling, "reconcile", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await system.controls.change(OWNER, bulk_id, {"budget": {"cost": 0.5, "cost_per_job": 0.5}})
    clock.move(HALF_DONE_AFTER)
    await system.intents.finish_half_done(HALF_DONE_AFTER)
    assert (await look(system, bulk_id))["status"] == "paused"


async def test_failures_pause_it_and_resumed_it_is_judged_anew(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(8, failure_policy=FailurePolicy(max_failed_percent=50, min_items=2))
    await run(system, DONE, FAILED, FAILED)
    bulk = await look(system, bulk_id)
    assert (bulk["status"], bulk["pause"]["cause"]) == ("paused", "failure_policy")
    assert bulk["pause"]["reason"] == "2 of 3 ended jobs have failed, more than 50 percent"
    assert await system.queue.claim("w1") is None
    await system.controls.resume(OWNER, bulk_id)
    await run(system, FAILED, DONE, FAILED)
    bulk = await look(system, bulk_id)
    assert (bulk["status"], len({event["id"] for event in bulk["events"]})) == ("paused", 2)


async def test_failures_that_were_sent_back_are_not_taken_off_those_that_come(
    system: System, make_bulk: MakeBulk
) -> None:
    bulk_id = await make_bulk(20, failure_policy=FailurePolicy(max_failed_percent=20, min_items=4))
    await run(system, *[FAILED] * 4)
    await system.controls.resume(OWNER, bulk_id)
    await system.controls.retry(OWNER, bulk_id)
    await run(system, *[FAILED] * 4)
    assert (await look(system, bulk_id))["pause"]["reason"] == "4 of 4 ended jobs have failed, more than 20 percent"


async def test_each_generation_is_judged_by_its_own_jobs(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(8, failure_policy=FailurePolicy(max_failed_percent=60, min_items=2))
    await run(system, *[DONE] * 4, *[FAILED] * 4)
    assert (await look(system, bulk_id))["status"] == "completed"
    await system.controls.retry(OWNER, bulk_id)
    await run(system, FAILED, FAILED)
    assert (await look(system, bulk_id))["pause"]["reason"] == "2 of 2 ended jobs have failed, more than 60 percent"


async def test_what_may_have_been_paid_before_a_person_sent_it_back_is_not_given_back(
    system: System, make_bulk: MakeBulk
) -> None:
    bulk_id = await make_bulk(2, budget=Budget(cost=9.0, cost_per_job=1.0))
    first = await claimed(system)
    await system.controls.cancel_job(OWNER, first.job_id)
    await system.queue.finish(first, Cancelled())
    await system.controls.retry_job(OWNER, first.job_id)
    await run(system, Completed("text", {}, Expense(told=0.5, settled=True)))
    assert (await look(system, bulk_id))["budget_left"] == pytest.approx(7.5)
