"""A sweep looks at so many bulks with slots, and the next one at those after them: none waits for older ones to end."""

from __future__ import annotations

import pytest

from jobs import sweep
from jobs.states import JobStatus
from jobs.system import System
from tests.jobs.conftest import LEASE, OWNER, MakeBulk
from tests.jobs.test_queue import claimed
from tests.support.clock import MovableClock

ONE_SWEEPS = 2


async def test_a_slot_that_was_left_is_found_however_many_older_bulks_run(
    system: System, make_bulk: MakeBulk, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "AT_ONCE", ONE_SWEEPS)
    made = [await make_bulk(2) for _ in range(5)]
    claims = [await claimed(system) for _ in made]
    jobs, bulks = system.store.collection("generation_jobs"), system.store.collection("bulk_jobs")
    await system.sweep.run()
    clock.move(LEASE)
    await system.queue.renew(claims)
    # its worker died between the finish and the settle
    ended = {"$set": {"status": JobStatus.COMPLETED.value, "lease": None, "completed_at": clock.now()}}
    await jobs.update_one({"_id": claims[-1].job_id}, ended)

    async def counted() -> list[int]:
        return [bulk["completed_items"] for bulk in await bulks.find({}, sort=[("_id", 1)])]

    seen = []
    for _ in range(4):
        await system.sweep.run()
        seen.append(await counted())
    assert seen == [[0] * 5, [0] * 5, [0, 0, 0, 0, 1], [0, 0, 0, 0, 1]]
    assert [bulk["busy"] for bulk in await bulks.find({}, sort=[("_id", 1)])] == [1, 1, 1, 1, 0]


async def test_after_the_last_the_first_are_looked_at_again(
    system: System, make_bulk: MakeBulk, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "AT_ONCE", ONE_SWEEPS)
    made = [await make_bulk(2) for _ in range(3)]
    claims = [await claimed(system) for _ in made]
    jobs, bulks = system.store.collection("generation_jobs"), system.store.collection("bulk_jobs")
    await system.sweep.run()
    clock.move(LEASE)
    await system.queue.renew(claims)
    await system.sweep.run()
    ended = {"$set": {"status": JobStatus.COMPLETED.value, "lease": None, "completed_at": clock.now()}}
    await jobs.update_one({"_id": claims[0].job_id}, ended)
    await system.sweep.run()
    assert (await bulks.find_one({"_id": claims[0].bulk_id}) or {})["busy"] == 1
    await system.sweep.run()
    assert (await bulks.find_one({"_id": claims[0].bulk_id}) or {})["busy"] == 0


async def test_bulks_whose_ids_are_texts_keep_no_others_from_being_looked_at(
    system: System, make_bulk: MakeBulk, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an application may have given them: a server compares an id with those of its own kind alone."""
    monkeypatch.setattr(sweep, "AT_ONCE", ONE_SWEEPS)
    await make_bulk(2)
    claim = await claimed(system)
    jobs, bulks = system.store.collection("generation_jobs"), system.store.collection("bulk_jobs")
    await bulks.insert_many(
        [{**await system.lookup.bulk(OWNER, claim.bulk_id), "_id": f"the application's {number}"} for number in "123"]
    )
    await system.sweep.run()
    clock.move(LEASE)
    await system.queue.renew([claim])
    ended = {"$set": {"status": JobStatus.COMPLETED.value, "lease": None, "completed_at": clock.now()}}
    await jobs.update_one({"_id": claim.job_id}, ended)
    for _ in range(4):
        await system.sweep.run()
    assert (await bulks.find_one({"_id": claim.bulk_id}) or {})["busy"] == 0
