"""What can happen to a process, and where: named so that the same seed finds it again."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Fate(StrEnum):
    """What happens to a process at a point: it dies, is told that the database does not answer, or sleeps long."""

    DIES_BEFORE = "dies before"
    DIES_HALFWAY = "dies halfway"
    DIES_AFTER = "dies after"
    CUT_BEFORE = "is cut off before"
    CUT_AFTER = "is cut off after"
    SLEEPS_BEFORE = "sleeps before"
    SLEEPS_AFTER = "sleeps after"


CUTS = (Fate.CUT_BEFORE, Fate.CUT_AFTER)


class Point(NamedTuple):
    """One operation of a run, by name; the same seed finds it again."""

    process: str
    operation: str
    occurrence: int

    def __str__(self) -> str:
        return f"{self.process} / {self.operation} / {self.occurrence}"
