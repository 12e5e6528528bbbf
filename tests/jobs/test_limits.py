"""The system's cap: never one more than it says, and every permit comes back."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from jobs.capacity.limits import Limits
from jobs.claims import Claim
from jobs.errors import InvalidInput
from jobs.outcomes import Completed
from jobs.system import System
from tests.jobs.conftest import LEASE, MakeBulk
from tests.support.clock import MovableClock
from tests.support.invariants import assert_at_rest

DONE = Completed("text", {})


async def race(system: System, claimers: int) -> list[Claim]:
    claims = await asyncio.gather(*(system.queue.claim(f"w{number}") for number in range(claimers)))
    return [claim for claim in claims if claim is not None]


async def test_no_more_jobs_run_than_the_cap_says_whoever_claims(system: System, make_bulk: MakeBulk) -> None:
    await system.limits.change({"max_running": 3})
    for _ in range(8):
        await make_bulk(2)
    running: list[Claim] = []
    for _ in range(12):
        running += await race(system, 6)
        assert len(running) <= 3
        if running:
            await system.queue.finish(running.pop(), DONE)
    while running or (running := await race(system, 3)):
        await system.queue.finish(running.pop(), DONE)
    await assert_at_rest(system.store)


async def test_a_changed_cap_holds_at_the_next_claim(system: System, make_bulk: MakeBulk) -> None:
    for _ in range(3):
        await make_bulk(1)
    await system.limits.change({"max_running": 1})
    assert len(await race(system, 2)) == 1
    assert await system.queue.claim("w") is None
    await system.limits.change({"max_running": 2})
    assert len(await race(system, 2)) == 1
    await system.limits.change({"max_running": None})
    assert len(await race(system, 2)) == 1


async def test_with_a_cap_of_one_the_delay_holds_for_the_whole_system(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    await system.limits.change({"max_running": 1})
    await make_bulk(1, delay=timedelta(seconds=5))
    await make_bulk(1)
    (first,) = await race(system, 1)
    await system.queue.finish(first, DONE)
    assert await system.queue.claim("w1") is None
    clock.move(timedelta(seconds=5))
    assert len(await race(system, 1)) == 1


async def test_the_permit_of_a_lost_worker_is_taken_back(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    await system.limits.change({"max_running": 1})
    await make_bulk(2)
    await race(system, 1)
    await system.sweep.run()
    clock.move(LEASE)
    await system.sweep.run()
    (again,) = await race(system, 1)
    await system.queue.finish(again, DONE)
    assert (await system.store.collection("limits").find_one({"_id": "system"}) or {})["running"] == 0


async def test_the_settings_seed_the_limits_only_once(system: System) -> None:
    await system.limits.change({"max_running": 7})
    await system.limits.seed(Limits(max_running=1))
    assert (await system.limits.read()).max_running == 7


@pytest.mark.parametrize("changes", [{}, {"max_running": 0}, {"max_running": True}, {"max_running": "3"}, {"other": 1}])
async def test_a_wrong_limit_is_refused_and_nothing_changed(system: System, changes: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        await system.limits.change(changes)
    assert (await system.limits.read()).max_running is None


async def test_the_delay_holds_also_where_a_sweep_has_taken_the_place_back_first(
    system: System, make_bulk: MakeBulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await system.limits.change({"max_running": 1})
    for _ in range(2):
        await make_bulk(1, delay=timedelta(seconds=5))
    claim = await system.queue.claim("w1")
    assert claim is not None
    leave = system.scopes.leave

    async def late(*args: Any, **named: Any) -> None:
        await system.scopes.take_back_leftovers()
        await leave(*args, **named)

    monkeypatch.setattr(system.scopes, "leave", late)
    await system.queue.finish(claim, DONE)
    assert await system.queue.claim("w1") is None


@pytest.mark.parametrize("limit", ["max_running", "tenant_max_running"])
async def test_what_runs_already_counts_when_a_cap_is_put_on(
    system: System, make_bulk: MakeBulk, clock: MovableClock, limit: str
) -> None:
    for _ in range(8):
        await make_bulk(1)
    running = [await system.queue.claim("w") for _ in range(4)]
    await system.limits.change({limit: 3})
    assert await system.queue.claim("w") is None
    await system.sweep.run()
    clock.move(LEASE / 2)
    for claim in running[:2]:
        assert claim is not None
        await system.queue.finish(claim, DONE)
    await system.scopes.take_back_leftovers()
    assert await system.queue.claim("w") is not None
    assert await system.queue.claim("w") is None


async def test_limits_of_an_older_version_are_completed(system: System) -> None:
    limits = system.store.collection("limits")
    await limits.delete_many({})
    old = {"_id": "system", "max_running": 5, "running": 0, "slots": {}, "spaced_until": system.clock.now()}
    await limits.insert_one(old)
    await system.limits.seed(Limits(max_running=1, tenant_max_running=7))
    assert await system.limits.read() == Limits(max_running=5, tenant_max_running=7)
