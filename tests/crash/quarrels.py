"""A short life in which several people want different things of the same few jobs, all at once. No tests here.

It is told with hundreds of seeds: where two writes must come in an unlucky order, one of them finds it.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

from jobs.controls import PauseMode
from jobs.documents import BulkId, JobId
from jobs.storage.store import Document
from tests.crash.lives import is_over
from tests.support.simulation.people import People
from tests.support.simulation.rest import come_to_rest
from tests.support.simulation.simulated_generator import Answer, passing_failure, permanent_failure, success
from tests.support.simulation.world import World

JOBS = 4
PEOPLE = 3
WISHES = 3
LONGEST_THOUGHT = 12
FIRST_OPERATIONS = 80
LONGEST_WAIT_FOR_A_JOB = 5
MOODS = (
    ("pause", "abort", "resume", "resume", "cancel", "cancel a job", "cancel a job", "retry a job", "retry", "change"),
    ("pause", "abort", "resume", "cancel a job", "retry a job"),
    ("cancel", "retry a job"),
)


def half_of_them_fail(topic: str, number: int, times: int) -> Answer:
    match number + int(topic[-1]), times:
        case 2 | 4, 1:
            return permanent_failure()
        case 3, 1:
            return passing_failure()
        case _:
            return success()


async def of_quarrelling_people(world: World) -> None:
    """Each has a few wishes, and thinks for some operations before each. In the end they let it go on."""
    world.start_worker()
    world.start_worker()
    people = People(world)
    bulk = await people.submit("quarrel", JOBS, parallelism=2)
    await asyncio.gather(
        _a_worker_sleeps(world), *(_has_wishes(world, people, bulk, number) for number in range(PEOPLE))
    )
    while not is_over(world, bulk):
        await people.resume(bulk)
        await asyncio.sleep(5)
    await come_to_rest(world)


async def _a_worker_sleeps(world: World) -> None:
    """Often one that has just taken a job; until a sweep of the others is about to take back what it ran."""
    dice = random.Random(world.seed)
    await world.schedule.operations(dice.randrange(FIRST_OPERATIONS))
    sleeper = dice.choice(world.workers)
    with suppress(TimeoutError):
        async with asyncio.timeout(dice.choice((0, LONGEST_WAIT_FOR_A_JOB))):
            await world.until(lambda: any(lease["worker_id"] == sleeper.process.name for lease in leases(world)))
            await world.schedule.operations(dice.randrange(4))
    sleeper.process.stall()
    sweep_every = world.setup.sweep_every.total_seconds()
    await asyncio.sleep(sweep_every * dice.choice((1, 2)) - world.loop.time() % sweep_every)
    sleeper.process.wake()


def leases(world: World) -> list[Document]:
    return [lease for lease, _ in world.witness.leases()]


async def _has_wishes(world: World, people: People, bulk: BulkId, number: int) -> None:
    dice = random.Random(f"{world.seed} {number}")
    mood = MOODS[world.seed % len(MOODS)]
    for _ in range(WISHES):
        await world.schedule.operations(dice.randrange(LONGEST_THOUGHT))
        job = JobId(dice.choice(world.job_ids(bulk)))
        match dice.choice(mood):
            case "pause":
                await people.pause(bulk)
            case "abort":
                await people.pause(bulk, PauseMode.ABORT)
            case "resume":
                await people.resume(bulk)
            case "cancel":
                await people.cancel(bulk)
            case "cancel a job":
                await people.cancel_job(job)
            case "retry a job":
                await people.retry_job(job)
            case "retry":
                await people.retry(bulk)
            case "change":
                await people.change(bulk, {"parallelism": dice.randrange(1, 4)})
