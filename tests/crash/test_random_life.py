"""Lives that hypothesis makes up, each from its beginning to the rest at its end; the invariants after every step."""

from __future__ import annotations

import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.crash.conftest import EXPLORED
from tests.crash.exploring import Record
from tests.crash.random_life import RandomLife

SOAK_SEEDS = int(os.environ.get("PRESSRUN_TEST_SOAK_SEEDS", "0"))
PARTS = 4 + SOAK_SEEDS
LIVES = 40


@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_happens_in_a_life_nothing_is_lost(part: int, record_property: Record) -> None:
    """A failing life is told step by step, and is the same each time."""
    profile = settings(
        max_examples=LIVES,
        stateful_step_count=40,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        report_multiple_bugs=False,
    )

    @seed(part)
    class Life(RandomLife):
        """Of its own for each part, as seed and counts are kept with the class."""

        seen = Counter[str]()

    run_state_machine_as_test(Life, settings=profile)
    for what, count in Life.seen.items():
        record_property(f"{EXPLORED}{what}", count)
    assert Life.seen["lives"] >= LIVES
    assert Life.seen["lives with a generator call"] > LIVES / 2
    assert Life.seen["lives with a worker that died, slept or was cut off"] > LIVES / 5
