"""What a fleet asks of its database, and what of that is the first to be too much: computed from what was measured.

Nothing is measured here. What lies between two measured points is on the line between them; beyond them it goes on as
between the last two.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.scaling.costs import Cost, cost_of
from benchmarks.scaling.races import Play, played
from jobs.capacity.scopes import MOST_CALLS
from jobs.storage.mongo import OPERATION_MS

Points = Mapping[int, Cost]
DAY = 86_400
CONNECTIONS = 51_200
"""Of a `mongod` that may open 64,000 files: it takes four in five for connections."""

DOCUMENT_MB = 16.0
ANSWER_SECONDS = OPERATION_MS / 1000
"""Who waits longer takes its server for lost."""

LONGEST_POLL_SECONDS = 10.0
LONGEST_SWEEP_SECONDS = 60.0


@dataclass(frozen=True)
class Fleet:
    """`live` are bulks of which a job runs; `waiting`, bulks of which one may start. `members`: of the replica set."""

    workers: int
    slots: int = 1
    job_seconds: float = 180.0
    busy: bool = True
    services: int = 2
    tenants: int = 50
    waiting: int = 0
    members: int = 3
    poll_seconds: float = 1.0
    sweep_seconds: float = 5.0

    @property
    def sparing(self) -> Fleet:
        """With pauses as long as a fleet of its size bears, and the settings allow: together it still polls a hundred
        times a second or more, and sweeps ten times."""
        poll = min(max(self.poll_seconds, self.workers / 100), LONGEST_POLL_SECONDS)
        sweep = min(max(self.sweep_seconds, self.workers / 10), LONGEST_SWEEP_SECONDS)
        return replace(self, poll_seconds=poll, sweep_seconds=sweep)

    @property
    def live(self) -> int:
        return self.workers * self.slots if self.busy else 0

    @property
    def jobs_a_second(self) -> float:
        return self.live / self.job_seconds


@dataclass(frozen=True)
class Need:
    """What one kind of deed asks for, by all who do it together. `cores` are the server's."""

    name: str
    operations: float
    cores: float
    written: float


@dataclass(frozen=True)
class Strain:
    """`share`: how much of what there is is used; above 1 it does not work, or not as it should."""

    name: str
    needs: float
    has: float
    unit: str
    remedy: str

    @property
    def share(self) -> float:
        return self.needs / self.has


@dataclass(frozen=True)
class DeedCosts:
    who: str
    every: float
    by_live: Points


@dataclass(frozen=True)
class Measured:
    deeds: Mapping[str, DeedCosts]
    looks: Points
    lists: Points
    caps: Points
    jobs: Mapping[str, Cost]
    connections: Mapping[str, int]


def measured_of(told: Mapping[str, Any]) -> Measured:
    """What `scripts/benchmark scale` wrote."""
    deeds = {
        name: DeedCosts(deed["who"], deed["every"], _points(deed["by_live"])) for name, deed in told["deeds"].items()
    }
    jobs = {name: cost_of(cost) for name, cost in told["jobs"].items()}
    looks, lists, caps = (_points(told[name]) for name in ("looks", "lists", "caps"))
    return Measured(deeds, looks, lists, caps, jobs, told["connections"])


def needs(fleet: Fleet, costs: Measured, pipeline: str = "article") -> Iterator[Need]:
    """A second, kind by kind."""
    for name, deed in costs.deeds.items():
        a_second = _doers(fleet, deed.who) / _every(fleet, name, deed.every)
        looks_at_all_it_runs = name == "look for wishes"
        yield _need(
            name, a_second, at(costs.looks, fleet.slots) if looks_at_all_it_runs else at(deed.by_live, fleet.live)
        )
    yield _need("short list", fleet.jobs_a_second, at(costs.lists, fleet.waiting))
    yield _need("jobs", fleet.jobs_a_second, costs.jobs[pipeline])


def total(parts: Sequence[Need]) -> Need:
    return Need(
        "all",
        sum(part.operations for part in parts),
        sum(part.cores for part in parts),
        sum(part.written for part in parts),
    )


