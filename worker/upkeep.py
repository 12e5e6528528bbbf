"""What workers do beside running jobs: sweeps, half-done controls and creations, adoption, heartbeats. Claims nothing.

Each task is safe to repeat and to run in several workers at once; APScheduler is only its timer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from jobs.audit import Fault, Finding
from jobs.chores import HALF_DONE_AFTER, Chore
from jobs.errors import ArchiveFailed, DatabaseTooNew, PressrunError, StoreUnavailable
from jobs.notification.outbox import AT_ONCE
from jobs.pipelines import PipelineSpec
from jobs.system import System
from worker.keeper import Keeper
from worker.metrics import Metrics
from worker.scheduler import EVERY, Scheduler

log = structlog.get_logger()
CREATIONS_EVERY = timedelta(seconds=15)
SELECTIONS_EVERY = timedelta(seconds=15)
JOBS_NOTICES_EVERY = timedelta(minutes=1)
MEASURE_CLOCK_EVERY = timedelta(minutes=3)
AUDIT_EVERY = timedelta(minutes=1)
AUDITED = 20
RETENTION_EVERY = timedelta(minutes=1)


class Upkeep:
    def __init__(
        self,
        system: System,
        keeper: Keeper,
        *,
        worker_id: str,
        slots: int,
        version: str,
        lease: timedelta,
        metrics: Metrics,
        pipelines: Sequence[PipelineSpec] = (),
        wake_courier: Callable[[], None] = lambda: None,
        scheduler: Scheduler | None = None,
        outdated: Callable[[], None] = lambda: None,
    ) -> None:
        self._system = system
        self._metrics = metrics
        self._keeper = keeper
        self._worker_id = worker_id
        self._slots = slots
        self._version = version
        self._beat_every = lease / 3
        self._suspected: set[Finding] = set()
        self._due: set[Chore] = set()
        self._pipelines = pipelines
        self._wake_courier = wake_courier
        self._scheduler = scheduler
        self._outdated = outdated
        self._is_known = False

    def duties(self, sweep_every: timedelta) -> Sequence[tuple[Callable[[], Awaitable[None]], timedelta]]:
        """What is to be done, and how often."""
        firing = ((self.fire_schedules, EVERY),) if self._scheduler is not None else ()
        return (
            *firing,
            (self.sweep, sweep_every),
            (self.complete_creations, CREATIONS_EVERY),
            (self.choose_overdue, SELECTIONS_EVERY),
            (self.relay_jobs, JOBS_NOTICES_EVERY),
            (self.beat, self._beat_every),
            (self.measure_clock, MEASURE_CLOCK_EVERY),
            (self.audit, AUDIT_EVERY),
            (self.remove_old, RETENTION_EVERY),
        )

    def schedule(self, sweep_every: timedelta) -> AsyncIOScheduler:
        """The timer, not started. A run that is late is made up once; none overtakes another."""
        timer = AsyncIOScheduler(
            timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        for duty, every in self.duties(sweep_every):
            timer.add_job(duty, "interval", seconds=every.total_seconds(), id=duty.__name__)
        return timer

    async def sweep(self) -> None:
        """Look what bulks need, and do that."""
        self._due = set()
        await self._each(("sweep", self._look_and_sweep))
        tasks: dict[Chore, Callable[[], Awaitable[object]]] = {
            Chore.INTENTS: lambda: self._system.intents.finish_half_done(HALF_DONE_AFTER),
            # in this order: hours that nobody was there for have come and gone
            Chore.HOURS: self._system.bulk_hours.close_due,
            Chore.PAUSES: self._system.controls.resume_due,
            Chore.ADOPTION: self._system.adoption.run,
            Chore.NOTICES: lambda: self._relay(self._system.outbox.relay),
        }
        await self._each(*((chore.value, task) for chore, task in tasks.items() if chore in self._due))

    async def fire_schedules(self) -> None:
        if self._scheduler is not None:
            await self._scheduler.fire_schedules()

    async def complete_creations(self) -> None:
        await self._each(("creations", self._system.creation.complete_owed))

    async def choose_overdue(self) -> None:
        await self._each(("selections", self._system.selections.choose_overdue))

    async def relay_jobs(self) -> None:
        """What a process had no time to tell of its jobs; of bulks the sweep finds it."""
        await self._each(("notices", lambda: self._relay(self._system.outbox.relay_jobs)))

    async def audit(self) -> None:
        await self._each(("audit", self._audit))

    async def remove_old(self) -> None:
        await self._each(("retention", self._remove_old))

    async def beat(self) -> None:
        await self._each(("heartbeat", self._beat))

    async def measure_clock(self) -> None:
        await self._each(("clock", self._system.clock.measure), ("format", self.look_at_format))

    async def look_at_format(self) -> None:
        """Stop where the database was migrated past what this version knows: an operator's mistake, or a long sleep.

        Raises `StoreUnavailable`.
        """
        try:
            await self._system.database_format.require()
        except DatabaseTooNew as error:
            log.error("database_too_new", reason=str(error))  # noqa: TRY400 - the sentence is all there is to know
            self._outdated()

    async def leave(self) -> None:
        await self._each(("leave", lambda: self._system.workers.leave(self._worker_id)))

    async def _look_and_sweep(self) -> None:
        with self._system.sweep.noticing_outages():
            self._due = await self._system.chores.due()
        if self._system.adoption.takes_single_jobs:
            self._due.add(Chore.ADOPTION)
        self._metrics.reclaimed(await self._system.sweep.run(jobs_may_run=Chore.SLOTS in self._due))

    async def _relay(self, relay: Callable[[], Awaitable[int]]) -> None:
        """Until nothing is left that a relay at once would not have taken."""
        while True:
            told = await relay()
            if told:
                self._wake_courier()
            if told < AT_ONCE:
                return

    async def _audit(self) -> None:
        """Recount a sample of bulks and mend what is found twice: once could be what another process is just doing."""
        found = set(await self._system.audit.sample(AUDITED))
        wrong = sorted(found & self._suspected, key=str)
        self._suspected = found - set(wrong)
        for finding in wrong:
            log.error(
                "invariant_broken", fault=finding.fault, document=str(finding.document), sentence=finding.sentence
            )
            self._metrics.found(finding.fault)
        if wrong:
            await self._system.audit.repair(wrong)
            self._metrics.recounted(sum(finding.fault is Fault.COUNTERS for finding in wrong))

    async def _remove_old(self) -> None:
        try:
            await self._system.retention.run()
        except ArchiveFailed as error:
            log.warning("archive_failed", reason=error.reason)
            self._metrics.archive_failed()

    async def _beat(self) -> None:
        if not self._is_known:
            await self._system.pipelines.register(self._pipelines)
            self._is_known = True
        jobs = [str(running.claim.job_id) for running in self._keeper.running]
        with self._system.sweep.noticing_outages():
            await self._system.workers.beat(self._worker_id, slots=self._slots, version=self._version, jobs=jobs)

    async def _each(self, *tasks: tuple[str, Callable[[], Awaitable[object]]]) -> None:
        for name, task in tasks:
            try:
                await task()
            except StoreUnavailable as error:
                self._system.sweep.outage()
                log.warning("upkeep_database_away", task=name, reason=error.reason)
                return
            except PressrunError as error:
                log.warning("upkeep_failed", task=name, reason=str(error))
