"""How many jobs may be submitted a day: never one more, whoever submits at once, and given back where nothing came."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from jobs.capacity.scopes import SYSTEM, TENANT
from jobs.creation import WRITING_TIME, Creation
from jobs.documents import BulkRequest
from jobs.errors import QuotaReached, StoreUnavailable
from jobs.system import System
from tests.jobs.conftest import OWNER
from tests.support.clock import MovableClock


def request_for(items: int, tenant: str | None = None) -> BulkRequest:
    return BulkRequest(mode="topic", items=[{"topic": "T"}] * items, tenant=tenant)


async def counted(system: System, scope_id: str) -> int:
    submitted = (await system.scopes.find([scope_id]))[scope_id]["submitted"]
    assert submitted["pending"] == {}
    return int(submitted["jobs"])


async def test_a_tenant_may_submit_so_many_jobs_a_day_and_more_the_next(system: System, clock: MovableClock) -> None:
    await system.limits.change_tenant(OWNER, {"jobs_per_day": 5})
    await system.creation.create(OWNER, request_for(3))
    with pytest.raises(QuotaReached) as refused:
        await system.creation.create(OWNER, request_for(3))
    said = f"The tenant {OWNER} may submit 5 jobs a day (UTC), and 3 more would be too many today: try again tomorrow."
    assert str(refused.value) == said
    await system.creation.create(OWNER, request_for(2))
    assert await counted(system, TENANT + OWNER) == 5
    clock.move(timedelta(days=1))
    await system.creation.create(OWNER, request_for(5))


async def test_all_tenants_together_may_submit_so_many(system: System) -> None:
    await system.limits.change({"jobs_per_day": 4})
    await system.creation.create("one", request_for(3))
    with pytest.raises(QuotaReached, match="All tenants together"):
        await system.creation.create("two", request_for(2))
    await system.creation.create("two", request_for(1))


async def test_what_the_system_refuses_is_not_counted_for_the_tenant(system: System) -> None:
    await system.limits.change({"jobs_per_day": 2, "tenant_jobs_per_day": 100})
    with pytest.raises(QuotaReached):
        await system.creation.create(OWNER, request_for(3))
    assert await system.store.collection("generation_jobs").count({}) == 0
    await system.creation.create(OWNER, request_for(1))
    assert (await counted(system, TENANT + OWNER), await counted(system, SYSTEM)) == (1, 1)


async def test_of_many_at_once_no_more_come_through_than_the_quota_allows(system: System) -> None:
    await system.limits.change_tenant(OWNER, {"jobs_per_day": 5})
    many = [system.creation.create(OWNER, request_for(1)) for _ in range(7)]
    answers = await asyncio.gather(*many, return_exceptions=True)
    assert len([answer for answer in answers if isinstance(answer, QuotaReached)]) == 2
    assert await counted(system, TENANT + OWNER) == 5


async def test_what_a_dead_process_had_counted_is_given_back(
    system: System, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await system.limits.change_tenant(OWNER, {"jobs_per_day": 5})

    async def dies(*_: object) -> None:
        raise StoreUnavailable("the process is gone")

    with monkeypatch.context() as patched:
        patched.setattr(Creation, "_write_jobs", dies)
        with pytest.raises(StoreUnavailable):
            await system.creation.create(OWNER, request_for(5))
    with pytest.raises(QuotaReached):
        await system.creation.create(OWNER, request_for(1))
    clock.move(WRITING_TIME)
    await system.creation.complete_owed()
    assert await counted(system, TENANT + OWNER) == 0
    await system.creation.create(OWNER, request_for(5))
