"""What a deed asks of the database each time that it is done: commands, the server's processor time, bytes written."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import bson

from benchmarks.bench import Client
from benchmarks.commands import CommandListener
from benchmarks.server_usage import server_cpu_seconds

WRITES = ("findAndModify", "update", "insert", "delete")
OF_THE_SESSION = ("lsid", "$clusterTime", "txnNumber", "$db", "writeConcern", "ordered")
FEWEST = 5


@dataclass(frozen=True)
class Cost:
    """Of one time. `cpu_ms` is the server's, None where nobody tells it; `written` is in bytes of the commands that
    write: about what the oplog has to keep."""

    commands: Mapping[str, float]
    cpu_ms: float | None
    wall_ms: float
    written: float

    @property
    def operations(self) -> float:
        return sum(self.commands.values())

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def cost_of(told: Mapping[str, Any]) -> Cost:
    return Cost(told["commands"], told["cpu_ms"], told["wall_ms"], told["written"])


async def measured(
    do: Callable[[], Awaitable[object]], listener: CommandListener, client: Client, seconds: float, fewest: int = FEWEST
) -> Cost:
    """Done again and again for so long, and a few times at least."""
    listener.clear()
    sent: list[tuple[str, dict[str, Any]]] = []
    listener.commands = sent
    cpu_before, began, times = await server_cpu_seconds(client), time.monotonic(), 0
    while times < fewest or time.monotonic() - began < seconds:
        await do()
        times += 1
    lasted, cpu = time.monotonic() - began, await server_cpu_seconds(client)
    listener.commands = None
    # what the meter itself asks is not the code's
    names = Counter(name for name, _ in sent if not name.startswith(("serverStatus", "hello")))
    return Cost(
        {name: count / times for name, count in sorted(names.items())},
        (cpu - cpu_before) * 1000 / times if cpu is not None and cpu_before is not None else None,
        lasted * 1000 / times,
        sum(_size(command) for name, command in sent if name.startswith(WRITES)) / times,
    )


def _size(command: Mapping[str, Any]) -> int:
    return len(bson.encode({name: value for name, value in command.items() if name not in OF_THE_SESSION}))
