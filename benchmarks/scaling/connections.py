"""How many connections a process holds open to the database's port, as Linux tells in /proc."""

from __future__ import annotations

from pathlib import Path

ESTABLISHED = "01"


def connections(pid: int, port: int) -> int:
    """Raises `OSError` where there is no such process, or no /proc."""
    mine = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(entry.readlink())
        except FileNotFoundError:
            continue  # closed meanwhile
        if target.startswith("socket:["):
            mine.add(target[len("socket:[") : -1])
    count = 0
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        is_there = fields[3] == ESTABLISHED and int(fields[2].rpartition(":")[2], 16) == port
        count += is_there and fields[9] in mine
    return count
