"""Collects what is wrong with a file, so that all of it is told at once; what is wrong is found elsewhere."""

from __future__ import annotations

from jobs.errors import Fault, InvalidInput

SHOWN = 50


class Faults:
    """The first 50 faults in the order found, and a count of the rest."""

    def __init__(self) -> None:
        self._shown: list[Fault] = []
        self._count = 0

    def add(self, path: str, message: str) -> None:
        self._count += 1
        if self._count <= SHOWN:
            self._shown.append(Fault(_told(path), _told(message)))

    @property
    def told(self) -> tuple[Fault, ...]:
        """Beyond 50 a last one says how many more there are."""
        more = self._count - len(self._shown)
        return (*self._shown, *([Fault("", f"and {more} more")] if more else []))

    def refuse_if_any(self) -> None:
        """Raises InvalidInput with the faults."""
        if not self._count:
            return
        first = self._shown[0]
        if self._count == 1:
            summary = f"The file cannot be used: {first.message} ({first.path})."
        else:
            summary = f"The file has {self._count} faults, the first at {first.path}: {first.message}."
        raise InvalidInput(summary, self.told)


def _told(text: str) -> str:
    """It may quote what a file holds, which may be no text."""
    return text.encode("utf-8", "replace").decode()
