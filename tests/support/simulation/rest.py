"""The end of every life: all has ended, nothing is owed, and everything adds up (I1 to I9 as far as they show then)."""

from __future__ import annotations

import asyncio

from jobs.audit import Finding
from jobs.clock import Clock
from jobs.counting import error_line
from jobs.states import ENDED_JOBS, LIVE_BULKS, JobStatus
from jobs.system import System, assemble
from tests.support.invariants import assert_at_rest
from tests.support.simulation.simulated_store import at_once
from tests.support.simulation.witness import demand
from tests.support.simulation.world import World

SLOW_WRITERS_ARE_GIVEN_UP = 2 * 3600.0


class _WorldClock:
    def __init__(self, world: World) -> None:
        self.now = world.now

    async def measure(self) -> None:
        """It is never wrong."""


async def come_to_rest(world: World) -> None:
    """Wait until all has ended by itself; then the workers leave, and upkeep looks once more much later."""
    await world.until(lambda: _nothing_is_left(world))
    world.replaces_dead_workers = False
    for worker in world.workers:
        worker.shutdown.ask()
    await asyncio.gather(*(worker.running for worker in world.workers), return_exceptions=True)
    world.loop.last_moment = float("inf")
    await asyncio.sleep(SLOW_WRITERS_ARE_GIVEN_UP)


def assert_all_at_rest(world: World) -> None:
    """Once the story is over: reads everything, and has upkeep clear away what slow writers might have left."""
    demand(not world.schedule.unmet, "the run did not come by", world.schedule.unmet)
    demand(not world.schedule.faults, world.schedule.faults)
    clock: Clock = _WorldClock(world)
    system = assemble(world.store, clock, world.setup.rules)
    at_once(system.creation.complete_owed())
    if any(process.was_stalled for process in world.schedule.processes):
        at_once(system.scopes.take_back_leftovers())  # one that woke after all others had left
    at_once(assert_at_rest(world.store))
    demand(not (found := at_once(_findings(system))), "pressrun verify finds", found)
    world.promises.assert_kept()
    world.telling.assert_all_told()
    names = [bulk["name"] for bulk in world.witness.bulks.values() if bulk["name"]]
    demand(len(names) == len(set(names)), "one request made two bulks", names)
    for bulk in world.witness.bulks.values():
        jobs = world.witness.jobs_of(bulk["_id"])
        demand(bulk["status"] not in LIVE_BULKS, "a bulk has not ended", bulk)
        demand(all(job["status"] in ENDED_JOBS for job in jobs), "a job has not ended", jobs)
        demand(all(job["wish"] is None for job in jobs), "a wish is left", jobs)
        kept = [job for job in jobs if job["status"] == "completed" and (job["checkpoints"] or job["paid"])]
        demand(not kept, "a completed job keeps what it needs no more", kept)
        demand([job["queue_position"] for job in jobs] == list(range(1, len(jobs) + 1)), "positions", jobs)
        failed = [job for job in jobs if job["status"] == JobStatus.FAILED]
        summary = [error_line(job["queue_position"], job["error"]) for job in failed]
        demand(bulk["error_summary"] == summary, "error_summary is not what the jobs say", bulk, summary)
        for job in jobs:
            _assert_attempts(job)


def _nothing_is_left(world: World) -> bool:
    under_way = [one for one in world.peek("creations") if one["state"] in ("writing", "committed")]
    bulks = world.witness.bulks.values()
    single = [job for job in world.witness.jobs.values() if job["bulk_job_id"] is None]
    return (
        not (under_way or single or world.telling.is_owed())
        and not any(scope["running"] for scope in world.witness.scopes.values())
        and all(
            bulk.get("schema") == 1
            and bulk["status"] not in LIVE_BULKS
            and not bulk["slots"]
            and bulk["intent"] is None
            for bulk in bulks
        )
    )


def _assert_attempts(job: dict[str, object]) -> None:
    attempts = job["attempts"]
    assert isinstance(attempts, list)
    tokens = [attempt["token"] for attempt in attempts]
    demand(len(tokens) == len(set(tokens)), "a running left two attempts", job)
    completed = [attempt for attempt in attempts if attempt["outcome"] == "completed"]
    if job["status"] == JobStatus.COMPLETED and attempts:
        demand(completed == attempts[-1:], "a completed job's last attempt, and only that, has completed", job)
        has_result = job["result"] is not None or job.get("result_dropped_at") is not None
        demand(has_result and job["completed_at"] is not None, "a completed job lacks something", job)
    else:
        demand(not completed, "an attempt completed, its job did not", job)


async def _findings(system: System) -> list[Finding]:
    return [finding async for finding in system.audit.whole()]
