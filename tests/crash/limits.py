"""A life in which everything is limited: places, calls a minute, money, failures, and a generator that goes away."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial

from jobs.capacity.scopes import TENANT
from jobs.documents import Budget, BulkId, FailurePolicy
from tests.crash.lives import ended, is_over
from tests.support.simulation.people import People
from tests.support.simulation.rest import come_to_rest
from tests.support.simulation.simulated_generator import Answer, passing_failure, permanent_failure, success
from tests.support.simulation.witness import demand
from tests.support.simulation.world import World

COST = 0.15
SET_ASIDE = 0.2
NEXT_LOOK_SECONDS = 5


def at_a_price(topic: str, number: int, times: int) -> Answer:
    match topic, number, times:
        case ("dear-2", 1, _):
            return passing_failure()
        case ("tried-3" | "tried-4" | "tried-5" | "tried-6", 1, _):
            return permanent_failure()
        case _:
            return success(cost=COST)


def is_paused(world: World, bulk: BulkId, cause: str) -> bool:
    pause = world.witness.bulks[bulk]["pause"]
    return pause is not None and pause.get("cause") == cause


def is_paused_or_over(world: World, bulk: BulkId, cause: str) -> bool:
    return is_paused(world, bulk, cause) or is_over(world, bulk)


async def of_limited_people(world: World) -> None:
    """Two tenants: one with a tight budget and several jobs at once, one that tries a few first, with twins beside."""
    world.start_worker()
    world.start_worker()
    people = People(world)
    await people.limit({"requests_per_minute": 8, "cost_per_day": 50.0, "jobs_per_day": 100})
    await people.limit({"max_running": 2, "weight": 2.0, "cost_per_day": 20.0}, tenant="rich")
    dear = await people.submit(
        "dear",
        5,
        tenant="rich",
        parallelism=2,
        stagger=timedelta(seconds=0.2),
        budget=Budget(cost=0.5, cost_per_job=SET_ASIDE),
    )
    tried = await people.submit(
        "tried",
        6,
        tenant="poor",
        delay=timedelta(seconds=0.5),
        parallelism=3,
        max_retries=0,
        failure_policy=FailurePolicy(max_failed_percent=40, min_items=2, canary=2),
    )
    twins = [await people.submit(f"twins {number}", 2, tenant="poor", topic="same", dedupe=True) for number in (1, 2)]

    await world.until(partial(is_paused_or_over, world, tried, "canary"))
    demand(is_paused(world, tried, "canary"), "the canary did not pause it", world.witness.bulks[tried])
    demand(ended(world, tried) == 2, "not only the canary ran", world.witness.bulks[tried])
    await people.change(tried, {"parallelism": 1})
    await people.resume(tried)
    await world.until(partial(is_paused_or_over, world, dear, "budget"))
    demand(is_paused(world, dear, "budget"), "the budget did not pause it", world.witness.bulks[dear])
    world.generator.is_down = True
    await people.change(dear, {"budget": {"cost": 9.0, "cost_per_job": SET_ASIDE}, "priority": 3.0, "parallelism": 1})
    await people.resume(dear)
    await asyncio.sleep(4 * NEXT_LOOK_SECONDS)
    world.generator.is_down = False
    await world.until(partial(is_paused_or_over, world, tried, "failure_policy"))
    demand(is_paused(world, tried, "failure_policy"), "its failures did not pause it", world.witness.bulks[tried])
    await people.resume(tried)
    await come_to_rest(world)

    for bulk in (dear, tried, *twins):
        demand(world.witness.bulks[bulk]["status"] == "completed", "this should be over", world.witness.bulks[bulk])
    _demand_the_sums(world, dear)
    for bulk in twins:
        made = [job for job in world.witness.jobs_of(bulk) if "shared_from" not in job["result_meta"]]
        demand(len(made) <= 1, "the same was made twice for one bulk", made)


def _demand_the_sums(world: World, dear: BulkId) -> None:
    """What the scopes and the bulk think was spent is what the jobs have cost."""
    bulk, spent = world.witness.bulks[dear], sum(job["cost"] for job in world.witness.jobs_of(dear))
    demand(_same(bulk["budget_left"], bulk["budget"]["cost"] - spent), "the budget is not what is left", bulk, spent)
    for tenant in ("rich", "poor"):
        jobs = [
            job
            for bulk_id, one in world.witness.bulks.items()
            if one["tenant"] == tenant
            for job in world.witness.jobs_of(bulk_id)
        ]
        committed = world.witness.scopes[TENANT + tenant]["committed"]
        demand(_same(committed, sum(job["cost"] for job in jobs)), "a tenant's spending is wrong", tenant, committed)
        demand(all(job["owed"] == 0 for job in jobs), "something is still owed", jobs)


def _same(one: float, other: float) -> bool:
    return abs(one - other) < 1e-6
