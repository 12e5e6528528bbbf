"""How talking to a service can fail, in sentences for the person at the terminal.

Every start of the command line loads this: nothing here may import an HTTP library.
"""

from __future__ import annotations

from dataclasses import dataclass

from jobs.errors import Fault, PressrunError

TOO_MANY_REQUESTS = 429
SERVER_ERRORS = range(500, 600)


class RemoteError(PressrunError):
    """The service could not do what was asked."""

    @property
    def passing(self) -> bool:
        """Whether asking again later may go better."""
        return False


@dataclass(eq=False)
class ServiceAway(RemoteError):
    """No Pressrun service answers at {url}{reason}: start it with `pressrun dev`, or give another --url."""

    url: str
    reason: str = ""

    @property
    def passing(self) -> bool:
        return True


@dataclass(eq=False)
class AnswerLost(RemoteError):
    """The service at {url} gave no whole answer ({reason}), so what was asked may have been done or not."""

    url: str
    reason: str

    @property
    def passing(self) -> bool:
        return True


@dataclass(eq=False)
class Refused(RemoteError):
    """{sentence}"""

    sentence: str
    status: int
    faults: tuple[Fault, ...] = ()
    retry_after_seconds: float | None = None

    @property
    def passing(self) -> bool:
        return self.status == TOO_MANY_REQUESTS or self.status in SERVER_ERRORS


@dataclass(eq=False)
class UnexpectedAnswer(RemoteError):
    """What answers at {url} does not speak the API of Pressrun: {reason}."""

    url: str
    reason: str
