"""The tables of docs/scale.md, out of what was measured: Markdown, and nothing that is not computed.

`python -m benchmarks.scaling.tables FILE` prints them, of a `scale_measured.json`; without FILE of the one in the docs.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.scaling.model import DAY, Fleet, Measured, at, connections_of, measured_of, needs, strains, total
from benchmarks.scaling.races import Play, played
from worker.upkeep import AUDITED

KEPT = Path(__file__).parents[2] / "docs" / "scale_measured.json"
FLEETS = ((1, 1), (100, 1), (200, 50), (10_000, 1))
HELD = (1_000_000, 100_000_000)
BULKS_OF = 50
SERVER_CORES = 16
COMMAND_MS = 1.0
MOST_SHOWN = 6
SHOWN_FROM = 0.2
Rows = Iterator[Sequence[str]]


def tables(told: Mapping[str, Any]) -> dict[str, str]:
    """By the name under which the page shows it."""
    costs = measured_of(told)
    made: dict[str, tuple[Sequence[str], Rows]] = {
        "deeds": (
            ("what", "who", "every", "commands, nothing live", "commands, 100 live", "ms: 0 live", *DEED_POINTS),
            _deeds(costs),
        ),
        "jobs": (("pipeline", "commands a job", "server ms a job", "bytes written a job"), _jobs(costs)),
        "growing": (("what grows", "how many", "server ms", "ms until the answer"), _growing(costs)),
        "fleets": (
            ("workers", "slots each", "they are", "jobs a day", "operations a second", "server cores",
             "with longer pauses", "connections", "written a day"),
            _fleets(costs),
        ),
        "kinds": (("what", "operations a second", "server cores", "with longer pauses"), _kinds(costs)),
        "strains": (("workers", "jobs waiting", "what", "needs", "there is", "times", "then"), _strains(costs)),
        "races": (
            ("claim at once", "tenants", "cap", "given back", "as played", "commands a job", "ms a claim"),
            _races(told["races"]),
        ),
        "sizes": (("one of", "as BSON", "on this server's disk", "its indexes there", "their keys"), _sizes(told)),
        "held": (
            ("jobs held", "documents", "keys of the indexes", "keys that 100 workers add a day", "`pressrun verify`"),
            _held(told, costs),
        ),
        "routes": (("command", "its filter names", "`shard`", "`_id`", "`bulk_job_id`", "`userId`"), _routes(told)),
    }  # fmt: skip
    return {name: _table(head, rows) for name, (head, rows) in made.items()}


DEED_POINTS = ("100", "1,000", "10,000")


def _deeds(costs: Measured) -> Rows:
    for name, deed in costs.deeds.items():
        some = at(deed.by_live, 100)
        times = [_number(at(deed.by_live, live).cpu_ms) for live in (0, 100, 1_000, 10_000)]
        yield (
            name, deed.who, f"{deed.every:g} s", _number(at(deed.by_live, 0).operations), _number(some.operations),
            *times,
        )  # fmt: skip


def _jobs(costs: Measured) -> Rows:
    for pipeline, cost in costs.jobs.items():
        yield f"`{pipeline}`", _number(cost.operations), _number(cost.cpu_ms), _number(cost.written)


def _growing(costs: Measured) -> Rows:
    for what, points in (
        ("bulks waiting: the short list", costs.lists),
        ("running jobs that a cap counts", costs.caps),
    ):
        for count, cost in sorted(points.items()):
            yield what, _number(count), _number(cost.cpu_ms), _number(cost.wall_ms)


def _fleets(costs: Measured) -> Rows:
    for workers, slots in FLEETS:
        for busy in (False, True):
            fleet = Fleet(workers, slots, busy=busy)
            whole = total(list(needs(fleet, costs)))
            spared = total(list(needs(fleet.sparing, costs)))
            yield (
                _number(workers),
                _number(slots),
                "busy" if busy else "idle",
                _number(fleet.jobs_a_second * DAY),
                _number(whole.operations),
                _number(whole.cores),
                _number(spared.cores),
                _number(connections_of(fleet, costs)),
                _bytes(whole.written * DAY),
            )


def _kinds(costs: Measured) -> Rows:
    fleet = Fleet(10_000)
    sparing = {need.name: need for need in needs(fleet.sparing, costs)}
    parts = sorted(needs(fleet, costs), key=lambda need: -need.cores)
    for need in parts[:MOST_SHOWN]:
        yield need.name, _number(need.operations), _number(need.cores), _number(sparing[need.name].cores)
    rest = total(parts[MOST_SHOWN:])
    spared = total([sparing[need.name] for need in parts[MOST_SHOWN:]])
    yield "all else", _number(rest.operations), _number(rest.cores), _number(spared.cores)


def _strains(costs: Measured) -> Rows:
    for workers, slots in FLEETS:
        told: dict[str, float] = {}
        for held in HELD:
            fleet = Fleet(workers, slots, waiting=held // BULKS_OF)
            found = strains(fleet, costs, SERVER_CORES, COMMAND_MS)
            for strain in [one for one in found if one.share >= SHOWN_FROM] or found[:1]:
                if told.get(strain.name) == strain.share:
                    continue  # it does not depend on what waits
                told[strain.name] = strain.share
                yield (
                    _named(fleet), _number(held), strain.name, f"{_number(strain.needs)} {strain.unit}".strip(),
                    f"{_number(strain.has)} {strain.unit}".strip(), f"{strain.share:,.2f}", strain.remedy,
                )  # fmt: skip


def _races(races: Sequence[Mapping[str, Any]]) -> Rows:
    for race in races:
        play = Play(race["claimers"], race["tenants"], 0.0, COMMAND_MS / 1000)
        foretold = played(play, random.Random(1)).lost
        yield (
            _number(race["claimers"]), _number(race["tenants"]), _number(race["cap"]) if race["cap"] else "off",
            f"{100 * race['lost']:.0f} %", f"{100 * foretold:.0f} %", _number(race["commands"]),
            _number(race["claim_ms"]),
        )  # fmt: skip


def _sizes(told: Mapping[str, Any]) -> Rows:
    for name, size in _largest(told).items():
        indexes = sum(size["indexes"].values())
        yield f"`{name}`", *(_bytes(value) for value in (size["document"], size["stored"], indexes, size["keys"]))


def _held(told: Mapping[str, Any], costs: Measured) -> Rows:
    sizes = _largest(told)
    jobs, bulks = sizes["generation_jobs"], sizes["bulk_jobs"]
    for held in HELD:
        documents = held * jobs["document"] + held / BULKS_OF * bulks["document"]
        keys = held * jobs["keys"] + held / BULKS_OF * bulks["keys"]
        a_day = Fleet(100).jobs_a_second * DAY * (jobs["keys"] + bulks["keys"] / BULKS_OF)
        recount = held / BULKS_OF * at(costs.deeds["audit"].by_live, 1_000).wall_ms / AUDITED / 3_600_000
        yield _number(held), _bytes(documents), _bytes(keys), _bytes(min(a_day, keys)), f"{_number(recount)} h"


def _routes(told: Mapping[str, Any]) -> Rows:
    for way in told["routes"]["article"]:
        kind = f"{way['command']}{' (one)' if way['writes_one'] else ''}"
        names = ", ".join(f"`{field}`" for field in way["fields"]) or "nothing"
        yield kind, names, *(way["reach"].get(key, "") for key in ("shard", "_id", "bulk_job_id", "userId"))


def _largest(told: Mapping[str, Any]) -> Mapping[str, Any]:
    sizes: Mapping[str, Any] = told["sizes"][max(told["sizes"], key=int)]
    return sizes


def _table(head: Sequence[str], rows: Rows) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _named(fleet: Fleet) -> str:
    return _number(fleet.workers) + (f" of {fleet.slots} slots" if fleet.slots > 1 else "")


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    show: Callable[[float], str] = (lambda one: f"{one:,.0f}") if value >= 100 else (lambda one: f"{one:.3g}")
    return show(value)


def _bytes(value: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} TB"


if __name__ == "__main__":
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else KEPT
    for name, table in tables(json.loads(file.read_text())).items():
        print(f"<!-- {name} -->\n{table}")
