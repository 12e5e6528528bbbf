"""A life with much to tell: ends, percentages, pauses, failures, questions, cancels, next generations. No tests."""

from __future__ import annotations

from jobs.documents import FailurePolicy, Notify, notify_as_stored
from tests.crash.limits import is_paused, is_paused_or_over
from tests.crash.lives import called, ended, is_over
from tests.crash.stages import awaiting
from tests.support.simulation.made_in_stages import CHOSEN
from tests.support.simulation.people import People
from tests.support.simulation.rest import come_to_rest
from tests.support.simulation.simulated_generator import Answer, passing_failure, permanent_failure, success
from tests.support.simulation.witness import demand
from tests.support.simulation.world import World


def fails_twice(topic: str, number: int, times: int) -> Answer:
    """A definite answer raises n, and so does a person's retry: the second attempt has the number 3."""
    match topic, number, times:
        case ("steps-2", 1 | 3, _) | ("steps-5", 1, _):
            return permanent_failure()
        case "asked-1", 1, _:
            return passing_failure()
        case _ if topic.startswith("dropped"):
            return success(seconds=4)  # there is time to cancel it
        case _:
            return success()


async def of_told_people(world: World) -> None:
    world.start_worker()
    world.start_worker()
    people = People(world)
    steps = await people.submit("steps", 6, parallelism=2, max_retries=0, notify=Notify(progress=(10, 95)))
    asked = await people.submit("asked", 2, pipeline=CHOSEN.spec, notify=Notify(progress=(50,)))
    careful = await people.submit("careful", 3, failure_policy=FailurePolicy(canary=1), notify=Notify(progress=(40,)))
    dropped = await people.submit("dropped", 3, parallelism=2, notify=Notify(progress=(10, 60)))

    await world.until(lambda: ended(world, steps) >= 2)
    await people.pause(steps)
    await people.change(steps, {"notify": notify_as_stored(Notify(progress=(30, 80)))})
    await people.resume(steps)
    await world.until(lambda: called(world, dropped) or is_over(world, dropped))
    await people.cancel(dropped)
    await people.retry_job(world.witness.jobs_of(dropped)[-1]["_id"])  # while others of it still run
    await world.until(lambda: is_paused_or_over(world, careful, "canary"))
    demand(is_paused(world, careful, "canary"), "the canary did not pause it", world.witness.bulks[careful])
    await people.resume(careful)
    await world.until(lambda: awaiting(world, asked) or is_over(world, asked))
    await people.approve(asked)
    for _ in range(2):
        await world.until(lambda: is_over(world, steps))
        await people.retry(steps)
    await come_to_rest(world)

    demand(world.witness.bulks[steps]["completed_items"] == 6, "an item was lost", world.witness.bulks[steps])
