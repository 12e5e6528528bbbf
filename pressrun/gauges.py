"""What Prometheus is told of the system as a whole, and of the database's connections: read when somebody scrapes.

Nothing is asked of the database without a scrape, nor more than once in 15 seconds with any number of them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from datetime import timedelta
from threading import Lock

import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from jobs.errors import PressrunError
from jobs.reading.census import Census, Figures
from jobs.storage.pool_use import PoolUse

log = structlog.get_logger()
KEPT = timedelta(seconds=15)
PATIENCE = timedelta(seconds=8)
"""Less than the ten seconds after which Prometheus gives up."""


class SystemGauges(Collector):
    """Figures of the database, made on the event loop `loop`, told by the scrape's own thread. Where the database does
    not answer there are none: an old figure would look like a good one."""

    def __init__(self, census: Census, loop: asyncio.AbstractEventLoop, kept: timedelta = KEPT) -> None:
        self._census = census
        self._loop = loop
        self._kept = kept
        self._lock = Lock()
        self._last: tuple[float, Figures | None] | None = None

    @staticmethod
    def describe() -> Iterable[Metric]:
        """Their names, without a read: else registering them would ask the database."""
        return _families(Figures())

    def collect(self) -> Iterator[Metric]:
        figures = self._figures()
        if figures is not None:
            yield from _families(figures)

    def _figures(self) -> Figures | None:
        with self._lock:
            if self._last is None or time.monotonic() - self._last[0] >= self._kept.total_seconds():
                self._last = (time.monotonic(), self._taken())
            return self._last[1]

    def _taken(self) -> Figures | None:
        taking = asyncio.run_coroutine_threadsafe(self._census.take(), self._loop)
        try:
            return taking.result(PATIENCE.total_seconds())
        except TimeoutError:
            taking.cancel()
            log.warning("census_failed", reason="the database has not answered in time")
        except PressrunError as error:
            log.warning("census_failed", reason=str(error))
        return None


class PoolGauges(Collector):
    def __init__(self, pool: PoolUse) -> None:
        self._pool = pool

    def collect(self) -> Iterator[Metric]:
        now = self._pool.now
        told = "Connections to MongoDB that are open, of the server with the most in use"
        connections = GaugeMetricFamily("pressrun_mongodb_pool_connections", told, labels=["state"])
        connections.add_metric(["in_use"], now.in_use)
        connections.add_metric(["idle"], now.idle)
        yield connections
        most = "How many connections there may be to a server at once"
        yield GaugeMetricFamily("pressrun_mongodb_pool_size", most, value=now.most)


def _families(figures: Figures) -> Iterator[Metric]:
    jobs = _family("queue_jobs", "Jobs that have not ended", "state", "priority")
    for (state, priority), count in figures.jobs.items():
        jobs.add_metric([state.value, priority.name.lower()], count)
    yield jobs
    told = "For how long the bulk that waits longest could have started a job, while none of its jobs ran"
    waiting = _family("queue_oldest_waiting_seconds", told, "priority")
    for priority, wait in figures.waiting.items():
        waiting.add_metric([priority.name.lower()], wait.total_seconds())
    yield waiting
    yield _single("tenants_served", "Tenants of whom a job runs", figures.tenants_served)
    yield from _of_generators(figures)
    told = "How much of a day's budget is used, of the system and of the tenants that have used the most of theirs"
    budgets = _family("budget_used_ratio", told, "scope", "what")
    for budget in figures.budgets:
        budgets.add_metric([budget.scope, budget.what], budget.ratio)
    yield budgets
    yield _single("notices_pending", "Deliveries that have neither arrived nor been given up", figures.notices_pending)
    yield _single("outbox_untold", "Bulks and jobs with an event that is not told yet", figures.untold)
    yield _single("workers_live", "Workers that have said lately that they live", figures.workers)


def _of_generators(figures: Figures) -> Iterator[Metric]:
    broken = _family("generator_breaker_open", "1: the generator is taken for down, and not called", "endpoint")
    rate = _family("generator_rate", "Calls in the last minute, and how many there may be", "endpoint", "what")
    for name, generator in figures.generators.items():
        broken.add_metric([name], int(generator.is_down))
        if generator.limit is not None and generator.used is not None:
            rate.add_metric([name, "used"], generator.used)
            rate.add_metric([name, "limit"], generator.limit)
    yield broken
    yield rate


def _family(name: str, told: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"pressrun_{name}", told, labels=labels)


def _single(name: str, told: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"pressrun_{name}", told, value=value)