def strains(fleet: Fleet, costs: Measured, server_cores: float, command_ms: float) -> list[Strain]:
    """The worst first. `command_ms` is how long a command takes a worker."""
    whole = total(list(needs(fleet, costs)))
    play = Play(fleet.workers * fleet.slots, fleet.tenants, fleet.job_seconds, command_ms / 1000)
    lost = played(play, random.Random(1)).lost if fleet.busy else 0.0
    list_seconds = at(costs.lists, fleet.waiting).wall_ms / 1000
    calls = 60 * fleet.jobs_a_second
    on_the_cap = fleet.jobs_a_second * (at(costs.caps, fleet.live).cpu_ms or 0.0) / 1000
    found = [
        Strain("the server's processor", whole.cores, server_cores, "cores", "longer pauses, then another shard"),
        Strain("connections", connections_of(fleet, costs), CONNECTIONS, "", "more `SLOTS` in fewer workers"),
        Strain("the one document of `max_running`, if set", on_the_cap, 1.0, "cores", "`max_running off`"),
        Strain("reading the short list", list_seconds, ANSWER_SECONDS, "s", "fewer, larger bulks; code"),
        Strain("calls a minute of a generator's rate", calls, MOST_CALLS, "", "`requests_per_minute off`"),
        Strain("reservations given back for a turn", lost, 0.5, "", "a short way to the server; code"),
    ]
    return sorted(found, key=lambda strain: -strain.share)


def at(points: Points, where: float) -> Cost:
    """A cost between and beyond the measured ones, never less than the least measured."""
    known = sorted(points)
    if len(known) == 1 or where <= known[0]:
        return points[known[0]]
    after = next((number for number, point in enumerate(known) if point >= where), len(known) - 1)
    low, high = known[after - 1], known[after]
    share = (where - low) / (high - low)
    one, other = points[low], points[high]
    names = one.commands.keys() | other.commands.keys()
    floor = points[known[0]]
    cpu = None
    if one.cpu_ms is not None and other.cpu_ms is not None:
        cpu = max(_between(one.cpu_ms, other.cpu_ms, share), floor.cpu_ms or 0.0)
    return Cost(
        # how many commands there are depends on whether there is anything, and grows no more
        {name: _between(one.commands.get(name, 0), other.commands.get(name, 0), min(share, 1.0)) for name in names},
        cpu,
        max(_between(one.wall_ms, other.wall_ms, share), floor.wall_ms),
        _between(one.written, other.written, min(share, 1.0)),
    )


def _between(low: float, high: float, share: float) -> float:
    return low + (high - low) * share


def _need(name: str, a_second: float, cost: Cost) -> Need:
    return Need(
        name, a_second * cost.operations, a_second * (cost.cpu_ms or cost.wall_ms) / 1000, a_second * cost.written
    )


def _doers(fleet: Fleet, who: str) -> int:
    match who:
        case "a worker with a free slot":
            return 0 if fleet.busy else fleet.workers
        case "a worker that runs jobs":
            return fleet.workers if fleet.busy else 0
        case "each worker":
            return fleet.workers
        case _:
            return fleet.services


def _every(fleet: Fleet, name: str, every: float) -> float:
    return {"idle poll": fleet.poll_seconds, "sweep": fleet.sweep_seconds}.get(name, every)


def connections_of(fleet: Fleet, costs: Measured) -> float:
    """To the primary: each process has its pool there and two that watch it. Those to the others only watch."""
    told = costs.connections
    each = told["worker, idle"]
    if fleet.busy:
        more = (told["worker, 10 running"] - told["worker, 1 running"]) / 9
        each = round(told["worker, 1 running"] + more * (fleet.slots - 1))
    return fleet.workers * each + fleet.services * told["service, idle"]


def _points(told: Mapping[str, Any]) -> Points:
    return {int(point): cost_of(cost) for point, cost in told.items()}
