"""The simulation sees what it is there to see: the protocol with any one guard taken away breaks in it.

Run by `scripts/soak`: some guards are missed at once, others only where something happens at the right moment.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.crash.exploring import STORIES, Case, cuts, deaths, sleeps, tell
from tests.crash.mutations import MUTATIONS

SOAK_SEEDS = int(os.environ.get("PRESSRUN_TEST_SOAK_SEEDS", "0"))
SEEDS = 4
STEP = 7
"""Of the cases of a seed every so many are told, others of each seed."""


@pytest.mark.skipif(not SOAK_SEEDS, reason="takes minutes of a processor: scripts/soak")
@pytest.mark.parametrize("name", MUTATIONS)
def test_a_guard_that_is_taken_away_is_missed(name: str) -> None:
    with MUTATIONS[name]():
        for story, seed, case in lives():
            try:
                tell(STORIES[story], seed, {case.point: case.fate} if case else None)
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                return
    pytest.fail(f"{name}, and nothing in the simulation breaks")


def lives() -> Iterator[tuple[str, int, Case | None]]:
    """The cheapest first: as nothing happens, then with deaths, sleeps and cuts."""
    for seed in range(SEEDS):
        for story in STORIES:
            yield story, seed, None
    for seed in range(SEEDS):
        for cases in (deaths, sleeps, cuts):
            for story in STORIES:
                for case in cases(tell(STORIES[story], seed))[seed::STEP]:
                    yield story, seed, case
