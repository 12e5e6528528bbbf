"""Fetches for stages what users' URLs lead to, through the guard, and tells failed requests as a stage's failure.

Nothing is sent here but the question.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from outbound.client import Outbound
from outbound.errors import Kind, OutboundFailed
from outbound.fetched import Fetched
from worker.failures import StageFailed
from worker.generator import PASSING_CLIENT_ERRORS, UNCOUNTED


class Fetching:
    """`within` bounds each request as a whole."""

    def __init__(self, outbound: Outbound, within: timedelta) -> None:
        self._outbound = outbound
        self._within = within

    async def get(self, url: str, *, types: Sequence[str], most_bytes: int) -> Fetched:
        """Raises `StageFailed`. A URL that leads nowhere uses up retries: it may be wrong."""
        try:
            return await self._outbound.get(url, types=types, most_bytes=most_bytes, within=self._within)
        except OutboundFailed as failed:
            raise as_stage_failure("The URL could not be fetched", failed) from None


def as_stage_failure(what: str, failed: OutboundFailed, *, counts_unreachable: bool = True) -> StageFailed:
    """The rules of spec §6. What the guard refuses, what is too large or of another type stays so; what is not
    reached, too slow or broken may pass."""
    code = failed.status
    if code is not None:
        passing = code >= 500 or code in PASSING_CLIENT_ERRORS
    else:
        passing = failed.kind in (Kind.UNREACHABLE, Kind.TIMEOUT)
    return StageFailed(
        f"{what}: {failed}",
        permanent=not passing,
        counted=code not in UNCOUNTED and (counts_unreachable or failed.kind is not Kind.UNREACHABLE),
        wait=failed.retry_after,
    )
