"""The stories that are told over and over, each time with something else going wrong in them. No tests here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

from bson import ObjectId

from jobs.controls import PauseMode
from jobs.documents import BulkId, JobId
from jobs.states import ENDED_JOBS, LIVE_BULKS
from tests.support.simulation.fates import Fate
from tests.support.simulation.people import People
from tests.support.simulation.rest import come_to_rest
from tests.support.simulation.schedule import Process
from tests.support.simulation.simulated_generator import (
    Answer,
    no_answer,
    passing_failure,
    permanent_failure,
    success,
    too_many_requests,
)
from tests.support.simulation.witness import demand
from tests.support.simulation.world import NobodyAnswers, World

Life = Callable[[World], Awaitable[None]]


def failing_items(topic: str, number: int, times: int) -> Answer:
    """Five items of a bulk named `main` fail, each in its own way; all others succeed."""
    match topic, number, times:
        case ("main-3", 1, _) | ("mended-2", 1, _):
            return permanent_failure()
        case ("main-5", 1, _) | ("main-10", 1 | 2, _):
            return passing_failure()
        case "main-7", 1, 1:
            return no_answer()
        case "main-9", 1, 1:
            return too_many_requests(timedelta(seconds=6))
        case _ if topic.startswith("beside"):
            return success(seconds=4)  # there is time to cancel it
        case _:
            return success()


def ended(world: World, bulk: BulkId) -> int:
    return len([job for job in world.witness.jobs_of(bulk) if job["status"] in ENDED_JOBS])


def running(world: World, bulk: BulkId) -> list[JobId]:
    return [job["_id"] for job in world.witness.jobs_of(bulk) if job["status"] == "processing"]


def called(world: World, bulk: BulkId) -> list[ObjectId]:
    mine = set(world.job_ids(bulk))
    return [call.job_id for call in world.generator.open_calls if call.job_id in mine]


def is_called_by_another(world: World, process: Process) -> bool:
    return any(call.process is not process for call in world.generator.open_calls)


def is_not_running(world: World, bulk: BulkId, job: ObjectId) -> bool:
    return job not in running(world, bulk)


def is_called_elsewhere_or_over(world: World, process: Process, bulk: BulkId) -> bool:
    return is_called_by_another(world, process) or is_over(world, bulk)


def is_over(world: World, bulk: BulkId) -> bool:
    return world.witness.bulks[bulk].get("status") not in LIVE_BULKS


def with_parallelism(parallelism: int) -> Life:
    """The life of a bulk of twelve that everything happens to, with others beside it."""

    async def life(world: World) -> None:
        world.start_worker()
        world.start_worker()
        people = People(world)
        main = await people.submit("main", 12, parallelism=parallelism, delay=timedelta(seconds=0.5))
        await world.until(lambda: ended(world, main) >= 1)
        beside = await people.submit("beside", 3)
        of_application = people.store_as_the_application(1, [{"status": "completed", "result": "old"}, {}, {}])
        single = people.store_single_jobs(2, [{}])

        await world.until(lambda: ended(world, main) >= 2)
        await people.pause(main)
        await world.until(lambda: not running(world, main))
        await world.until(lambda: called(world, beside) or is_over(world, beside))
        await people.cancel(beside)
        await people.resume(main)

        await world.until(lambda: ended(world, main) >= 4)
        await world.until(lambda: called(world, main) or is_over(world, main))
        await people.pause(main, PauseMode.ABORT)
        await world.until(lambda: not running(world, main))
        await people.resume(main)
        last = world.job_ids(main)[-1]
        await people.cancel_job(JobId(last))
        await people.retry_job(JobId(last))

        await world.until(lambda: ended(world, main) >= 6)
        await people.pause(main, lasting=timedelta(seconds=3))
        await world.until(lambda: called(world, main) or is_over(world, main))
        for job in called(world, main)[:1]:
            await people.cancel_job(JobId(job))
            await world.until(partial(is_not_running, world, main, job))
            await people.retry_job(JobId(job))
        world.workers[-1].shutdown.ask_urgently()
        world.start_worker()
        await people.change(main, {"name": "renamed", "delay_seconds": 0.0})

        await world.until(lambda: is_over(world, main))
        await people.retry(main)
        await come_to_rest(world)
        for bulk, status in ((main, "completed"), (of_application, "completed"), (BulkId(single[0]), "completed")):
            demand(world.witness.bulks[bulk]["status"] == status, "this should be", status, world.witness.bulks[bulk])
        demand(world.witness.bulks[main]["completed_items"] == 12, "an item was lost", world.witness.bulks[main])

    return life


async def of_impatient_people(world: World) -> None:
    """A life in which upkeep has everything to mend: whoever is asked dies over it, and nobody asks again."""
    world.start_worker()
    people, leaving = People(world), People(world, patient=False)
    mended = await people.submit("mended", 4)
    world.schedule.doom(world.workers[0].process, Fate.DIES_BEFORE, "generator.answer")
    await world.until(lambda: world.workers[0].is_over or is_over(world, mended))

    async def dies_over(request: Awaitable[object], operation: str, fate: Fate) -> None:
        world.schedule.doom(await world.living_service(), fate, operation)
        try:
            await request
        except NobodyAnswers:
            return

    intent, insert = "bulk_jobs.find_one_and_update", "generation_jobs.insert_many"
    await dies_over(leaving.submit("never", 3), insert, Fate.DIES_HALFWAY)
    await dies_over(leaving.submit("owed", 3), "bulk_jobs.insert_one", Fate.DIES_BEFORE)
    people.store_as_the_application(1, [{"status": "failed", "error": "old"}, {}])
    cancelled = await people.submit("cancelled", 3)
    await dies_over(leaving.cancel_job(JobId(world.job_ids(cancelled)[0])), intent, Fate.DIES_AFTER)
    await world.until(lambda: called(world, mended) or is_over(world, mended))
    await dies_over(leaving.pause(mended, PauseMode.ABORT, timedelta(seconds=8)), intent, Fate.DIES_AFTER)
    await world.until(lambda: called(world, cancelled) or is_over(world, cancelled))
    await dies_over(leaving.cancel(cancelled), intent, Fate.DIES_AFTER)
    await world.until(lambda: called(world, mended) or is_over(world, mended))
    for sleeper in [call.process for call in world.generator.open_calls]:
        sleeper.stall()
        world.start_worker()
        await world.until(partial(is_called_elsewhere_or_over, world, sleeper, mended))
        sleeper.wake()
    await world.until(lambda: is_over(world, mended))
    await dies_over(leaving.retry(mended), intent, Fate.DIES_AFTER)
    await come_to_rest(world)
    demand(world.witness.bulks[mended]["cancelled_items"] == 0, "nobody cancelled this", world.witness.bulks[mended])
