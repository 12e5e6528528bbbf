"""What workers do beside running jobs: each duty is done, and an outage in one gives every worker a lease's time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import NoReturn

import pytest
from bson import ObjectId

from jobs.chores import HALF_DONE_AFTER
from jobs.controls import Pause
from jobs.documents import BulkId, BulkRequest
from jobs.errors import StoreRefused, StoreUnavailable
from jobs.outcomes import Failed
from jobs.states import BulkStatus, JobStatus
from jobs.storage.store import Name, Store
from jobs.system import Rules, System, start
from tests.support.clock import MovableClock
from tests.support.eventually import eventually
from tests.support.faulty_store import FaultyStore
from tests.support.invariants import assert_at_rest
from tests.worker.conftest import Logged, MakeBulk, events
from tests.worker.working import LEASE, OWNER, SHORT, WORKER, claimed
from worker.keeper import Keeper, Running
from worker.metrics import Metrics
from worker.upkeep import Upkeep

DUTIES: dict[str, Callable[[Upkeep], Awaitable[None]]] = {
    "sweep": Upkeep.sweep,
    "complete_creations": Upkeep.complete_creations,
    "relay_jobs": Upkeep.relay_jobs,
    "beat": Upkeep.beat,
    "measure_clock": Upkeep.measure_clock,
    "audit": Upkeep.audit,
    "leave": Upkeep.leave,
}


def upkeep_of(
    system: System,
    keeper: Keeper | None = None,
    metrics: Metrics | None = None,
    wake_courier: Callable[[], None] = lambda: None,
) -> Upkeep:
    return Upkeep(
        system,
        keeper or Keeper(system.queue, lease=LEASE, look_every=SHORT),
        worker_id=WORKER,
        slots=3,
        version="1.2.3",
        lease=LEASE,
        metrics=metrics or Metrics(),
        wake_courier=wake_courier,
    )


@pytest.fixture
def upkeep(system: System) -> Upkeep:
    return upkeep_of(system)


async def test_a_sweep_takes_back_what_a_lost_worker_held_once_it_has_waited_a_lease(
    system: System, upkeep: Upkeep, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    await make_bulk()
    claim = await claimed(system)
    clock.move(LEASE * 2)
    await upkeep.sweep()
    assert (await system.lookup.job(OWNER, claim.job_id))["status"] == JobStatus.PROCESSING
    clock.move(LEASE)
    await upkeep.sweep()
    assert (await system.lookup.job(OWNER, claim.job_id))["status"] == JobStatus.QUEUED
    await assert_at_rest(system.store)


async def test_a_sweep_completes_a_control_that_was_left_half_done(
    system: System, upkeep: Upkeep, make_bulk: MakeBulk, faulty: FaultyStore, clock: MovableClock
) -> None:
    bulk_id = await make_bulk(3)
    faulty.break_before("generation_jobs", "update_many")
    with pytest.raises(StoreUnavailable):
        await system.controls.cancel(OWNER, bulk_id)
    await upkeep.sweep()
    assert (await system.lookup.bulk(OWNER, bulk_id))["cancelled_items"] == 0
    clock.move(HALF_DONE_AFTER)
    await upkeep.sweep()
    assert (await system.lookup.bulk(OWNER, bulk_id))["cancelled_items"] == 3
    await assert_at_rest(system.store)


async def test_a_sweep_resumes_a_bulk_whose_pause_is_over(
    system: System, upkeep: Upkeep, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    bulk_id = await make_bulk()
    await system.controls.pause(OWNER, bulk_id, Pause(until=clock.now() + timedelta(minutes=1)))
    await upkeep.sweep()
    assert (await system.lookup.bulk(OWNER, bulk_id))["status"] == BulkStatus.PAUSED
    clock.move(timedelta(minutes=1))
    await upkeep.sweep()
    assert (await system.lookup.bulk(OWNER, bulk_id))["status"] == BulkStatus.QUEUED
    await assert_at_rest(system.store)


@pytest.mark.parametrize(("cut", "published"), [("bulk_jobs", 1), ("generation_jobs", 0)])
async def test_a_sweep_completes_or_clears_away_a_creation_left_half_done(
    system: System, upkeep: Upkeep, faulty: FaultyStore, clock: MovableClock, cut: str, published: int
) -> None:
    faulty.break_after("generation_jobs", "insert_many") if cut == "generation_jobs" else faulty.break_before(
        "bulk_jobs", "insert_one"
    )
    with pytest.raises(StoreUnavailable):
        await system.creation.create(OWNER, BulkRequest(mode="topic", items=[{"topic": "A"}, {"topic": "B"}]))
    clock.move(timedelta(minutes=2))
    await upkeep.complete_creations()
    assert await system.store.collection("bulk_jobs").count({}) == published
    assert await system.store.collection("generation_jobs").count({}) == 2 * published
    clock.move(timedelta(hours=2))
    await upkeep.complete_creations()
    await assert_at_rest(system.store)


async def test_what_the_application_stored_itself_is_adopted(
    system: System, upkeep: Upkeep, clock: MovableClock
) -> None:
    bulk_id = BulkId(ObjectId())
    await system.store.collection("generation_jobs").insert_many(
        [{"bulk_job_id": bulk_id, "userId": OWNER, "status": "queued", "topic": topic} for topic in ("A", "B")]
    )
    bulk = {"_id": bulk_id, "userId": OWNER, "mode": "topic", "status": "queued", "total_items": 2}
    await system.store.collection("bulk_jobs").insert_one({**bulk, "created_at": clock.now()})
    await upkeep.sweep()
    assert (await claimed(system)).bulk_id == bulk_id


async def test_a_beat_tells_what_the_worker_runs_and_leaving_takes_it_off_the_list(
    system: System, make_bulk: MakeBulk
) -> None:
    await make_bulk()
    claim = await claimed(system)
    keeper = Keeper(system.queue, lease=LEASE, look_every=SHORT)
    upkeep = upkeep_of(system, keeper)
    with keeper.watching(Running(claim, started=0)):
        await upkeep.beat()
    (worker,) = await system.workers.alive()
    assert (worker["_id"], worker["slots"], worker["version"]) == (WORKER, 3, "1.2.3")
    assert worker["jobs"] == [str(claim.job_id)]
    await upkeep.leave()
    assert await system.workers.alive() == []


@pytest.mark.parametrize("what", ["a bulk", "a job"])
async def test_what_a_process_had_no_time_to_tell_is_told_and_the_courier_woken(
    system: System, make_bulk: MakeBulk, what: str
) -> None:
    woken: list[str] = []
    upkeep = upkeep_of(system, wake_courier=lambda: woken.append("woken"))
    told = "bulk.completed" if what == "a bulk" else "job.failed"
    await system.endpoints.create(OWNER, "https://hooks.example/", [told])
    await make_bulk(max_retries=0)
    await upkeep.sweep()
    await upkeep.relay_jobs()
    assert woken == []
    await system.queue.finish(await claimed(system), Failed("The generator said no.", definite=True))
    await (upkeep.sweep() if what == "a bulk" else upkeep.relay_jobs())
    assert woken == ["woken"]
    (delivery,) = await system.store.collection("deliveries").find({})
    assert delivery["type"] == told


async def test_the_databases_clock_is_measured_again(store: Store) -> None:
    counting = FaultyStore(store)
    system = await start(counting, Rules(lease=LEASE))
    before = counting.done["store", "server_time"]
    await upkeep_of(system).measure_clock()
    assert counting.done["store", "server_time"] > before


async def test_a_fault_in_the_counters_is_mended_when_it_is_found_twice_and_told(
    system: System, make_bulk: MakeBulk, logged: Logged
) -> None:
    bulk_id = await make_bulk(2)
    metrics = Metrics()
    upkeep = upkeep_of(system, metrics=metrics)
    await system.store.collection("bulk_jobs").update_one({}, {"$set": {"failed_items": 1}, "$inc": {"rev": 1}})
    await upkeep.audit()
    assert (await system.lookup.bulk(OWNER, bulk_id))["failed_items"] == 1
    await upkeep.audit()
    assert [entry["fault"] for entry in events(logged, "invariant_broken")] == ["counters"]
    assert metrics.registry.get_sample_value("pressrun_invariants_broken_total", {"fault": "counters"}) == 1
    await assert_at_rest(system.store)


@pytest.mark.parametrize("duty", DUTIES.values(), ids=DUTIES)
async def test_an_outage_in_any_duty_gives_every_worker_the_time_of_a_lease(
    system: System,
    upkeep: Upkeep,
    make_bulk: MakeBulk,
    faulty: FaultyStore,
    clock: MovableClock,
    logged: Logged,
    duty: Callable[[Upkeep], Awaitable[None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clock, "measure", faulty.server_time)
    await make_bulk()
    claim = await claimed(system)
    await upkeep.sweep()
    clock.move(LEASE * 2)
    faulty.go_down()
    await duty(upkeep)
    assert [entry["log_level"] for entry in events(logged, "upkeep_database_away")] == ["warning"]
    faulty.come_back()
    await upkeep.sweep()
    assert (await system.lookup.job(OWNER, claim.job_id))["status"] == JobStatus.PROCESSING
    clock.move(LEASE)
    await upkeep.sweep()
    assert (await system.lookup.job(OWNER, claim.job_id))["status"] == JobStatus.QUEUED
    await assert_at_rest(system.store)


@pytest.mark.parametrize("asked", [("bulk_jobs", "find"), ("generation_jobs", "find")])
async def test_an_outage_that_the_driver_waits_out_gives_every_worker_the_time_of_a_lease(
    system: System,
    upkeep: Upkeep,
    make_bulk: MakeBulk,
    faulty: FaultyStore,
    clock: MovableClock,
    asked: tuple[Name, str],
) -> None:
    await make_bulk()
    claim = await claimed(system)
    await upkeep.sweep()
    clock.move(LEASE)
    await system.queue.renew([claim])
    faulty.before(*asked, lambda: clock.move(LEASE * 1.5))
    await upkeep.sweep()
    await upkeep.sweep()
    assert (await system.lookup.job(OWNER, claim.job_id))["status"] == JobStatus.PROCESSING
    clock.move(LEASE)
    await upkeep.sweep()
    assert (await system.lookup.job(OWNER, claim.job_id))["status"] == JobStatus.QUEUED
    await assert_at_rest(system.store)


async def test_a_beat_that_stalls_tells_of_an_outage(
    system: System, upkeep: Upkeep, make_bulk: MakeBulk, faulty: FaultyStore, clock: MovableClock
) -> None:
    await make_bulk()
    claim = await claimed(system)
    await upkeep.sweep()
    clock.move(LEASE)
    faulty.before("workers", "update_one", lambda: clock.move(LEASE / 2))
    await upkeep.beat()
    await upkeep.sweep()
    assert (await system.lookup.job(OWNER, claim.job_id))["status"] == JobStatus.PROCESSING


async def test_a_refusal_in_one_duty_does_not_keep_the_next_from_its_turn(
    system: System, upkeep: Upkeep, make_bulk: MakeBulk, faulty: FaultyStore, clock: MovableClock, logged: Logged
) -> None:
    def refuse() -> NoReturn:
        raise StoreRefused("not allowed")

    bulk_id = await make_bulk()
    await system.controls.pause(OWNER, bulk_id, Pause(until=clock.now()))
    await upkeep.sweep()
    await system.controls.pause(OWNER, bulk_id, Pause(until=clock.now()))
    clock.move(LEASE)
    faulty.before("generation_jobs", "find", refuse)
    await upkeep.sweep()
    assert [entry["task"] for entry in events(logged, "upkeep_failed")] == ["sweep"]
    assert (await system.lookup.bulk(OWNER, bulk_id))["status"] == BulkStatus.QUEUED


async def test_the_timer_runs_every_duty_and_goes_on_after_an_outage(
    system: System, upkeep: Upkeep, make_bulk: MakeBulk, faulty: FaultyStore, clock: MovableClock
) -> None:
    await make_bulk()
    claim = await claimed(system)
    timer = upkeep.schedule(SHORT)
    assert {job.id for job in timer.get_jobs()} == {duty.__name__ for duty, _ in upkeep.duties(SHORT)}
    faulty.go_down()
    timer.start()
    try:
        await faulty.was_struck(2)
        faulty.come_back()
        await faulty.did("bulk_jobs", "find", 2)
        clock.move(LEASE * 2)
        await eventually(lambda: system.lookup.job(OWNER, claim.job_id), lambda job: job["status"] == JobStatus.QUEUED)
    finally:
        timer.shutdown(wait=False)
