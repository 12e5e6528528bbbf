"""Several jobs of one bulk at once: in order, staggered, switched on and off for all or some tenants (spec §5)."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from jobs.claims import Claim
from jobs.documents import bucket_of
from jobs.outcomes import Completed
from jobs.system import Rules, System, assemble
from tests.jobs.conftest import OWNER, MakeBulk
from tests.jobs.test_queue import claimed
from tests.support.clock import MovableClock
from tests.support.invariants import assert_at_rest

DONE = Completed("text", {})
STAGGER = timedelta(milliseconds=150)


async def race(system: System, claimers: int) -> list[Claim]:
    claims = await asyncio.gather(*(system.queue.claim(f"w{number}") for number in range(claimers)))
    return [claim for claim in claims if claim is not None]


async def test_starts_of_a_parallel_bulk_are_staggered_whoever_claims(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    await make_bulk(4, parallelism=3, stagger=STAGGER)
    for position in (1, 2, 3):
        (claim,) = await race(system, 4)
        assert claim.job["queue_position"] == position
        assert await race(system, 2) == []
        clock.move(STAGGER)
    assert await race(system, 2) == []


async def test_a_bulk_that_runs_one_at_a_time_is_not_staggered(system: System, make_bulk: MakeBulk) -> None:
    await make_bulk(2, stagger=STAGGER)
    await system.queue.finish(await claimed(system), DONE)
    assert (await claimed(system)).job["queue_position"] == 2


async def test_bulks_with_different_staggers_do_not_hold_each_other_up(system: System, make_bulk: MakeBulk) -> None:
    made = [
        await make_bulk(2, parallelism=2, stagger=STAGGER),
        await make_bulk(2),
        await make_bulk(2, parallelism=2, stagger=2 * STAGGER),
        await make_bulk(2, parallelism=3),
    ]
    claims = [await claimed(system) for _ in range(5)]
    assert [claim.bulk_id for claim in claims] == [*made, made[-1]]
    assert await system.queue.claim("w1") is None


async def test_a_changed_stagger_counts_at_the_next_claim(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(4, parallelism=4, stagger=timedelta(0))
    await claimed(system)
    await system.controls.change(OWNER, bulk_id, {"stagger_ms": 150})
    await claimed(system)
    assert await system.queue.claim("w1") is None


async def test_switched_off_no_second_job_of_a_bulk_starts_and_those_that_run_go_on(
    system: System, make_bulk: MakeBulk
) -> None:
    await make_bulk(6, parallelism=6)
    running = [await claimed(system) for _ in range(3)]
    await system.limits.change({"parallel": 0})
    assert await system.queue.claim("w1") is None
    for claim in running[1:]:
        await system.queue.finish(claim, DONE)
    assert await system.queue.claim("w1") is None
    await system.queue.finish(running[0], DONE)
    last = await claimed(system)
    assert await system.queue.claim("w1") is None
    await system.limits.change({"parallel": 100})
    await claimed(system)
    await system.queue.finish(last, DONE)


@pytest.mark.parametrize(("above", "at_once"), [(1, 2), (0, 1)])
async def test_switched_on_for_some_tenants_it_is_always_the_same(
    system: System, make_bulk: MakeBulk, above: int, at_once: int
) -> None:
    tenant = "a tenant"
    await system.limits.change({"parallel": bucket_of(tenant) + above})
    await make_bulk(2, tenant=tenant, parallelism=2)
    assert len([claim for _ in range(2) if (claim := await system.queue.claim("w1"))]) == at_once


async def test_a_worker_can_be_told_to_run_no_bulk_in_parallel_whatever_the_limits_say(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    off = assemble(system.store, clock, Rules(parallel=0))
    await make_bulk(3, parallelism=3)
    assert await off.queue.claim("w1") is not None
    assert await off.queue.claim("w1") is None
    assert await system.queue.claim("w2") is not None


async def test_lowered_parallelism_lets_run_what_runs(system: System, make_bulk: MakeBulk) -> None:
    bulk_id = await make_bulk(5, parallelism=3)
    running = [await claimed(system) for _ in range(3)]
    await system.controls.change(OWNER, bulk_id, {"parallelism": 1})
    for claim in running:
        assert await system.queue.claim("w1") is None
        await system.queue.finish(claim, DONE)
    for _ in range(2):
        claim = await claimed(system)
        assert await system.queue.claim("w1") is None
        await system.queue.finish(claim, DONE)
    await assert_at_rest(system.store)
