"""How much is tried: a little, always the same; with PRESSRUN_TEST_FUZZ_TIMES so many times that, and at random."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("PRESSRUN_TEST_FUZZ_TIMES", "0"))


def tried(examples: int) -> settings:
    return settings(
        max_examples=examples * max(1, TIMES),
        derandomize=not TIMES,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
