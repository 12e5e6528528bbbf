"""What can go wrong with a URL that somebody gave: each error's text is one sentence that may be shown to that person.

Nothing is judged here. No sentence holds an address, a path or a query: these may be secret.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum


class Kind(StrEnum):
    """`REFUSED`: by us, and again however often it is tried; the others may pass."""

    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    TOO_LARGE = "too_large"
    WRONG_TYPE = "wrong_type"
    TIMEOUT = "timeout"
    STATUS = "status"


@dataclass(eq=False)
class UrlRefused(Exception):
    """No request is sent to this URL; `sentence` says why."""

    sentence: str

    def __str__(self) -> str:
        return self.sentence


@dataclass(eq=False)
class NotResolved(UrlRefused):
    """The name has no address at this moment; it may have one later."""


@dataclass(eq=False)
class AllowedMalformed(Exception):
    """An exception that the operator gave cannot be read; `sentence` names it."""

    sentence: str

    def __str__(self) -> str:
        return self.sentence


@dataclass(eq=False)
class OutboundFailed(Exception):
    """A request without a usable answer. `status` is the answer's, where it is the reason; `retry_after` what it asks
    for, bounded; `answer` is the head of its body, where that was wanted."""

    sentence: str
    kind: Kind
    status: int | None = None
    retry_after: timedelta | None = None
    answer: bytes = field(default=b"", repr=False)

    def __str__(self) -> str:
        return self.sentence
