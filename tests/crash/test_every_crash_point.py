"""Every database and generator operation of three lives, and on each side of each a death: nothing is lost (I1 to I9).

A failing case is told with its story, its seed and its point, and `tell(STORIES[name], seed, {point: fate})` tells it
again. `scripts/soak` explores more seeds, and answers that are lost where the process lives on.
"""

from __future__ import annotations

import os

import pytest

from tests.crash.conftest import EXPLORED
from tests.crash.exploring import STORIES, Case, Record, cuts, deaths, tell
from tests.support.simulation.schedule import Operation

SEEDS = int(os.environ.get("PRESSRUN_TEST_SOAK_SEEDS", "0"))
PARTS = 8
FEWEST_POINTS = {"one at a time": 550, "several at once": 550, "impatient people": 400}

stories = pytest.mark.parametrize("story", STORIES)
seeds = pytest.mark.parametrize("seed", range(SEEDS))
parts = pytest.mark.parametrize("part", range(PARTS))


def explore(story: str, seed: int, cases: list[Case]) -> None:
    for case in cases:
        try:
            tell(STORIES[story], seed, {case.point: case.fate})
        except BaseException as error:
            error.add_note(f"It was told of {story!r} with seed {seed}: {case!r}")
            raise


@stories
@seeds
@parts
def test_nothing_is_lost_whichever_process_dies_at_whichever_point(
    story: str, seed: int, part: int, record_property: Record
) -> None:
    operations = tell(STORIES[story], seed)
    assert len(operations) >= FEWEST_POINTS[story]
    explore(story, seed, mine := deaths(operations)[part::PARTS])
    record_property(f"{EXPLORED}points, {story}", len(operations[part::PARTS]))
    record_property(f"{EXPLORED}deaths, {story}", len(mine))


@stories
@seeds
@parts
def test_nothing_is_lost_whichever_operation_is_not_answered(
    story: str, seed: int, part: int, record_property: Record
) -> None:
    """The database is away for one operation, which has taken effect or not; its process lives on."""
    every = cuts(tell(STORIES[story], seed))[part::PARTS]
    explore(story, seed, every)
    record_property(f"{EXPLORED}cuts, {story}", len(every))


@stories
def test_a_seed_tells_the_same_story_again(story: str) -> None:
    assert [told(one) for one in tell(STORIES[story], 3)] == [told(one) for one in tell(STORIES[story], 3)]
    assert [told(one) for one in tell(STORIES[story], 3)] != [told(one) for one in tell(STORIES[story], 4)]


def told(operation: Operation) -> str:
    return operation.told()
