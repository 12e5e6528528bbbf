"""The invariants held against a database: what is broken is found, named and mended; what is under way is not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId

from jobs import audit
from jobs.audit import Fault
from jobs.capacity.scopes import SYSTEM, Entry
from jobs.clock import NEVER
from jobs.controls import Pause
from jobs.documents import JobId, Token
from jobs.outcomes import Completed, Failed
from jobs.storage.store import Name
from jobs.system import System
from tests.jobs.conftest import LEASE, MakeBulk
from tests.jobs.test_queue import claimed
from tests.support.clock import MovableClock
from tests.support.invariants import assert_at_rest

LONG = LEASE + timedelta(seconds=61)


async def faults(system: System) -> set[Fault]:
    return {finding.fault async for finding in system.audit.whole()}


async def test_nothing_is_found_while_bulks_run_pause_fail_and_end(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    await system.limits.change({"max_running": 5})
    first, _, paused = await make_bulk(3), await make_bulk(2, parallelism=2), await make_bulk(2)
    await system.controls.pause("owner", paused, Pause())
    running = [await claimed(system) for _ in range(3)]
    assert await faults(system) == set()
    await system.queue.finish(running[0], Completed("text", {}))
    await system.queue.finish(running[1], Failed("no", definite=True))
    assert await faults(system) == set()
    await system.controls.cancel("owner", first)
    assert await faults(system) == set()
    assert await system.audit.sample(10) == []


@pytest.mark.parametrize(
    ("collection", "change", "fault"),
    [
        ("bulk_jobs", {"completed_items": 2}, Fault.COUNTERS),
        ("bulk_jobs", {"remaining_items": 1}, Fault.COUNTERS),
        ("bulk_jobs", {"free": 0}, Fault.SLOTS),
        ("bulk_jobs", {"status": "completed"}, Fault.STATUS),
        ("bulk_jobs", {"due_at": NEVER}, Fault.WAKE_UP),
        ("generation_jobs", {"status": "failed"}, Fault.COUNTERS),
    ],
)
async def test_drift_is_found_and_mended(
    system: System, make_bulk: MakeBulk, collection: Name, change: dict[str, Any], fault: Fault
) -> None:
    await make_bulk(3)
    await system.store.collection(collection).update_one({"schema": 1}, {"$set": change})
    findings = [finding async for finding in system.audit.whole()]
    assert fault in {finding.fault for finding in findings}
    if change == {"status": "completed"}:
        return  # which of its jobs a bulk lost track of cannot be computed: it is named
    await system.audit.repair(findings)
    assert await faults(system) == set()
    await assert_at_rest(system.store)


async def test_what_a_lost_worker_left_is_named_once_it_is_too_old_and_mended(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    await system.limits.change({"max_running": 1})
    await make_bulk(2)
    await claimed(system)
    assert await faults(system) == set()
    clock.move(LONG * 2)
    found = [finding async for finding in system.audit.whole()]
    assert {finding.fault for finding in found} == {Fault.OLD_LEASE}
    await system.audit.repair(found)
    assert await faults(system) == {Fault.OLD_LEASE}  # who is dead is a sweep's to judge
    assert {finding.fault for finding in await system.audit.sample(10)} == {Fault.OLD_LEASE}
    await system.sweep.run()
    clock.move(LEASE)
    await system.sweep.run()
    assert await faults(system) == set()
    await assert_at_rest(system.store)


async def test_places_that_are_not_as_many_as_are_counted_are_named_and_counted(
    system: System, make_bulk: MakeBulk
) -> None:
    await make_bulk(1)
    await system.store.collection("limits").update_one({"_id": "system"}, {"$inc": {"running": 2}})
    found = [finding async for finding in system.audit.whole()]
    assert [finding.sentence for finding in found] == ["0 places of system are taken, but running is 2"]
    await system.audit.repair(found)
    assert await faults(system) == set()
    await assert_at_rest(system.store)


async def test_a_settle_that_is_owed_for_too_long_is_named_and_mended(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    await make_bulk(2)
    claim = await claimed(system)
    await system.queue._finish_if_owned(claim, Completed("text", {}))  # and dies before it settles
    assert await faults(system) == set()
    clock.move(LONG)
    found = [finding async for finding in system.audit.whole()]
    assert {finding.fault for finding in found} == {Fault.OLD_SLOT}
    await system.audit.repair(found)
    assert await faults(system) == set()
    await assert_at_rest(system.store)


async def test_jobs_without_a_bulk_and_places_without_a_job_are_named(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await make_bulk(2)
    await system.limits.change({"max_running": 1})
    await enter_the_system(system, JobId(ObjectId()), Token("nobody's"))
    await system.store.collection("bulk_jobs").delete_one({"_id": bulk_id})
    clock.move(LONG)
    assert await faults(system) == {Fault.NO_BULK, Fault.PLACE}


async def enter_the_system(system: System, job_id: JobId, token: Token) -> None:
    scope = (await system.scopes.find([SYSTEM]))[SYSTEM]
    assert await system.scopes.enter(Entry(scope, max_running=1), job_id, token, "w1")


async def test_every_bulk_is_looked_at_whatever_kind_its_id_is_of(
    system: System, make_bulk: MakeBulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "PAGE", 2)
    made = [await make_bulk(1) for _ in range(3)]
    bulks = system.store.collection("bulk_jobs")
    texts = [f"the application's {number}" for number in "123"]
    await bulks.insert_many([{**await system.lookup.bulk("owner", made[0]), "_id": text} for text in texts])
    await bulks.update_many({}, {"$set": {"remaining_items": 7}})
    findings = [finding async for finding in system.audit.whole()]
    assert {finding.document for finding in findings} >= {*made, *texts}
    await system.audit.repair(findings)
    assert await bulks.count({"remaining_items": 7}) == 0
