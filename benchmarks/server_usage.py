"""Processor time that a database server has used: as it tells, or as Linux tells of its processes on this machine."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.bench import Client

PROCESSES = "BENCH_SERVER_PIDS"
TICK = 1 / os.sysconf("SC_CLK_TCK")


async def server_cpu_seconds(client: Client) -> float | None:
    """Of a `mongod` by `serverStatus`; else of the processes that `BENCH_SERVER_PIDS` names (with commas), and
    of all that these have started. None where neither tells. Who else uses that server is in it."""
    told = (await client.admin.command("serverStatus")).get("extra_info", {})
    if "user_time_us" in told:
        return float(told["user_time_us"] + told["system_time_us"]) / 1e6
    named = os.environ.get(PROCESSES, "")
    roots = [int(pid) for pid in named.split(",") if pid]
    return _ticks(roots) * TICK if roots else None


def _ticks(roots: list[int]) -> int:
    """Those that have ended are counted by who has started them."""
    parents, used = {}, {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile
        pid = int(folder.name)
        parents[pid] = int(fields[1])
        used[pid] = sum(map(int, fields[11:15]))
    return sum(ticks for pid, ticks in used.items() if _is_under(pid, parents, roots))


def _is_under(pid: int, parents: dict[int, int], roots: list[int]) -> bool:
    while pid in parents:
        if pid in roots:
            return True
        pid = parents[pid]
    return False
