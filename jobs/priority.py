"""What makes one bulk go before another of the same tenant: a person's word, or points for its items (spec §5).

A priority is turned into a rank, a moment: the lower, the sooner. Each step up is worth a quarter of an hour of
waiting, so that what waits long enough comes before whatever is newer. No queue is read here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any

STEP = timedelta(minutes=15)
MOST_STEPS = 100
NEUTRAL_POINTS = 10


class Priority(IntEnum):
    LOW = 1
    NORMAL = 2
    HIGH = 3


def rank(created_at: datetime, steps: float) -> datetime:
    """`steps` is a `Priority`, or any number that a person gave."""
    return created_at - steps * STEP


def named(steps: float) -> Priority:
    """The name under which any number of steps is counted."""
    return Priority.HIGH if steps >= Priority.HIGH else Priority.NORMAL if steps >= Priority.NORMAL else Priority.LOW


def computed(items: Iterable[Mapping[str, Any]], deadline: datetime | None, now: datetime) -> Priority:
    """That of the bulk's item with the most points."""
    most = max((points(item.get("metadata") or {}) for item in items), default=0)
    total = most + points_for_deadline(deadline, now)
    return Priority.HIGH if total >= 70 else Priority.NORMAL if total >= 40 else Priority.LOW


def points(metadata: Mapping[str, Any]) -> int:
    """What is not told counts as the least that can be."""
    return (
        _over(metadata.get("sku_count"), {1000: 30, 100: 20})
        + _over(metadata.get("monthly_searches"), {10_000: 30, 1000: 20})
        + {"missing": 20, "outdated": 10}.get(metadata.get("content_status") or "", 0)
    )


def points_for_deadline(deadline: datetime | None, now: datetime) -> int:
    """One that is past counts as one that is near."""
    if deadline is None:
        return 0
    left = deadline - now
    return 30 if left < timedelta(hours=24) else 20 if left < timedelta(hours=72) else 0


def _over(count: int | None, steps: Mapping[int, int]) -> int:
    reached = [worth for bound, worth in steps.items() if count is not None and count > bound]
    return max(reached, default=NEUTRAL_POINTS)
