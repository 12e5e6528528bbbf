"""What can go wrong between Pressrun and those who use it. Each docstring is the message; the attributes are the facts.

HTTP codes are not chosen here, but in `service/wire/problems.py` alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


class PressrunError(Exception):
    """Something went wrong."""

    def __str__(self) -> str:
        return (self.__doc__ or "").strip().format(**vars(self))


@dataclass(eq=False)
class Fault:
    """One thing that is wrong with an input: where (`items.3.topic`) and what."""

    path: str
    message: str


@dataclass(eq=False)
class InvalidInput(PressrunError):
    """{summary}"""

    summary: str
    faults: tuple[Fault, ...] = ()


@dataclass(eq=False)
class NotFound(PressrunError):
    """There is no such {what}."""

    what: str


@dataclass(eq=False)
class MoveRefused(PressrunError):
    """A {what} that is {status} cannot be {verb}."""

    what: str
    status: str
    verb: str


@dataclass(eq=False)
class SelectionRefused(PressrunError):
    """{reason}"""

    reason: str


@dataclass(eq=False)
class NameTaken(PressrunError):
    """There is a {what} of the name {name} already: choose another name, or remove that one first."""

    what: str
    name: str


@dataclass(eq=False)
class TooMany(PressrunError):
    """{what}: {most} are allowed."""

    what: str
    most: int


@dataclass(eq=False)
class NoEncryptionKey(PressrunError):
    """No secret can be kept here: the operator has to set PRESSRUN_ENCRYPTION__KEYS first."""


@dataclass(eq=False)
class SecretUnreadable(PressrunError):
    """A stored secret cannot be read: the key that it was encrypted with is missing in PRESSRUN_ENCRYPTION__KEYS."""


@dataclass(eq=False)
class BudgetUsedUp(PressrunError):
    """The budget of this bulk job is used up: raise it, then resume."""


@dataclass(eq=False)
class QuotaReached(PressrunError):
    """{whose} may submit {per_day} jobs a day (UTC), and {wanted} more would be too many today: try again tomorrow."""

    whose: str
    per_day: int
    wanted: int


@dataclass(eq=False)
class TooManySubmissions(PressrunError):
    """More than {most} submissions a minute are not allowed: wait a little, and send this one again."""

    most: int
    retry_after: timedelta


@dataclass(eq=False)
class TooManyOpenBulks(PressrunError):
    """No more than {most} open bulk jobs are allowed, and you have {open}: let some end, or cancel them."""

    open: int
    most: int
    retry_after: timedelta = timedelta(seconds=30)


@dataclass(eq=False)
class TooManySends(PressrunError):
    """More than {most} tests and replays of webhooks a minute are not allowed: wait a little, and try again."""

    most: int
    retry_after: timedelta


@dataclass(eq=False)
class KeyReused(PressrunError):
    """This Idempotency-Key was used before with another body: use a new key for a new request."""


@dataclass(eq=False)
class StillRunning(PressrunError):
    """The first request with this Idempotency-Key is still being worked on: ask again in a moment."""

    retry_after: timedelta = timedelta(seconds=1)


@dataclass(eq=False)
class Busy(PressrunError):
    """Others are changing this {what} at the same moment: ask again."""

    what: str


@dataclass(eq=False)
class StoreFull(PressrunError):
    """The embedded store takes up to {limit} live jobs and has {live}: let some end, or use MongoDB."""

    live: int
    limit: int


@dataclass(eq=False)
class ArchiveFailed(PressrunError):
    """The archive cannot be written, so nothing is removed that should be in it: {reason}"""

    reason: str


@dataclass(eq=False)
class DatabaseTooNew(PressrunError):
    """This version of Pressrun is too old for its database: it knows formats up to {known}, and {needed} is needed."""

    known: int
    needed: int


@dataclass(eq=False)
class OlderProcesses(PressrunError):
    """Processes are alive that do not know format {format}: {processes}. Stop them, then call this again."""

    format: int
    processes: str


@dataclass(eq=False)
class StoreUnavailable(PressrunError):
    """The database does not answer: {reason}"""

    reason: str


@dataclass(eq=False)
class DuplicateKey(PressrunError):
    """A document with this unique key is already there: {reason}"""

    reason: str


@dataclass(eq=False)
class StoreRefused(PressrunError):
    """The database refused an operation: {reason}"""

    reason: str
