"""What a process has used so far: processor time and memory, as Linux tells in /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Usage:
    cpu_seconds: float
    resident_mb: float
    peak_mb: float


def usage_of(pid: int) -> Usage:
    """Raises `OSError` where there is no such process, or no /proc."""
    folder = Path(f"/proc/{pid}")
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    sizes = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines() if ":" in line)
    return Usage(
        cpu_seconds=ticks / os.sysconf("SC_CLK_TCK"),
        resident_mb=int(sizes["VmRSS"].split()[0]) / 1024,
        peak_mb=int(sizes["VmHWM"].split()[0]) / 1024,
    )
