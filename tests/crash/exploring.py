"""Telling a life once to list its points, and once more for each point and each thing that can happen there."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.crash.limits import at_a_price, of_limited_people
from tests.crash.lives import Life, failing_items, of_impatient_people, with_parallelism
from tests.crash.quarrels import half_of_them_fail, of_quarrelling_people
from tests.crash.stages import by_stage, of_several_stages
from tests.crash.telling import fails_twice, of_told_people
from tests.support.simulation.deployed import Setup
from tests.support.simulation.fates import CUTS, Fate, Point
from tests.support.simulation.rest import assert_all_at_rest
from tests.support.simulation.schedule import Operation
from tests.support.simulation.simulated_generator import Script
from tests.support.simulation.world import World

Record = Callable[[str, Any], None]
"""pytest's `record_property`."""


@dataclass(frozen=True)
class Story:
    """A life, the deployment that it is led in, and what the generator answers."""

    name: str
    life: Life = field(repr=False)
    setup: Setup = field(repr=False)
    script: Script = field(repr=False, default=failing_items)


STORIES = {
    story.name: story
    for story in (
        Story("one at a time", with_parallelism(1), Setup(cap=1)),
        Story("several at once", with_parallelism(2), Setup(cap=None)),
        Story("impatient people", of_impatient_people, Setup(cap=1)),
        Story("limited people", of_limited_people, Setup(cap=3, slots=2), at_a_price),
        Story("several stages", of_several_stages, Setup(cap=None, slots=2), by_stage),
        Story("quarrelling people", of_quarrelling_people, Setup(cap=None, slots=2), half_of_them_fail),
        Story("told people", of_told_people, Setup(cap=None, slots=2), fails_twice),
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
    with World(seed, story.setup, story.script, fates) as world:
        world.run(story.life(world))
        assert_all_at_rest(world)
        return [operation for _, operation in world.schedule.history]


@contextmanager
def leaving_no_garbage() -> Iterator[None]:
    """A life only looks after what is young."""
    try:
        yield
    finally:
        gc.collect()


def deaths(operations: Sequence[Operation]) -> list[Case]:
    """Each point, and each side of it that can be told apart."""
    return [Case(operation.point, fate) for operation in operations if operation.point for fate in _deaths(operation)]


def cuts(operations: Sequence[Operation]) -> list[Case]:
    """Each database operation that is not answered."""
    return [
        Case(operation.point, fate)
        for operation in operations
        if operation.point and operation.is_of_database
        for fate in (CUTS if operation.writes else CUTS[:1])
    ]


def sleeps(operations: Sequence[Operation]) -> list[Case]:
    """Each operation before or after which its process is stopped for longer than a lease, and continued.

    Who sleeps before a read sleeps after what it did before that; who sleeps after it acts on what is long past.
    """
    return [
        Case(operation.point, fate)
        for operation in operations
        if operation.point
        for fate in ((Fate.SLEEPS_BEFORE, Fate.SLEEPS_AFTER) if operation.writes else (Fate.SLEEPS_AFTER,))
    ]


def _deaths(operation: Operation) -> list[Fate]:
    if operation.done_steps > 1:
        return [Fate.DIES_BEFORE, Fate.DIES_HALFWAY, Fate.DIES_AFTER]
    if operation.writes:
        return [Fate.DIES_BEFORE, Fate.DIES_AFTER]
    return [Fate.DIES_BEFORE]  # a read leaves nothing behind: to all others both sides are the same


KINDS: dict[str, Callable[[Sequence[Operation]], list[Case]]] = {"deaths": deaths, "cuts": cuts, "sleeps": sleeps}
