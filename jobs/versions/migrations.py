"""The database's formats, and the steps from each to the next, forward only. Nothing is read or written here.

What may change without a step is told in `docs/versions.md`. A step that was released is never changed or taken away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from jobs.storage.store import Document, Filter, Name, Update

FIRST = 1
"""Of every database that has no record of its format and was used before there were any."""


@dataclass(frozen=True)
class Migration:
    """One step: every document of `collection` that is `pending` gets its `change`, after which it no longer is.

    `change` may go by fields alone that nobody else writes meanwhile, unless the documents have a `rev`. With
    `locks_out`, processes that do not know format `to` may not run from the step's begin on; without it they may, and
    what they write is taken along or still understood.
    """

    to: int
    what: str
    collection: Name
    pending: Filter
    change: Callable[[Document], Update]
    locks_out: bool


MIGRATIONS: tuple[Migration, ...] = ()
"""In their order: the first leads from `FIRST` to the next."""


def last_format(migrations: tuple[Migration, ...]) -> int:
    """The highest format that a process with these steps knows."""
    return migrations[-1].to if migrations else FIRST


FORMAT = last_format(MIGRATIONS)
"""What this version knows."""
