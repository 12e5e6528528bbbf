"""A life in which ended bulks lose their articles, and jobs are sent back beside that, whatever happens when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from jobs.documents import BulkId
from jobs.retention.expiry import RetentionRules
from jobs.system import assemble
from tests.crash.conftest import EXPLORED
from tests.crash.exploring import KINDS, Case, Record, leaving_no_garbage
from tests.crash.lives import failing_items, is_over
from tests.crash.test_removal import SetClock, findings
from tests.support.invariants import assert_at_rest
from tests.support.simulation.deployed import Setup
from tests.support.simulation.people import People
from tests.support.simulation.rest import come_to_rest
from tests.support.simulation.schedule import Operation
from tests.support.simulation.simulated_store import at_once
from tests.support.simulation.witness import demand
from tests.support.simulation.world import World

SEED = 0
AGE = timedelta(seconds=20)
OF_A_DROP = ("assets.delete_many", "generation_jobs.update_one", "generation_jobs.update_many")


async def life(world: World) -> None:
    world.start_worker()
    world.start_worker()
    people = People(world)
    main = await people.submit("main", 3)  # the third fails
    other = await people.submit("other", 2)
    await world.until(lambda: is_dropped(world, main))
    await people.retry(main)
    await people.cancel(other)
    await world.until(lambda: is_over(world, main) and is_dropped(world, main))
    await world.until(lambda: is_dropped(world, other))
    await come_to_rest(world)


def is_dropped(world: World, bulk: BulkId) -> bool:
    return world.witness.bulks[bulk].get("results_dropped_at") is not None


def tell(seed: int, case: Case | None = None) -> list[Operation]:
    fates = {case.point: case.fate} if case else None
    setup = Setup(cap=None, slots=2, retention=RetentionRules(results=AGE))
    with World(seed, setup, failing_items, fates) as world:
        world.run(life(world))
        system = assemble(world.store, SetClock(world.now()), world.setup.rules)
        at_once(system.intents.finish_half_done(timedelta(0)))  # what died after the last worker had left
        at_once(system.retention.run())
        at_once(assert_at_rest(world.store))
        demand(not (found := at_once(findings(system))), "pressrun verify finds", found)
        for job in world.peek("generation_jobs"):
            demand(job["result"] is None and not job["checkpoints"], "an article is left", job)
            dated = job.get("result_dropped_at") is not None
            demand(dated == (job["status"] == "completed"), "the record does not say what has become of it", job)
        completed = sorted(bulk["completed_items"] for bulk in world.peek("bulk_jobs"))
        demand(completed[-1] == 3, "what was sent back was not written", completed)
        return [operation for _, operation in world.schedule.history]


@pytest.mark.parametrize("kind", KINDS)
def test_articles_are_all_there_or_all_gone_whatever_happens_while_they_are_dropped(
    kind: str, record_property: Record
) -> None:
    cases = [case for case in KINDS[kind](tell(SEED)) if any(name in str(case.point) for name in OF_A_DROP)]
    assert len(cases) >= 20
    with leaving_no_garbage():
        for case in cases:
            try:
                tell(SEED, case)
            except BaseException as error:
                error.add_note(f"It was told with seed {SEED}: {case!r}")
                raise
    record_property(f"{EXPLORED}{kind} in drops", len(cases))
