"""How often signing in has failed of late from each address, in this process. Nothing is stored, nobody is named.

A key cannot be guessed; what is held off is who would have the database look up a great many.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable

MOST = 10
SECONDS = 60.0
MOST_ADDRESSES = 10_000


class FailedTries:
    """At most `MOST` in any `SECONDS`. Beyond `MOST_ADDRESSES` those are forgotten that failed the longest ago."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._failed: OrderedDict[str, deque[float]] = OrderedDict()

    def seconds_to_wait(self, address: str) -> int:
        """0 where another try is welcome."""
        failed = self._failed.get(_network(address))
        if failed is None or len(failed) < MOST:
            return 0
        return max(0, math.ceil(failed[0] + SECONDS - self._now()))

    def note(self, address: str) -> None:
        network = _network(address)
        failed = self._failed.setdefault(network, deque(maxlen=MOST))
        failed.append(self._now())
        self._failed.move_to_end(network)
        if len(self._failed) > MOST_ADDRESSES:
            self._failed.popitem(last=False)


def _network(address: str) -> str:
    """Of IPv6, where one customer has at least 64 bits to choose from, the first half."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:100]
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))
