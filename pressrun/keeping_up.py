"""What a service process does once a minute beside its requests: it is seen alive, and measures the database's clock.

No request waits for it, and no failure of it is anybody's: the next minute makes up for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from importlib.metadata import version

import structlog

from jobs.errors import DatabaseTooNew, PressrunError
from jobs.system import System
from worker.cancellation import heed_cancellation

log = structlog.get_logger()
EVERY = timedelta(minutes=1)


@contextlib.asynccontextmanager
async def kept_up(system: System, outdated: Callable[[], None]) -> AsyncIterator[None]:
    """`outdated` is called where the database was migrated past what this version knows."""
    service_id = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
    keeping = asyncio.create_task(_keep_up(system, service_id, outdated), name="keeping up")
    try:
        yield
    finally:
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping
        with contextlib.suppress(PressrunError):
            await system.replicas.leave(service_id)


async def _keep_up(system: System, service_id: str, outdated: Callable[[], None]) -> None:
    while True:
        heed_cancellation()
        try:
            await system.clock.measure()
            await system.replicas.beat(service_id, version("pressrun"))
            await system.database_format.require()  # after the beat: a migration that begins now sees this process
        except DatabaseTooNew as error:
            log.error("database_too_new", reason=str(error))  # noqa: TRY400 - the sentence is all there is to know
            outdated()
        except PressrunError as error:
            log.warning("upkeep_failed", task="service", reason=str(error))
        except Exception:
            log.exception("upkeep_crashed", task="service")
        await asyncio.sleep(EVERY.total_seconds())
