"""Every database and generator operation of seven lives, and on each side of each a death: nothing is lost (I1 to I9).

A failing case is told with its story, its seed and its point, and `tell(STORIES[name], seed, {point: fate})` tells it
again. `scripts/soak` explores more seeds, and all of them: otherwise a sample is told.
"""

from __future__ import annotations

import os

import pytest

from tests.crash.conftest import EXPLORED
from tests.crash.exploring import STORIES, Case, Record, cuts, deaths, leaving_no_garbage, sleeps, tell
from tests.support.simulation.schedule import Operation

SOAK_SEEDS = int(os.environ.get("PRESSRUN_TEST_SOAK_SEEDS", "0"))
SEEDS = SOAK_SEEDS or 2
SEEDS_OF_LIVING_ON = SOAK_SEEDS or 1
EVERY = 1 if SOAK_SEEDS else 60
PARTS = 4
SHORT = "quarrelling people"
"""Of this life every death is told; of the others every 36th, and of the second seed every 60th."""

FEWEST_POINTS = {
    "one at a time": 400,
    "several at once": 400,
    "impatient people": 300,
    "limited people": 400,
    "several stages": 400,
    "quarrelling people": 60,
    "told people": 400,
}

stories = pytest.mark.parametrize("story", STORIES)
parts = pytest.mark.parametrize("part", range(PARTS))


def explore(story: str, seed: int, cases: list[Case]) -> None:
    with leaving_no_garbage():
        for case in cases:
            try:
                tell(STORIES[story], seed, {case.point: case.fate})
            except BaseException as error:
                error.add_note(f"It was told of {story!r} with seed {seed}: {case!r}")
                raise


@stories
@parts
@pytest.mark.parametrize("seed", range(SEEDS))
def test_nothing_is_lost_whichever_process_dies_at_whichever_point(
    story: str, seed: int, part: int, record_property: Record
) -> None:
    operations = tell(STORIES[story], seed)
    assert len(operations) >= FEWEST_POINTS[story]
    mine = deaths(operations)[part::PARTS]
    if not SOAK_SEEDS:
        mine = mine[:: 60 if seed else 1 if story == SHORT else 36]
    explore(story, seed, mine)
    record_property(f"{EXPLORED}points, {story}", len(operations[part::PARTS]))
    record_property(f"{EXPLORED}deaths, {story}", len(mine))


@stories
@parts
@pytest.mark.parametrize("seed", range(SEEDS_OF_LIVING_ON))
def test_nothing_is_lost_whichever_operation_is_not_answered(
    story: str, seed: int, part: int, record_property: Record
) -> None:
    """The database is away for one operation, which has taken effect or not; its process lives on."""
    explore(story, seed, mine := cuts(tell(STORIES[story], seed))[part :: PARTS * EVERY])
    record_property(f"{EXPLORED}cuts, {story}", len(mine))


@stories
@parts
@pytest.mark.parametrize("seed", range(SEEDS_OF_LIVING_ON))
def test_nothing_is_lost_wherever_a_process_is_stopped_for_longer_than_a_lease(
    story: str, seed: int, part: int, record_property: Record
) -> None:
    explore(story, seed, mine := sleeps(tell(STORIES[story], seed))[part :: PARTS * EVERY])
    record_property(f"{EXPLORED}sleeps, {story}", len(mine))


@stories
def test_a_seed_tells_the_same_story_again(story: str) -> None:
    assert [told(one) for one in tell(STORIES[story], 3)] == [told(one) for one in tell(STORIES[story], 3)]
    assert [told(one) for one in tell(STORIES[story], 3)] != [told(one) for one in tell(STORIES[story], 4)]


def told(operation: Operation) -> str:
    return operation.told()
