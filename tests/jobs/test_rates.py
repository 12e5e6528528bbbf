"""Calls a minute, shared by all workers: a sliding window that no race widens, and that errors narrow (spec §5)."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from jobs.capacity.generators import ADAPT_EVERY, Health
from jobs.capacity.scopes import GENERATOR, MARGIN, WINDOW
from jobs.claims import Claim
from jobs.errors import InvalidInput
from jobs.outcomes import Completed, HandedBack
from jobs.pipelines import CONTENT
from jobs.storage.store import Document
from jobs.system import Rules, System, assemble
from tests.jobs.conftest import MakeBulk
from tests.support.clock import MovableClock

DONE = Completed("text", {})
OK = Health(succeeded=True)
STRAINED = Health(succeeded=False, strained=True)


async def generator(system: System) -> Document:
    return (await system.scopes.find([GENERATOR + CONTENT]))[GENERATOR + CONTENT]


async def race(systems: list[System], claimers: int) -> list[Claim]:
    claims = await asyncio.gather(*(systems[number % len(systems)].queue.claim("w") for number in range(claimers)))
    return [claim for claim in claims if claim is not None]


async def test_no_window_has_more_starts_than_the_rate_whoever_claims(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    await system.limits.change({"requests_per_minute": 5})
    systems = [system, assemble(system.store, clock, Rules())]
    for _ in range(30):
        await make_bulk(1)
    starts: list[datetime] = []
    while len(starts) < 22:
        for claim in await race(systems, 4):
            starts.append(clock.now())
            await system.queue.finish(claim, DONE)
        clock.move(timedelta(seconds=3))
    assert all(later - earlier >= WINDOW for earlier, later in zip(starts, starts[5:], strict=False))
    assert starts[20] - starts[0] < 4 * (WINDOW + MARGIN + timedelta(seconds=3))


async def test_a_call_never_comes_back(system: System, make_bulk: MakeBulk) -> None:
    await system.limits.change({"requests_per_minute": 2})
    await make_bulk(5)
    for _ in range(2):
        (claim,) = await race([system], 1)
        await system.queue.finish(claim, HandedBack("paused"))
    assert await system.queue.claim("w") is None


async def test_a_changed_rate_holds_at_the_next_claim(system: System, make_bulk: MakeBulk, clock: MovableClock) -> None:
    for _ in range(12):
        await make_bulk(1)
    await system.limits.change({"requests_per_minute": 2})
    assert len([1 for _ in range(4) if await system.queue.claim("w")]) == 2
    await system.limits.change({"requests_per_minute": 4})
    assert len([1 for _ in range(4) if await system.queue.claim("w")]) == 2
    await system.limits.change({"requests_per_minute": 3})
    clock.move(WINDOW + MARGIN)
    assert len([1 for _ in range(4) if await system.queue.claim("w")]) == 3
    await system.limits.change({"requests_per_minute": None})
    assert len([1 for _ in range(4) if await system.queue.claim("w")]) == 4


async def test_a_tenant_has_a_rate_of_its_own(system: System, make_bulk: MakeBulk) -> None:
    await system.limits.change({"tenant_requests_per_minute": 1})
    await system.limits.change_tenant("two", {"requests_per_minute": 2})
    for tenant in ("one", "two"):
        await make_bulk(4, tenant=tenant, parallelism=4)
    claims = [claim.bulk["tenant"] for _ in range(6) if (claim := await system.queue.claim("w"))]
    assert sorted(claims) == ["one", "two", "two"]


async def test_who_waits_for_the_rate_knows_until_when(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    await system.limits.change({"requests_per_minute": 1})
    await make_bulk(3, parallelism=3)
    assert await system.queue.claim("w")
    clock.move(timedelta(seconds=20))
    assert await system.queue.claim("w") is None
    assert timedelta(seconds=40) < system.queue.opens_in < timedelta(seconds=41)
    clock.move(system.queue.opens_in)
    assert await system.queue.claim("w")


async def test_a_generator_that_asks_to_be_left_alone_is_parked_for_all(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    other = assemble(system.store, clock, Rules())
    await make_bulk(3, parallelism=3)
    assert await system.queue.claim("w")
    await system.generators.report(CONTENT, Health(succeeded=False, strained=True, wait=timedelta(minutes=2)))
    assert await other.queue.claim("w") is None
    clock.move(timedelta(minutes=2))
    assert await other.queue.claim("w")


async def test_strain_lowers_the_rate_never_under_one_and_successes_raise_it_again(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    await system.limits.change({"requests_per_minute": 20})
    await make_bulk(1)
    await system.queue.claim("w")
    paces = []
    for health in [STRAINED] * 10 + [OK] * 12:
        await system.generators.report(CONTENT, health)
        await system.generators.report(CONTENT, health)  # many at once count once
        paces.append((await generator(system))["pace"])
        clock.move(ADAPT_EVERY)
        await system.queue.claim("w")
        await system.queue._look()
    assert paces[:10] == [14, 9, 6, 4, 2, 1, 1, 1, 1, 1]
    assert paces[10:] == [3, 5, 7, 9, 11, 13, 15, 17, 19, 20, 20, 20]


@pytest.mark.parametrize("rate", [0, 1001, 2.5, "20", True])
async def test_a_wrong_rate_is_refused(system: System, rate: object) -> None:
    with pytest.raises(InvalidInput):
        await system.limits.change({"requests_per_minute": rate})
