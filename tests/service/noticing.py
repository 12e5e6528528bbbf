"""How the tests of notices have something happen to a bulk, and told. No tests here."""

from __future__ import annotations

import httpx2

from jobs.system import System
from tests.service.requesting import DONE, end_jobs, submit_quick


async def ended(client: httpx2.AsyncClient, system: System, name: str) -> str:
    """A bulk that has completed, and of which there is a notice; its id."""
    bulk_id = await submit_quick(client, name=name)
    await end_jobs(system, *[DONE] * 10)
    await relayed(system)
    return bulk_id


async def relayed(system: System) -> None:
    """What has happened is told, as a worker does at once."""
    await system.outbox.relay()
    await system.outbox.relay_jobs()
