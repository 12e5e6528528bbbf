"""Tells all workers how calls of a generator went, and finds out whether one that was down is back (spec §6).

What is known of it and what follows from that is kept by `jobs.generators`; here calls are judged and probes made.
"""

from __future__ import annotations

import structlog

from jobs.errors import StoreRefused, StoreUnavailable
from jobs.generators import Generators, Health
from worker.generator import CallFailed, GeneratorClient

log = structlog.get_logger()


class Breaker:
    def __init__(self, generators: Generators, client: GeneratorClient) -> None:
        self._generators = generators
        self._client = client

    async def heard(self, failed: CallFailed | None) -> None:
        """A call has ended; None where it succeeded. Should the database be away the next call will tell the same."""
        try:
            await self._generators.report(health_after(failed))
        except (StoreUnavailable, StoreRefused) as error:
            log.warning("health_not_reported", reason=error.reason)

    async def probe(self) -> bool:
        """Whether the generator, which was down, has just been found to be back."""
        try:
            if not (await self._generators.may_probe() and await self._client.answers()):
                return False
            await self._generators.is_back()
        except StoreUnavailable as error:
            log.warning("probe_database_away", reason=error.reason)
            return False
        log.info("generator_is_back")
        return True


def health_after(failed: CallFailed | None) -> Health:
    """What no repeat can mend says nothing of the endpoint."""
    if failed is None:
        return Health(succeeded=True)
    if failed.permanent:
        return Health(succeeded=False)
    return Health(succeeded=False, down=failed.down, strained=not failed.down, wait=failed.wait)
