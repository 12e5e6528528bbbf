"""A life in which bulks are removed while others run: whatever happens at which point, each is there whole or gone."""

from __future__ import annotations

from datetime import datetime

import pytest

from jobs.audit import Finding
from jobs.documents import BulkId
from jobs.errors import Busy, NotFound
from jobs.system import System, assemble
from tests.crash.conftest import EXPLORED
from tests.crash.exploring import KINDS, Case, Record, leaving_no_garbage
from tests.crash.lives import failing_items, is_over
from tests.support.invariants import assert_at_rest
from tests.support.simulation.deployed import Setup
from tests.support.simulation.people import OWNER, People
from tests.support.simulation.rest import come_to_rest
from tests.support.simulation.schedule import Operation
from tests.support.simulation.simulated_store import at_once
from tests.support.simulation.witness import demand
from tests.support.simulation.world import World

OF_A_REMOVAL = ("removals.", "bulk_jobs.delete", "generation_jobs.delete", "notices.delete", "assets.")


class SetClock:
    """It stands still."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    async def measure(self) -> None:
        """Nothing can be wrong with this clock."""


async def removed(world: World, bulk: BulkId) -> None:
    """Asked for until it is so; who asks again after a lost answer is told that there is no such bulk."""
    while True:
        try:
            await world.ask(lambda system: system.deletion.delete(OWNER, bulk), patient=True)
        except NotFound:
            return
        except Busy:
            await world.until(lambda: bulk not in world.witness.bulks or not world.telling.is_owed())
            continue
        return


async def life(world: World) -> list[BulkId]:
    """The bulks that stay."""
    world.start_worker()
    world.start_worker()
    people = People(world)
    first = await people.submit("first", 3)
    second = await people.submit("second", 4)
    await world.until(lambda: is_over(world, first))
    await removed(world, first)
    third = await people.submit("third", 2)
    await world.until(lambda: is_over(world, second))
    await people.retry(second)
    await people.cancel(third)
    await removed_once_at_rest(world, third)
    await come_to_rest(world)
    demand(first not in world.witness.bulks, "a removed bulk is there")
    demand(third not in world.witness.bulks, "a removed bulk is there")
    return [second]


async def findings(system: System) -> list[Finding]:
    return [finding async for finding in system.audit.whole()]


async def removed_once_at_rest(world: World, bulk: BulkId) -> None:
    await world.until(lambda: not world.witness.bulks[bulk]["slots"])
    await removed(world, bulk)


def tell(seed: int, case: Case | None = None) -> list[Operation]:
    fates = {case.point: case.fate} if case else None
    with World(seed, Setup(cap=None, slots=2), failing_items, fates) as world:
        world.run(life(world))
        system = assemble(world.store, SetClock(world.now()), world.setup.rules)
        demand(not (found := at_once(findings(system))), "pressrun verify finds", found)
        for _ in range(2):
            at_once(system.removal.finish_half_done())  # what died after the last worker had left
        at_once(assert_at_rest(world.store))
        demand(not (found := at_once(findings(system))), "pressrun verify finds", found)
        stages = [record["state"] for record in world.peek("removals")]
        demand(set(stages) <= {"done", "cleared"}, "a removal was left half done", stages)
        left = {job["bulk_job_id"] for job in world.peek("generation_jobs")}
        demand(left == set(world.witness.bulks), "jobs are left of bulks that are gone", left)
        told = {notice["bulk_job_id"] for notice in world.peek("notices")}
        demand(told <= set(world.witness.bulks), "notices are left of bulks that are gone", told)
        return [operation for _, operation in world.schedule.history]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(2))
def test_a_bulk_is_there_whole_or_gone_whatever_happens_at_any_point_of_its_removal(
    seed: int, kind: str, record_property: Record
) -> None:
    cases = [case for case in KINDS[kind](tell(seed)) if any(name in str(case.point) for name in OF_A_REMOVAL)]
    assert len(cases) >= 20
    with leaving_no_garbage():
        for case in cases:
            try:
                tell(seed, case)
            except BaseException as error:
                error.add_note(f"It was told with seed {seed}: {case!r}")
                raise
    record_property(f"{EXPLORED}{kind} in removals", len(cases))
