"""How many deliveries a courier sends at once, in all and to one recipient: so that none holds up the others. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

AT_ONCE = 50
PER_RECIPIENT = 4
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
        closed = {
            one for one, taken in self._taken.items() if taken >= (1 if one in self._troubled else self._per_recipient)
        }
        if sum(self._taken[one] for one in self._troubled) >= self._for_troubled:
            closed.update(self._troubled)
        return closed

    def take(self, recipient: str) -> None:
        self._taken[recipient] += 1

    def give_back(self, recipient: str, *, went_well: bool) -> None:
        self._taken[recipient] -= 1
        if not self._taken[recipient]:
            del self._taken[recipient]
        self._troubled.pop(recipient, None)
        if not went_well:
            self._troubled[recipient] = None
            while len(self._troubled) > MOST_REMEMBERED:
                del self._troubled[next(iter(self._troubled))]
