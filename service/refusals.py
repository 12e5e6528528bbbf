"""What the service itself refuses, beside what `jobs` does. No answer is made here, and no web framework is needed."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.errors import PressrunError


@dataclass(eq=False)
class BodyTooLarge(PressrunError):
    """The body is larger than {megabytes} MB: send fewer items at once."""

    megabytes: int


@dataclass(eq=False)
class NotJson(PressrunError):
    """The body must be JSON: send it with Content-Type: application/json."""


@dataclass(eq=False)
class NotAForm(PressrunError):
    """The body must be a form with a file: send it with Content-Type: multipart/form-data."""


@dataclass(eq=False)
class Unauthorized(PressrunError):
    """Unauthorized"""


@dataclass(eq=False)
class Forbidden(PressrunError):
    """{reason}"""

    reason: str


@dataclass(eq=False)
class NotChangeable(PressrunError):
    """{reason}"""

    reason: str


@dataclass(eq=False)
class NotReady(PressrunError):
    """{reason}"""

    reason: str


@dataclass(eq=False)
class TooManyStreams(PressrunError):
    """You have {most} live streams open, and more are not allowed: close one first."""

    most: int
