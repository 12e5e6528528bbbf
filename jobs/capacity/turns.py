"""Whose turn it is: the tenants that have work, in the order they are to be served (spec §5). Pure functions.

A tenant's `turn` is how far its served jobs have brought it: each job moves it on by one through its weight. The one
that is least far is next. One that comes back after a rest is moved up to where the others were before their last job:
it is served next, and has no claim to what it left unused.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Standing:
    tenant: str
    weight: float
    turn: float

    @property
    def stride(self) -> float:
        return 1 / self.weight


def fairly(standings: Iterable[Standing]) -> list[Standing]:
    """In the order they are to be served, each where its `turn` ought to be."""
    them = list(standings)
    if not them:
        return []
    reached = max(one.turn - one.stride for one in them)
    moved = [Standing(one.tenant, one.weight, max(one.turn, reached)) for one in them]
    return sorted(moved, key=lambda one: (one.turn, one.tenant))
