"""What jobs may cost: a bulk's budget, a day's, what is set aside and what is given back of it (spec §5)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jobs.documents import Budget
from jobs.errors import BudgetUsedUp
from jobs.expenses import Expense
from jobs.outcomes import Completed, Failed, HandedBack
from jobs.system import System
from tests.jobs.conftest import LEASE, OWNER, MakeBulk
from tests.jobs.test_policies import DONE, look, run
from tests.jobs.test_queue import claimed
from tests.support.clock import MovableClock
from tests.support.invariants import assert_at_rest


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


async def test_a_generator_that_could_not_be_reached_once_too_often_was_not_paid(
    system: System, make_bulk: MakeBulk
) -> None:
    bulk_id = await make_bulk(2, budget=Budget(cost=2.0, cost_per_job=1.0))
    await run(system, Failed("Refused. Given up after 20 tries.", definite=False, expense=Expense()))
    assert (await look(system, bulk_id))["budget_left"] == pytest.approx(2.0)
