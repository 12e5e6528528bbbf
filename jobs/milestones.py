"""At which ends of its jobs a bulk has something to tell: percentages, and the end. Pure arithmetic over counts.

A percentage is of jobs that have ended, however they did, so that one with failures still comes to 99.
"""

from __future__ import annotations

from collections.abc import Sequence


def reached(ended: int, total: int) -> int:
    """Of a hundred, rounded down: all of it only at the end."""
    return 100 * ended // total


def crossed(chosen: Sequence[int], told: int, ended: int, total: int) -> list[int]:
    """Those of the chosen percentages that are reached, and above the one up to which all is told."""
    return [percent for percent in sorted(chosen) if told < percent <= reached(ended, total)]


def ends_until(chosen: Sequence[int], told: int, ended: int, total: int) -> int:
    """With the how manieth end from now there is something to tell; 0 where none is left."""
    needed = [-(-percent * total // 100) - ended for percent in chosen if percent > told]
    return min([total - ended, *(ends for ends in needed if ends > 0)])
