"""Bulks that pause themselves: a budget that is used up, too many failures, a canary that has ended (spec §5, §6)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from jobs.chores import HALF_DONE_AFTER
from jobs.controls import Pause
from jobs.documents import Budget, BulkId, FailurePolicy
from jobs.errors import BudgetUsedUp
from jobs.outcomes import Cancelled, Completed, Failed, HandedBack, Outcome, Retry
from jobs.policies import Cause, Standing, self_pause
from jobs.store import Document
from jobs.system import System
from tests.jobs.conftest import LEASE, OWNER, MakeBulk
from tests.jobs.test_queue import claimed
from tests.support.clock import MovableClock
from tests.support.invariants import assert_at_rest

DONE = Completed("text", {}, cost=0.3)
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
    assert (event["type"], event["cause"]) == ("bulk.paused", "canary")
    await system.controls.resume(OWNER, bulk_id)
    await run(system, DONE, DONE, DONE)
    bulk = await look(system, bulk_id)
    assert (bulk["status"], len(bulk["events"])) == ("completed", 1)
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
    await run(system, Completed("text", {}, cost=0.5))
    assert (await look(system, bulk_id))["budget_left"] == pytest.approx(7.5)


async def test_a_bulk_never_spends_more_than_its_budget_and_pauses_with_the_figure(
    system: System, make_bulk: MakeBulk
) -> None:
    bulk_id = await make_bulk(9, parallelism=9, budget=Budget(cost=1.5, cost_per_job=0.5))
    running = [await claimed(system) for _ in range(3)]
    assert await system.queue.claim("w1") is None
    for claim in running:
        await system.queue.finish(claim, DONE)  # each 0.3 of 0.5
    running = [await claimed(system)]
    assert await system.queue.claim("w1") is None
    await system.queue.finish(running[0], Completed("text", {}))  # what is not told counts as what was set aside
    bulk = await look(system, bulk_id)
    assert (bulk["status"], bulk["pause"]["cause"]) == ("paused", "budget")
    assert bulk["pause"]["reason"] == "1.40 of the budget of 1.50 is spent, and a job may cost 0.50"
    with pytest.raises(BudgetUsedUp):
        await system.controls.resume(OWNER, bulk_id)
    await system.controls.change(OWNER, bulk_id, {"budget": {"cost": 9.0, "cost_per_job": 0.5}})
    await system.controls.resume(OWNER, bulk_id)
    await run(system, *[DONE] * 5)
    await assert_at_rest(system.store)
    assert (await look(system, bulk_id))["budget_left"] == pytest.approx(9 - 1.4 - 1.5)


async def test_a_budget_that_is_lowered_pauses_what_waits_and_taken_off_lets_it_go_on(
    system: System, make_bulk: MakeBulk
) -> None:
    bulk_id = await make_bulk(3)
    await run(system, DONE)
    changed = await system.controls.change(OWNER, bulk_id, {"budget": {"cost": 0.5, "cost_per_job": 0.5}})
    assert (changed["status"], changed["budget_left"]) == ("paused", pytest.approx(0.2))
    await system.controls.change(OWNER, bulk_id, {"budget": None})
    await system.controls.resume(OWNER, bulk_id)
    await run(system, DONE, DONE)
    await assert_at_rest(system.store)


async def test_what_a_dead_worker_had_set_aside_counts_until_its_repeat_has_ended(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await make_bulk(3, budget=Budget(cost=1.2, cost_per_job=0.5))
    await system.limits.change({"tenant_max_running": 5})
    await claimed(system)
    await system.sweep.run()
    clock.move(LEASE)
    await system.sweep.run()
    assert (await look(system, bulk_id))["budget_left"] == pytest.approx(0.7)
    again = await claimed(system)
    assert again.bulk["budget_left"] == pytest.approx(0.2)
    await system.queue.finish(again, DONE)
    bulk = await look(system, bulk_id)
    assert bulk["budget_left"] == pytest.approx(0.9)
    (scope,) = (await system.scopes.find([f"tenant:{OWNER}"])).values()
    assert scope["committed"] == pytest.approx(0.3)


async def test_what_was_stopped_on_purpose_counts_until_its_repeat_has_ended(
    system: System, make_bulk: MakeBulk
) -> None:
    bulk_id = await make_bulk(2, budget=Budget(cost=2.0, cost_per_job=0.5))
    await run(system, HandedBack("paused"), HandedBack("paused"))
    assert (await look(system, bulk_id))["budget_left"] == pytest.approx(1.5)
    await run(system, DONE)
    assert (await look(system, bulk_id))["budget_left"] == pytest.approx(1.7)


@pytest.mark.parametrize(("later", "committed"), [(timedelta(0), 0.3), (timedelta(days=1), 0.0)])
async def test_what_was_set_aside_on_one_day_is_not_given_back_on_the_next(
    system: System, make_bulk: MakeBulk, clock: MovableClock, later: timedelta, committed: float
) -> None:
    await system.limits.change_tenant(OWNER, {"cost_per_day": 9.0})
    await make_bulk(1, cost_per_job=1.0)
    await run(system, HandedBack("paused"))
    clock.move(later)
    await run(system, DONE)
    (scope,) = (await system.scopes.find([f"tenant:{OWNER}"])).values()
    assert scope["committed"] == pytest.approx(committed)


async def test_what_is_added_up_in_binary_is_enough_for_the_last_job(system: System, make_bulk: MakeBulk) -> None:
    await system.limits.change({"cost_per_day": 0.3})
    bulk_id = await make_bulk(3, budget=Budget(cost=0.3, cost_per_job=0.1))
    await run(system, *[Completed("text", {})] * 3)
    assert (await look(system, bulk_id))["status"] == "completed"
    assert (await system.waiting.of_bulk(await look(system, await make_bulk(1, cost_per_job=0.1)))) is not None
    assert await system.queue.claim("w1") is None


async def test_a_bulk_that_is_too_dear_for_the_day_holds_up_none_that_is_not(
    system: System, make_bulk: MakeBulk
) -> None:
    await system.limits.change({"tenant_cost_per_day": 1.0, "cost_per_day": 2.0})
    await make_bulk(1, cost_per_job=0.5)
    await run(system, Completed("text", {}))
    await make_bulk(1, cost_per_job=0.8)
    cheap = await make_bulk(1, cost_per_job=0.1)
    assert (await claimed(system)).bulk_id == cheap


async def test_a_tenant_and_the_system_spend_no_more_a_day_than_they_may(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    await system.limits.change({"cost_per_day": 2.0})
    await system.limits.change_tenant("small", {"cost_per_day": 0.6})
    for tenant in ("small", "other"):
        await make_bulk(9, tenant=tenant, parallelism=9, cost_per_job=0.5)
    running = [claim for _ in range(9) if (claim := await system.queue.claim("w1"))]
    assert sorted(claim.bulk["tenant"] for claim in running) == ["other"] * 3 + ["small"]
    for claim in running:
        await system.queue.finish(claim, DONE)
    running = [claim for _ in range(9) if (claim := await system.queue.claim("w1"))]
    assert [claim.bulk["tenant"] for claim in running] == ["other"]
    clock.move(timedelta(days=1))
    for claim in running:
        await system.queue.finish(claim, DONE)
    again = [claim for _ in range(9) if (claim := await system.queue.claim("w1"))]
    assert sorted(claim.bulk["tenant"] for claim in again) == ["other"] * 3 + ["small"]
