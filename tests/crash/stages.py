"""The life of jobs that run through several stages: some are sent back, some wait for a person's choice, some fail in
the middle and begin again at an earlier stage. No tests here."""

from __future__ import annotations

from bson import ObjectId

from jobs.controls import PauseMode
from jobs.documents import BulkId, JobId
from jobs.storage.store import Document
from tests.crash.lives import called, is_over
from tests.support.simulation.made_in_stages import CHOSEN, DRAFTED
from tests.support.simulation.people import People
from tests.support.simulation.rest import come_to_rest
from tests.support.simulation.simulated_generator import (
    Answer,
    no_answer,
    passing_failure,
    permanent_failure,
    success,
)
from tests.support.simulation.witness import demand
from tests.support.simulation.world import World


def by_stage(topic: str, number: int, times: int) -> Answer:
    """What each part of a stage costs, and which fail."""
    match topic, number, times:
        case "drafted-3", 1, _:
            return permanent_failure()
        case "drafted-1-right", 1, _:
            return passing_failure()
        case "chosen-2", 1, 1:
            return no_answer()
        case "chosen-4", 1, _:
            return passing_failure()
        case _:
            return success(cost=0.1)


def awaiting(world: World, bulk: BulkId) -> list[Document]:
    return [job for job in world.witness.jobs_of(bulk) if job["status"] == "awaiting_selection"]


async def of_several_stages(world: World) -> None:
    world.start_worker()
    world.start_worker()
    people = People(world)
    drafted = await people.submit("drafted", 4, pipeline=DRAFTED.spec, parallelism=2, max_retries=3)
    chosen = await people.submit("chosen", 5, pipeline=CHOSEN.spec, max_retries=3)
    await world.until(lambda: awaiting(world, chosen) or is_over(world, chosen))
    for job in awaiting(world, chosen)[:1]:
        await people.choose(JobId(job["_id"]), 0)
        await people.choose(JobId(job["_id"]), 1)  # too late: it was chosen
    await world.until(lambda: called(world, drafted) or is_over(world, drafted))
    await people.pause(drafted, PauseMode.ABORT)
    await world.until(lambda: len(awaiting(world, chosen)) >= 2 or is_over(world, chosen))
    for job in awaiting(world, chosen)[:1]:
        await people.cancel_job(JobId(job["_id"]))
        await people.retry_job(JobId(job["_id"]))
    await people.resume(drafted)
    await world.until(lambda: awaiting(world, chosen) or is_over(world, chosen))
    await people.approve(chosen)
    await world.until(lambda: is_over(world, drafted))
    failed = [job for job in world.witness.jobs_of(drafted) if job["status"] == "failed"]
    for job in failed:
        await people.retry_job(JobId(job["_id"]), from_stage="prepare")
    world.workers[0].shutdown.ask()
    world.start_worker()
    await world.until(lambda: is_over(world, chosen))  # by its deadlines, where nobody has chosen
    await come_to_rest(world)
    for bulk, count in ((drafted, 4), (chosen, 5)):
        stored = world.witness.bulks[bulk]
        demand(stored["completed_items"] == count, "an item was lost", stored, world.witness.jobs_of(bulk))
    first: ObjectId = world.job_ids(chosen)[0]
    selection = world.witness.jobs[first]["selection"]
    demand(selection["chosen"]["by"] in ("owner", "deadline"), "nobody has chosen", selection)
    spent = sum(job["cost"] for job in world.witness.jobs_of(chosen))
    demand(spent >= 0.99, "what was paid is not counted", spent)
