"""What is told of several bulks at once: their names, how many jobs wait for a person, and nothing of others'."""

from __future__ import annotations

from bson import ObjectId

from jobs.documents import BulkId
from jobs.pipelines import BLOG
from jobs.system import System
from tests.jobs.conftest import OWNER, MakeBulk
from tests.jobs.test_selections import ask
from tests.support.clock import MovableClock

OTHER = "other"


async def test_bulks_are_told_by_their_names(system: System, make_bulk: MakeBulk) -> None:
    named, unnamed = await make_bulk(2, name="Spring"), await make_bulk(2, name=None)
    nowhere = BulkId(ObjectId())
    assert await system.briefs.names(OWNER, [named, unnamed, nowhere, named]) == {named: "Spring", unnamed: None}
    assert (await system.briefs.names(OTHER, [named]), await system.briefs.names(OWNER, [])) == ({}, {})


async def test_those_that_wait_for_a_person_are_counted_by_bulk(
    system: System, make_bulk: MakeBulk, clock: MovableClock
) -> None:
    first = await make_bulk(2, pipeline=BLOG)
    second = await make_bulk(2, pipeline=BLOG)
    for _ in range(3):
        await ask(system, clock)
    assert await system.briefs.awaiting(OWNER, [first, second]) == {first: 2, second: 1}
    assert await system.briefs.awaiting(OWNER, [second]) == {second: 1}
    assert (await system.briefs.awaiting(OTHER, [first]), await system.briefs.awaiting(OWNER, [])) == ({}, {})
