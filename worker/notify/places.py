"""How many deliveries a courier sends at once, in all and to one recipient: so that none holds up the others. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

AT_ONCE = 50
PER_RECIPIENT = 8
FOR_TROUBLED = 25
MOST_REMEMBERED = 1000


class Places:
    """A recipient is troubled from a send that failed until one that went well: it has one place, and all of these
    together half of the places. So the others find room, however many hang."""

    def __init__(
        self, at_once: int = AT_ONCE, per_recipient: int = PER_RECIPIENT, for_troubled: int = FOR_TROUBLED
    ) -> None:
        self._at_once = at_once
        self._per_recipient = per_recipient
        self._for_troubled = for_troubled
        self._taken: Counter[str] = Counter()
        self._troubled: dict[str, None] = {}

    @property
    def full(self) -> bool:
        return self._taken.total() >= self._at_once

    @property
    def closed(self) -> Collection[str]:
        """The recipients that nothing more may be sent to now."""
        closed = {one for one in self._taken if not self._has_room(one)}
        if self._troubled_taken() >= self._for_troubled:
            closed.update(self._troubled)
        return closed

    def take(self, recipient: str) -> bool:
        """Whether there was a place for it."""
        if self.full or not self._has_room(recipient):
            return False
        if recipient in self._troubled and self._troubled_taken() >= self._for_troubled:
            return False
        self._taken[recipient] += 1
        return True

    def give_back(self, recipient: str, *, went_well: bool | None = None) -> None:
        """`went_well` is None where nothing was sent."""
        self._taken[recipient] -= 1
        if not self._taken[recipient]:
            del self._taken[recipient]
        if went_well is None:
            return
        self._troubled.pop(recipient, None)
        if not went_well:
            self._troubled[recipient] = None
            while len(self._troubled) > MOST_REMEMBERED:
                del self._troubled[next(iter(self._troubled))]

    def _has_room(self, recipient: str) -> bool:
        return self._taken[recipient] < (1 if recipient in self._troubled else self._per_recipient)

    def _troubled_taken(self) -> int:
        return sum(self._taken[one] for one in self._troubled)
