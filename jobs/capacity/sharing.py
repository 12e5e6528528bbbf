"""How much of a capacity that all share one bulk gets, and for how long: what others do before and beside it (spec §5).

Pure functions. Work flows like water here: whose turn it is from job to job evens out, and nothing is said of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

NOTHING = 1e-9
MOST_STEPS = 200


@dataclass(frozen=True)
class Others:
    """What somebody else still has to run: `jobs`, `seconds` each, `rows` at once at most. `weight` is their tenant's;
    None: they are of the same tenant and go first."""

    jobs: float
    seconds: float
    rows: float
    weight: float | None = None


@dataclass(frozen=True)
class Capacity:
    """How many jobs may run at once: in all (None: as many as there are), of the tenant, of the bulk (`rows`)."""

    rows: float
    in_all: float | None = None
    of_tenant: float | None = None
    weight: float = 1.0


@dataclass(frozen=True)
class Phase:
    """For so many seconds the bulk has so many places; the last phase has no end (None)."""

    seconds: float | None
    places: float


def phases(capacity: Capacity, job_seconds: float, others: Sequence[Others]) -> list[Phase]:
    """What there is for a bulk whose jobs take so long. Empty where it never gets anything."""
    left = [other for other in others if other.jobs > NOTHING and other.rows > NOTHING]
    found: list[Phase] = []
    for _ in range(MOST_STEPS):
        places, theirs = _shares(capacity, job_seconds, left)
        ends = [other.jobs * other.seconds / share for other, share in zip(left, theirs, strict=True) if share > 0]
        if not ends:
            break
        step = min(ends)
        found.append(Phase(step, places))
        done = [share * step / other.seconds for other, share in zip(left, theirs, strict=True)]
        left = [replace(other, jobs=other.jobs - gone) for other, gone in zip(left, done, strict=True)]
        left = [other for other in left if other.jobs > NOTHING * max(1.0, other.seconds)]
    return [*found, Phase(None, _shares(capacity, job_seconds, left)[0])]


def seconds_with(work: float, rows: float, course: Sequence[Phase]) -> float:
    """How long that takes in these phases which would take `work` seconds with all `rows` to itself."""
    passed = 0.0
    for phase in course:
        speed = phase.places / rows
        if phase.seconds is None or work <= speed * phase.seconds:
            return passed + work / max(speed, NOTHING)
        work -= speed * phase.seconds
        passed += phase.seconds
    return passed + work


def _shares(capacity: Capacity, job_seconds: float, others: Sequence[Others]) -> tuple[float, list[float]]:
    """The places of the bulk, and of each of the others."""
    elders = [other for other in others if other.weight is None]
    wanted = sum(elder.rows for elder in elders) + capacity.rows
    if capacity.of_tenant is not None:
        wanted = min(wanted, capacity.of_tenant)
    # Turns are counted in jobs: who has longer ones holds places for longer.
    claims = [(wanted, capacity.weight * job_seconds)]
    claims += [(other.rows, other.weight * other.seconds) for other in others if other.weight is not None]
    granted = _filled(capacity.in_all, claims)
    mine, rivals = granted[0], iter(granted[1:])
    shares = []
    for other in others:
        share = min(other.rows, mine) if other.weight is None else next(rivals)
        mine -= share if other.weight is None else 0.0
        shares.append(share)
    return min(mine, capacity.rows), shares


def _filled(in_all: float | None, claims: Sequence[tuple[float, float]]) -> list[float]:
    """Each gets what it wants, or its weighted part of what the modest ones leave."""
    if in_all is None:
        return [wanted for wanted, _ in claims]
    granted = [0.0] * len(claims)
    left, hungry = in_all, list(range(len(claims)))
    while hungry and left > NOTHING:
        level = left / sum(claims[place][1] for place in hungry)
        modest = [place for place in hungry if claims[place][0] <= level * claims[place][1]]
        if not modest:
            for place in hungry:
                granted[place] = level * claims[place][1]
            break
        for place in modest:
            granted[place] = claims[place][0]
            left -= claims[place][0]
        hungry = [place for place in hungry if place not in modest]
    return granted
