"""Telling a life once to list its points, and once more for each point and each thing that can happen there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.crash.lives import Life, failing_items, of_impatient_people, with_parallelism
from tests.support.simulation.deployed import Setup
from tests.support.simulation.rest import assert_all_at_rest
from tests.support.simulation.schedule import Fate, Operation, Point
from tests.support.simulation.world import World


@dataclass(frozen=True)
class Story:
    """A life and the deployment that it is led in."""

    name: str
    life: Life = field(repr=False)
    setup: Setup = field(repr=False)


STORIES = {
    story.name: story
    for story in (
        Story("one at a time", with_parallelism(1), Setup(cap=1)),
        Story("several at once", with_parallelism(2), Setup(cap=None)),
        Story("impatient people", of_impatient_people, Setup(cap=1)),
    )
}


@dataclass(frozen=True)
class Case:
    """What happens at which point."""

    point: Point
    fate: Fate

    def __str__(self) -> str:
        return f"{self.point}: {self.fate}"


def tell(story: Story, seed: int, fates: Mapping[Point, Fate] | None = None) -> Sequence[Operation]:
    """All that was done. Raises `Violation` or `Stuck` where an invariant does not hold."""
    with World(seed, story.setup, failing_items, fates) as world:
        world.run(story.life(world))
        assert_all_at_rest(world)
        return [operation for _, operation in world.schedule.history]


def deaths(operations: Sequence[Operation]) -> list[Case]:
    """Each point, and each side of it that can be told apart."""
    return [Case(operation.point, fate) for operation in operations if operation.point for fate in _deaths(operation)]


def cuts(operations: Sequence[Operation]) -> list[Case]:
    """Each database operation that is not answered."""
    return [
        Case(operation.point, fate)
        for operation in operations
        if operation.point and not operation.name.startswith("generator.")
        for fate in ((Fate.CUT_BEFORE, Fate.CUT_AFTER) if operation.writes else (Fate.CUT_BEFORE,))
    ]


def _deaths(operation: Operation) -> list[Fate]:
    if operation.done_steps > 1:
        return [Fate.DIES_BEFORE, Fate.DIES_HALFWAY, Fate.DIES_AFTER]
    if operation.writes:
        return [Fate.DIES_BEFORE, Fate.DIES_AFTER]
    return [Fate.DIES_BEFORE]  # a read leaves nothing behind: to all others both sides are the same
