"""The queue as a whole: what ended last, what limits it, whose jobs run and wait."""

from __future__ import annotations

from datetime import timedelta

from jobs.capacity.generators import Health
from jobs.capacity.scopes import GENERATOR
from jobs.outcomes import Completed
from jobs.priority import Priority
from jobs.reading.shares import GeneratorState, TenantShare
from jobs.storage.store import Store
from jobs.system import System
from tests.jobs.conftest import OWNER, MakeBulk
from tests.jobs.test_queue import claimed
from tests.support.clock import MovableClock

DONE = Completed("text", {})


async def test_jobs_that_ended_long_ago_are_among_the_last_ten(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await make_bulk(3, name="Boots")
    ended = []
    for wait in (timedelta(days=400), timedelta(days=30), timedelta(seconds=5)):
        claim = await claimed(system)
        await system.queue.finish(claim, DONE)
        ended.append(claim.job_id)
        clock.move(wait)
    recent = (await system.overview.queue(OWNER)).recent
    assert [job["_id"] for job in recent] == ended[::-1]
    assert {(job["bulk_job_id"], job["bulk_name"], job["pipeline"]) for job in recent} == {
        (bulk_id, "Boots", "article")
    }
    assert all("result" not in job for job in recent)


async def test_jobs_that_may_run_are_counted_by_priority(system: System, make_bulk: MakeBulk) -> None:
    await make_bulk(3, priority=3.0)
    await make_bulk(4, priority=1.0)
    await make_bulk(5, priority=50.0)
    await system.controls.cancel(OWNER, await make_bulk(9, priority=2.0))
    running = await claimed(system)
    view = await system.overview.queue(OWNER)
    assert view.by_priority == {Priority.HIGH: 7, Priority.NORMAL: 0, Priority.LOW: 4}
    assert [job["_id"] for job in view.active] == [running.job_id]
    assert (view.counts.total, view.counts.pending, view.counts.running, view.counts.cancelled) == (21, 11, 1, 9)


async def test_the_tenants_with_the_most_jobs_come_first_with_their_weights(
    system: System, make_bulk: MakeBulk
) -> None:
    for number in range(12):
        await make_bulk(1 + number, tenant=f"shop-{number}")
    await system.limits.change_tenant("shop-3", {"weight": 4})
    claim = await claimed(system)
    shares = await system.shares.tenants()
    assert len(shares) == 10
    assert (shares[0].running, shares[0].tenant) == (1, (await system.lookup.bulk(OWNER, claim.bulk_id))["tenant"])
    waiting = [share.waiting for share in shares[1:]]
    assert waiting == sorted(waiting, reverse=True)
    assert TenantShare("shop-3", 0, 4, 4.0) in shares


async def test_a_tenant_whose_bulks_have_all_ended_shares_nothing(system: System, make_bulk: MakeBulk) -> None:
    await system.controls.cancel(OWNER, await make_bulk(2))
    assert await system.shares.tenants() == []


async def states(system: System) -> list[GeneratorState]:
    return [generator.state for generator in await system.shares.generators()]


async def test_a_generator_is_shown_parked_down_and_recovering(
    system: System, store: Store, clock: MovableClock
) -> None:
    await system.limits.change({"requests_per_minute": 20})
    ready = GeneratorState.READY
    assert await states(system) == [ready] * 3
    system.generators.seen = await _seen(store)
    await system.generators.report("default", Health(succeeded=False, wait=timedelta(seconds=90)))
    parked = (await system.shares.generators())[0]
    assert (parked.state, parked.until) == (GeneratorState.PARKED, clock.now() + timedelta(seconds=90))
    assert (parked.requests_per_minute, parked.pace) == (20, 20)
    assert parked.rate is not None
    assert parked.rate.wait == timedelta(seconds=90)
    for _ in range(3):
        await system.generators.report("ideas", Health(succeeded=False, down=True))
    assert await states(system) == [GeneratorState.PARKED, GeneratorState.DOWN, ready]
    down = (await system.shares.generators())[1]
    assert down.until is not None
    assert (down.name, down.until > clock.now(), down.rate) == ("ideas", True, None)
    await system.generators.is_back("ideas")
    clock.move(timedelta(seconds=91))
    assert await states(system) == [ready, GeneratorState.RECOVERING, ready]


async def _seen(store: Store) -> dict[str, dict[str, object]]:
    scopes = await store.collection("limits").find({})
    return {scope["_id"].removeprefix(GENERATOR): scope for scope in scopes if scope["_id"].startswith(GENERATOR)}
