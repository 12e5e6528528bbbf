"""The port between the courier and what sends: a channel's sender is handed one delivery, and says what came of it.

No sender settles a delivery, decides when it is tried again, or logs a secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from jobs.notification.deliveries import Delivery

WITHIN = timedelta(seconds=15)
"""No send may take longer; the courier stops one that does."""


@dataclass(frozen=True)
class Sent:
    """The recipient has taken it. `status`: the HTTP status, or SMTP's reply code; `answer`: what was said with it."""

    status: int | None = None
    answer: str = ""


@dataclass(eq=False)
class SendFailed(Exception):
    """It was not taken, or nobody knows. `sentence` is shown to the owner, and holds no secret and no path of a URL.

    `retry_after`: the recipient asked for that much time.
    """

    sentence: str
    status: int | None = None
    answer: str = ""
    permanent: bool = False
    retry_after: timedelta | None = None

    def __str__(self) -> str:
        return self.sentence


class Sender(Protocol):
    async def send(self, delivery: Delivery) -> Sent:
        """Within `WITHIN`. Raises `SendFailed`; anything else is a fault of the sender, and tried again."""
