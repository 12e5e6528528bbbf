"""When a delivery that was not taken is tried again. Nothing is stored or sent here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

WAITS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
)
"""After the first try, the second, and so on (spec §9: over a day); after the last comes one more try."""

MOST_TRIES = len(WAITS) + 1
SPREAD = 0.1
MOST_ASKED_FOR = timedelta(hours=24)


def wait_after(tries: int, asked_for: timedelta | None, roll: Callable[[], float]) -> timedelta | None:
    """How long to wait after so many tries; None where that was the last.

    Longer by up to a tenth, as `roll` (0 to 1) has it, so that what failed together does not come back together. A
    recipient that asked for more time gets it, up to a day.
    """
    if tries >= MOST_TRIES:
        return None
    wait = max(WAITS[max(tries, 1) - 1], min(asked_for or timedelta(0), MOST_ASKED_FOR))
    return wait * (1 + SPREAD * roll())
