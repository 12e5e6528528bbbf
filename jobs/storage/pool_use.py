"""How many connections to MongoDB are open and in use, as the driver tells of them. Nothing is decided here."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from pymongo import monitoring

Address = tuple[str, int | None]


@dataclass(frozen=True)
class Connections:
    """Of the server whose pool is used most; `most` is how many a pool may have."""

    in_use: int
    idle: int
    most: int


class PoolUse(monitoring.ConnectionPoolListener):
    """Each server has a pool of its own, of at most so many connections. May be asked from any thread."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: Counter[Address] = Counter()
        self._in_use: Counter[Address] = Counter()

    @property
    def now(self) -> Connections:
        busiest = max(list(self._open), key=lambda server: self._in_use[server], default=None)
        if busiest is None:
            return Connections(0, 0, self._most)
        in_use = self._in_use[busiest]
        return Connections(in_use, max(0, self._open[busiest] - in_use), self._most)

    def connection_created(self, event: monitoring.ConnectionCreatedEvent) -> None:
        self._open[event.address] += 1

    def connection_closed(self, event: monitoring.ConnectionClosedEvent) -> None:
        self._open[event.address] -= 1

    def connection_checked_out(self, event: monitoring.ConnectionCheckedOutEvent) -> None:
        self._in_use[event.address] += 1

    def connection_checked_in(self, event: monitoring.ConnectionCheckedInEvent) -> None:
        self._in_use[event.address] -= 1

    def pool_created(self, event: monitoring.PoolCreatedEvent) -> None:
        """Nothing."""

    def pool_ready(self, event: monitoring.PoolReadyEvent) -> None:
        """Nothing."""

    def pool_cleared(self, event: monitoring.PoolClearedEvent) -> None:
        """Nothing: each connection is told of when it is closed."""

    def pool_closed(self, event: monitoring.PoolClosedEvent) -> None:
        """Nothing, as above."""

    def connection_ready(self, event: monitoring.ConnectionReadyEvent) -> None:
        """Nothing: it is counted since it was made."""

    def connection_check_out_started(self, event: monitoring.ConnectionCheckOutStartedEvent) -> None:
        """Nothing."""

    def connection_check_out_failed(self, event: monitoring.ConnectionCheckOutFailedEvent) -> None:
        """Nothing."""
