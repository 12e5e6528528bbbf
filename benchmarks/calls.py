"""The calls that a timed generator saw, and what they tell: how many at once, how many in a time. Nothing is run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass
class Call:
    """Moments are of `time.monotonic`. `left` is None while it is open; `answered`: not dropped or cut."""

    job_id: str
    owner: str
    came: float
    left: float | None = None
    answered: bool = False


def most_open(calls: Iterable[Call]) -> int:
    """The most calls that were open at the same moment."""
    changes = [(call.came, 1) for call in calls]
    changes += [(call.left, -1) for call in calls if call.left is not None]
    most = now_open = 0
    for _, change in sorted(changes):  # who leaves at the moment when another comes has left before
        now_open += change
        most = max(most, now_open)
    return most


def most_within(seconds: float, moments: Sequence[float]) -> int:
    """The most of these moments, in their order, within any such time."""
    most = first = 0
    for last, moment in enumerate(moments):
        while moments[first] <= moment - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def fewest_within(seconds: float, moments: Sequence[float], begin: float, end: float) -> int:
    """The fewest of these moments, in their order, within any such time from `begin` to `end`."""
    starts = [begin, *(moment + 1e-6 for moment in moments)]  # the worst time begins right after one of them
    counts = [
        sum(1 for moment in moments if start <= moment < start + seconds)
        for start in starts
        if begin <= start <= end - seconds
    ]
    return min(counts)


def span(calls: Sequence[Call]) -> float:
    """From the first call to the end of the last, in seconds."""
    return max(call.left for call in calls if call.left is not None) - min(call.came for call in calls)
