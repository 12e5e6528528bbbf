"""The upkeep of schedules: fires those that are due, and goes on with what a dead process has begun. It only asks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import structlog

from jobs.errors import PressrunError, StoreUnavailable
from jobs.scheduling.firing import Judge, ScheduleFiring
from jobs.scheduling.firing_log import Firing, Outcome
from worker.metrics import Metrics

log = structlog.get_logger()
EVERY = timedelta(seconds=15)
"""One read of the database; so much later than planned may a bulk be submitted."""


class Scheduler:
    def __init__(self, firing: ScheduleFiring, judge: Judge, outage: Callable[[], None], metrics: Metrics) -> None:
        self._firing = firing
        self._judge = judge
        self._outage = outage
        self._metrics = metrics

    async def fire_schedules(self) -> None:
        try:
            await self._firing.fire_due(self._judge, self._ended)
        except StoreUnavailable as error:
            self._outage()
            log.warning("upkeep_database_away", task="schedules", reason=error.reason)
        except PressrunError as error:
            log.warning("upkeep_failed", task="schedules", reason=str(error))

    def _ended(self, firing: Firing) -> None:
        self._metrics.scheduled(firing.outcome)
        told = log.warning if firing.outcome is Outcome.FAILED else log.info
        bulk_id = str(firing.bulk_id) if firing.bulk_id is not None else None
        told("schedule_fired", firing=firing.id, outcome=firing.outcome.value, bulk_id=bulk_id, reason=firing.text)
