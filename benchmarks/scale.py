"""What a worker, a service and a job cost as the system grows, and what fleets of 1, 100 and 10,000 workers then need.

The figures are written beside the JSON file (`scale_measured.json`): what docs/scale.md says is computed from them.
"""

from __future__ import annotations

import json
from typing import Any

from benchmarks.bench import Bench
from benchmarks.commands import CommandListener
from benchmarks.figures import Figure, Figures
from benchmarks.scaling import measuring
from benchmarks.scaling.costs import Cost

SIZES = (30_000, 100_000)


async def run(bench: Bench) -> Figures:
    listener = CommandListener()
    told: dict[str, Any] = {
        "machine": await bench.machine(),
        "deeds": {},
        "looks": {},
        "lists": {},
        "caps": {},
        "jobs": {},
    }
    async for deed, live, cost in measuring.of_deeds(bench, listener):
        kept = told["deeds"].setdefault(deed.name, {"who": deed.who, "every": deed.every.total_seconds()})
        kept.setdefault("by_live", {})[str(live)] = cost.as_json()
        yield _figure(f"{deed.name}, {live:,} bulks live", cost)
    async for running, cost in measuring.of_looks(bench, listener):
        told["looks"][str(running)] = cost.as_json()
        yield _figure(f"look for wishes, {running:,} jobs run", cost)
    async for waiting, cost in measuring.of_lists(bench, listener):
        told["lists"][str(waiting)] = cost.as_json()
        yield _figure(f"short list, {waiting:,} bulks waiting", cost)
    async for places, cost in measuring.of_caps(bench, listener):
        told["caps"][str(places)] = cost.as_json()
        yield _figure(f"claim and end, {places:,} counted by the cap", cost)
    async for pipeline, cost, ways in measuring.of_jobs(bench, listener):
        told["jobs"][pipeline] = cost.as_json()
        told.setdefault("routes", {})[pipeline] = [
            {"command": way.command, "fields": way.fields, "writes_one": way.writes_one, "times": times}
            | {"reach": {" ".join(key): reach for key, reach in way.reach.items()}}
            for way, times in measuring.reaches(ways)
        ]
        yield _figure(f"a job of {pipeline}", cost)
    told["races"] = []
    async for race in measuring.of_races(bench, listener):
        told["races"].append(race.as_json())
        what = f"{race.claimers} claim at once, {race.tenants} tenants, cap {race.cap or 'off'}"
        note = f"{100 * race.empty:.0f} % found nothing, {race.commands:.1f} commands a job, {race.jobs} jobs"
        yield Figure(f"{what}: reservations given back", 100 * race.lost, "%", note=note)
    told["connections"] = await measuring.of_connections(bench)
    for what, count in told["connections"].items():
        yield Figure(f"connections of a {what}", count, "")
    told["sizes"] = {}
    async for jobs, sizes in measuring.of_sizes(bench, SIZES):
        told["sizes"][str(jobs)] = {name: size.as_json() for name, size in sizes.items()}
        for name, size in sizes.items():
            note = f"on disk {size.stored:,.0f}, indexes {sum(size.indexes.values()):,.0f}, their keys {size.keys:,.0f}"
            yield Figure(f"{jobs:,} jobs: one of {name}, as BSON", size.document, "bytes", note=note)
    if bench.output is not None:
        (bench.output / "scale_measured.json").write_text(json.dumps(told, indent=1) + "\n")


def _figure(what: str, cost: Cost) -> Figure:
    note = f"{cost.operations:.1f} commands, {cost.wall_ms:.1f} ms, {cost.written:,.0f} bytes written"
    return Figure(what, cost.cpu_ms, "ms of CPU", note=note)
