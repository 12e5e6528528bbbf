"""Tells all workers how calls of a generator went, and finds out whether one that was down is back (spec §6).

What is known of it and what follows from that is kept by `jobs.capacity.generators`; here calls are judged and probes
made.
"""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from jobs.capacity.generators import Generators, Health
from jobs.errors import StoreRefused, StoreUnavailable
from worker.generator import CallFailed, GeneratorClient

log = structlog.get_logger()


class Breaker:
    """`clients` are the generators that this worker knows, by name."""

    def __init__(self, generators: Generators, clients: Mapping[str, GeneratorClient]) -> None:
        self._generators = generators
        self._clients = clients

    @property
    def has_to_probe(self) -> bool:
        """Whether one is down, as the last claim has found it."""
        return any(name in self._clients for name in self._generators.down)

    async def heard(self, generator: str, failed: CallFailed | None) -> None:
        """A call has ended; None where it succeeded. Should the database be away the next call will tell the same."""
        try:
            await self._generators.report(generator, health_after(failed))
        except (StoreUnavailable, StoreRefused) as error:
            log.warning("health_not_reported", reason=error.reason)

    async def probe(self) -> bool:
        """Whether a generator that was down has just been found to be back."""
        found = [await self._is_back(name) for name in self._generators.down if name in self._clients]
        return any(found)

    async def _is_back(self, generator: str) -> bool:
        try:
            if not (await self._generators.may_probe(generator) and await self._clients[generator].answers()):
                return False
            await self._generators.is_back(generator)
        except StoreUnavailable as error:
            log.warning("probe_database_away", reason=error.reason)
            return False
        log.info("generator_is_back", generator=generator)
        return True


def health_after(failed: CallFailed | None) -> Health:
    """What no repeat can mend says nothing of the endpoint."""
    if failed is None:
        return Health(succeeded=True)
    if failed.permanent:
        return Health(succeeded=False)
    return Health(succeeded=False, down=failed.down, strained=not failed.down, wait=failed.wait)
