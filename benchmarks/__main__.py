"""Runs benchmarks by name, prints a table, writes JSON. `scripts/benchmark --help` says how."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import json
import os
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.bench import Bench
from benchmarks.figures import Figures, row

NAMES = (
    "throughput",
    "pickup",
    "claim",
    "idle",
    "create",
    "memory",
    "recovery",
    "api",
    "fairness",
    "parallel",
    "rate",
    "cap_storm",
    "many_bulks",
    "outage",
    "stages",
    "blogs",
    "formats",
    "boundaries",
    "pages",
    "estimates",
    "foretold",
    "streams",
    "next_proxy",
    "notices",
    "auth",
    "scale",
)
URI = "PRESSRUN_TEST_MONGODB_URI"
Benchmark = Callable[[Bench], Figures]


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/benchmark", description="Measure Pressrun on a MongoDB server.")
    parser.add_argument("name", nargs="*", help=f"one or more of {', '.join(NAMES)}; none: all of them")
    parser.add_argument("--uri", default=os.environ.get(URI), help=f"the server ({URI}); databases are its own")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all figures to this file")
    parser.add_argument("--quick", action="store_true", help="a tenth of the size: to see that it works")
    parser.add_argument("--seconds", type=float, help="how long rate, cap_storm and outage go on, each")
    given = parser.parse_args()
    if unknown := set(given.name) - set(NAMES):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    if not given.uri:
        parser.error(f"name a server with --uri or {URI}")
    asyncio.run(_run_all(given.name or list(NAMES), given.uri, given.json, given.quick, given.seconds))


async def _run_all(names: list[str], uri: str, file: Path | None, quick: bool, seconds: float | None) -> None:
    told: dict[str, Any] = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "quick": quick, "benchmarks": {}}
    with tempfile.TemporaryDirectory(prefix="pressrun-bench-") as folder:
        bench = Bench(uri, Path(folder), file.resolve().parent if file else None, quick, seconds)
        for name in names:
            told["benchmarks"][name] = await _run_one(name, bench)
            if file is not None:
                file.write_text(json.dumps(told, indent=1) + "\n")  # what is measured is kept, whatever comes next


async def _run_one(name: str, bench: Bench) -> dict[str, Any]:
    run: Benchmark = importlib.import_module(f"benchmarks.{name}").run
    machine = await bench.machine()
    facts = ", ".join(f"{fact} {value}" for fact, value in machine.items())
    print(f"\n{name}   ({facts})", flush=True)
    began = time.monotonic()
    figures = []
    async with contextlib.aclosing(run(bench)) as measuring:
        async for figure in measuring:
            print(row(figure), flush=True)
            figures.append(figure.as_json())
    return {"machine": machine, "seconds": round(time.monotonic() - began, 1), "figures": figures}


if __name__ == "__main__":
    main()
