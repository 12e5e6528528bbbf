"""Tenants take turns, weighted: nobody is served twice while another waits, whatever they have queued (spec §5)."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from jobs.capacity.scopes import TENANT
from jobs.capacity.turns import Standing, fairly
from jobs.claims import Claim
from jobs.outcomes import Completed, Unclaimed
from jobs.shortlist import KEPT
from jobs.storage.store import Store
from jobs.system import Rules, System, assemble
from tests.jobs.conftest import LEASE, MakeBulk
from tests.jobs.test_queue import claimed
from tests.support.clock import MovableClock
from tests.support.invariants import assert_at_rest

DONE = Completed("text", {})


def served(standings: list[Standing], times: int) -> list[str]:
    """By one server that serves whoever is next."""
    order = []
    for _ in range(times):
        first, *others = fairly(standings)
        order.append(first.tenant)
        standings = [Standing(first.tenant, first.weight, first.turn + first.stride), *others]
    return order


def test_equal_tenants_are_served_in_rotation() -> None:
    order = served([Standing(name, 1, 0) for name in "abc"], 9)
    assert all(len(set(order[start : start + 3])) == 3 for start in range(7))


def test_a_tenant_of_three_times_the_weight_is_served_three_times_as_often() -> None:
    counts = Counter(served([Standing("heavy", 3, 0), Standing("light", 1, 0)], 400))
    assert counts == {"heavy": 300, "light": 100}


def test_one_that_comes_back_is_next_and_has_no_claim_to_what_it_left_unused() -> None:
    order = served([Standing("a", 1, 1000), Standing("b", 1, 1000.5), Standing("back", 1, 3)], 12)
    assert order[0] == "back"
    assert Counter(order) == {"a": 4, "b": 4, "back": 4}


def test_nobody_is_ahead_of_nobody() -> None:
    assert fairly([]) == []
    assert [one.turn for one in fairly([Standing("a", 0.5, 7)])] == [7]


async def run_next(system: System) -> str:
    claim = await claimed(system)
    await system.queue.finish(claim, DONE)
    return str(claim.bulk["tenant"])


async def test_a_tenant_with_few_bulks_waits_for_one_job_of_each_other(system: System, make_bulk: MakeBulk) -> None:
    for _ in range(6):
        await make_bulk(2, tenant="much")
    for name in ("few", "fewer"):
        await make_bulk(2, tenant=name)
    order = [await run_next(system) for _ in range(6)]
    assert [set(order[:3]), set(order[3:])] == [{"much", "few", "fewer"}] * 2
    assert [await run_next(system) for _ in range(10)] == ["much"] * 10
    await assert_at_rest(system.store)


async def test_a_newcomer_is_next_but_one(system: System, make_bulk: MakeBulk, clock: MovableClock) -> None:
    await make_bulk(20, tenant="a", parallelism=20)
    await make_bulk(20, tenant="b", parallelism=20)
    for _ in range(14):
        await run_next(system)
    await make_bulk(3, tenant="new")
    clock.move(KEPT)
    assert [await run_next(system) for _ in range(3)].count("new") == 1


async def test_weights_can_be_changed_while_it_runs(system: System, make_bulk: MakeBulk, clock: MovableClock) -> None:
    for tenant in ("heavy", "light"):
        await make_bulk(40, tenant=tenant)
    await system.limits.change_tenant("heavy", {"weight": 3})
    assert Counter([await run_next(system) for _ in range(40)])["heavy"] == pytest.approx(30, abs=1)
    await system.limits.change_tenant("heavy", {"weight": 1})
    clock.move(KEPT)
    later = Counter([await run_next(system) for _ in range(10)])
    assert later["light"] == pytest.approx(5, abs=1)


async def test_a_claim_that_comes_to_nothing_costs_no_turn(system: System, make_bulk: MakeBulk) -> None:
    for tenant in ("a", "b"):
        await make_bulk(2, tenant=tenant)
    await system.limits.change({"tenant_max_running": 5})
    claim = await claimed(system)
    await system.queue.finish(claim, Unclaimed())
    scope = (await system.scopes.find([TENANT + claim.bulk["tenant"]])).popitem()[1]
    assert (scope["turn"], scope["running"]) == (0, 0)


async def test_priority_orders_the_bulks_of_one_tenant_and_waiting_makes_up_for_it(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    low = await make_bulk(1, priority=1)
    clock.move(timedelta(minutes=5))
    normal, high = await make_bulk(1, priority=2), await make_bulk(1, priority=3)
    clock.move(timedelta(minutes=31))
    latest = await make_bulk(1, priority=3)
    assert [(await claimed(system)).bulk_id for _ in range(4)] == [high, normal, low, latest]


async def test_a_changed_priority_counts_at_the_next_claim(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    first, second = await make_bulk(2, priority=2), await make_bulk(2, priority=2)
    assert (await claimed(system)).bulk_id == first
    third = await make_bulk(2, priority=2)
    await system.controls.change("owner", third, {"priority": 3.0})
    clock.move(KEPT)
    assert (await claimed(system)).bulk_id == third
    assert (await claimed(system)).bulk_id == second


async def races(system: System, count: int) -> list[Claim]:
    return [claim for _ in range(count) if (claim := await system.queue.claim("w1")) is not None]


async def test_a_tenant_runs_no_more_than_its_cap_and_the_others_go_on(system: System, make_bulk: MakeBulk) -> None:
    await system.limits.change({"tenant_max_running": 3})
    await system.limits.change_tenant("small", {"max_running": 1})
    for tenant in ("small", "other"):
        await make_bulk(9, tenant=tenant, parallelism=9)
    running = await races(system, 10)
    assert Counter(claim.bulk["tenant"] for claim in running) == {"small": 1, "other": 3}
    for claim in running:
        await system.queue.finish(claim, DONE)
    assert len(await races(system, 10)) == 4


async def test_workers_that_claim_at_once_for_the_only_tenant_do_not_refuse_each_other(
    system: System, make_bulk: MakeBulk, store: Store, clock: MovableClock
) -> None:
    await system.limits.change({"tenant_max_running": 12})
    await make_bulk(20, parallelism=20)
    workers = [assemble(store, clock, Rules(lease=LEASE)) for _ in range(12)]
    claims = await asyncio.gather(*(worker.queue.claim("w1") for worker in workers))
    assert None not in claims
    assert await system.queue.claim("w1") is None
