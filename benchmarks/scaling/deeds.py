"""What workers and services do again and again, as the code does it, and how often. Nothing is measured here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from jobs.claims import Claim
from jobs.documents import BulkRequest
from jobs.notification.addressed import Channel
from jobs.reading.changes import LATE
from jobs.scheduling.schedules import Schedule
from jobs.shortlist import Shortlist
from jobs.system import System
from pressrun.gauges import KEPT
from service.live.pace import Rhythm
from worker.keeper import Keeper
from worker.metrics import Metrics
from worker.notify.courier import LOOK_EVERY
from worker.scheduler import Scheduler
from worker.upkeep import Upkeep

LEASE = timedelta(seconds=30)
POLL = timedelta(seconds=1)
SWEEP = timedelta(seconds=5)
LOOKED_AT = 64


class Who(StrEnum):
    """Who does it, each by itself."""

    IDLE = "a worker with a free slot"
    BUSY = "a worker that runs jobs"
    WORKER = "each worker"
    WATCHING = "a service with a page open"
    SCRAPED = "a service that is scraped"


@dataclass(frozen=True)
class Deed:
    name: str
    who: Who
    every: timedelta
    do: Callable[[], Awaitable[object]]


def deeds(system: System, running: Sequence[Claim]) -> Iterator[Deed]:
    """`running` are the jobs that one worker runs."""
    yield Deed("idle poll", Who.IDLE, POLL, system.queue.has_work)
    yield Deed("look for wishes", Who.BUSY, POLL, lambda: system.queue.controls(running))
    yield Deed("renewal", Who.BUSY, LEASE / 3, lambda: system.queue.renew(running))
    for duty, every in _upkeep(system).duties(SWEEP):
        yield Deed(duty.__name__.replace("_", " "), Who.WORKER, every, duty)
    for channel in Channel:
        look = _looking(system, channel)
        yield Deed(f"look of the courier of {channel.value}", Who.WORKER, LOOK_EVERY, look)
    yield Deed("census", Who.SCRAPED, KEPT, system.census.take)
    yield Deed("look for changes", Who.WATCHING, timedelta(seconds=Rhythm().look), lambda: _changes(system))


def short_list(system: System) -> Callable[[], Awaitable[object]]:
    """As a claim reads it whose worker has run something for longer than a second."""
    return lambda: Shortlist(system.store, system.clock, system.scopes).read(100)


def _looking(system: System, channel: Channel) -> Callable[[], Awaitable[object]]:
    return lambda: system.deliveries.due([channel], (), LOOKED_AT)


async def _changes(system: System) -> None:
    async for _ in system.changes.since(system.clock.now() - LATE):
        pass


async def _nothing_is_due(schedule: Schedule, planned_at: datetime) -> BulkRequest:
    raise AssertionError(f"{schedule.id} was due at {planned_at}: there is no schedule here")


def _upkeep(system: System) -> Upkeep:
    metrics = Metrics()
    return Upkeep(
        system,
        Keeper(system.queue, lease=LEASE, look_every=POLL),
        worker_id="benchmark",
        slots=1,
        version="0",
        lease=LEASE,
        metrics=metrics,
        scheduler=Scheduler(system.schedule_firing, _nothing_is_due, system.sweep.outage, metrics),
    )
