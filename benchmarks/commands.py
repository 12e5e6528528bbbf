"""Listens to the commands that this process sends to MongoDB: how many, how long each took, and what they said."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from pymongo import monitoring


class CommandListener(monitoring.CommandListener):
    """Hears every client that is made afterwards. Names are those of command and collection, as `find bulk_jobs`."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.commands: list[tuple[str, dict[str, Any]]] | None = None
        """While this is a list, each command is kept in it, with its name."""

        self._names: dict[int, str] = {}
        monitoring.register(self)

    @property
    def counts(self) -> Counter[str]:
        return Counter({name: len(seconds) for name, seconds in self.seconds.items()})

    def clear(self) -> None:
        self.seconds.clear()

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        collection = event.command.get(event.command_name)
        name = f"{event.command_name} {collection}" if isinstance(collection, str) else event.command_name
        self._names[event.request_id] = name
        if self.commands is not None:
            self.commands.append((name, dict(event.command)))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        self._ended(event)

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        self._ended(event)

    def _ended(self, event: monitoring.CommandSucceededEvent | monitoring.CommandFailedEvent) -> None:
        name = self._names.pop(event.request_id, None)
        if name is not None:
            self.seconds[name].append(event.duration_micros / 1e6)
