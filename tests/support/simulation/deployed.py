"""The processes of a simulated deployment: services and workers, made of the real parts over a simulated store."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from jobs.capacity.limits import Limits
from jobs.clock import DatabaseClock
from jobs.documents import BulkRequest
from jobs.errors import StoreUnavailable
from jobs.indexes import INDEXES
from jobs.pipelines import PLAIN
from jobs.retention.expiry import RetentionRules
from jobs.storage.store import Store
from jobs.system import Rules, System, assemble
from outbound.client import Outbound
from tests.support.simulation.deliveries import outbox_of
from tests.support.simulation.made_in_stages import PIPELINES
from tests.support.simulation.schedule import Process
from tests.support.simulation.simulated_generator import SimulatedGenerator
from tests.support.simulation.simulated_store import SimulatedStore
from worker.breaker import Breaker
from worker.keeper import Keeper
from worker.loop import Loop
from worker.metrics import Metrics
from worker.notify.relaying import Relay
from worker.outside import Outside
from worker.record import Workbench
from worker.runner import Runner
from worker.shutdown import Shutdown
from worker.upkeep import Upkeep


async def _no_name(host: str, port: int) -> Sequence[str]:
    raise OSError(f"nothing is looked up in a simulation, and {host}:{port} neither")


UNREACHABLE = Outbound(resolver=_no_name)
"""No simulation opens a socket."""


@dataclass(frozen=True)
class Setup:
    """`skew` is by how many seconds a process's monotonic clock is off the time that has passed."""

    cap: int | None = 1
    slots: int = 1
    lease: timedelta = timedelta(seconds=12)
    poll: timedelta = timedelta(seconds=3)
    sweep_every: timedelta = timedelta(seconds=10)
    grace: timedelta = timedelta(seconds=60)
    skew: Callable[[str], float] = lambda _: 0.0
    retention: RetentionRules = RetentionRules()

    @property
    def rules(self) -> Rules:
        adopted = BulkRequest(mode="", items=(), delay=timedelta(0), pipeline=PLAIN)
        return Rules(
            lease=self.lease,
            limits=Limits(max_running=self.cap, tenant_max_running=20),
            adopted=adopted,
            single_jobs=True,
            retention=self.retention,
        )


@dataclass
class Site:
    """What the processes of a deployment have in common. `exits` is called by one that cannot start."""

    setup: Setup
    store: Store
    generator: SimulatedGenerator
    now: Callable[[], datetime]
    exits: Callable[[Process], None]


async def started(process: Process, site: Site) -> System:
    """As `jobs.system.start`, with this process's own clock."""
    try:
        return await _started(process, site)
    except StoreUnavailable:
        site.exits(process)
        raise


async def _started(process: Process, site: Site) -> System:
    store = SimulatedStore(process, site.store, site.now)
    off = site.setup.skew(process.name)
    clock = DatabaseClock(store.server_time, lambda: process.schedule.loop.time() + off)
    await clock.measure()
    await store.create_indexes(INDEXES)
    system = assemble(store, clock, site.setup.rules)
    system = replace(system, outbox=outbox_of(system))
    await system.limits.seed(site.setup.rules.limits)
    return system


class SimulatedService:
    def __init__(self, process: Process, site: Site) -> None:
        self.process = process
        self.system = process.spawn(started(process, site), "start")


class SimulatedWorker:
    """As `worker.__main__` puts it together, but for the timer of its upkeep."""

    def __init__(self, process: Process, site: Site) -> None:
        self.process = process
        self.shutdown = Shutdown()
        self.sweeps_since: datetime | None = None
        self._site = site
        self.running = process.spawn(self._run(), "run")

    @property
    def takes_back_since(self) -> datetime | None:
        """When its sweeps began to judge others, one lease after its start; None where it may have slept since."""
        if self.is_over or self.process.was_stalled or self.sweeps_since is None:
            return None
        return self.sweeps_since + self._site.setup.lease

    @property
    def is_over(self) -> bool:
        return self.process.dead or self.running.done()

    async def _run(self) -> None:
        setup, name = self._site.setup, self.process.name
        system = await started(self.process, self._site)
        keeper = Keeper(system.queue, lease=setup.lease, look_every=setup.poll)
        clients = self._site.generator.clients(self.process)
        breaker = Breaker(system.generators, clients)
        metrics = Metrics()
        bench = Workbench.over(
            system,
            clients,
            breaker,
            Outside.over(UNREACHABLE, system.targets, system.clock),
            self.shutdown.asked,
            metrics,
        )
        runner = Runner(system.queue, PIPELINES, bench, keeper, random.Random(name))
        loop = Loop(
            system.queue,
            runner,
            keeper,
            breaker,
            self.shutdown,
            worker_id=name,
            slots=setup.slots,
            poll=setup.poll,
            grace=setup.grace,
            metrics=metrics,
        )
        upkeep = Upkeep(
            system, keeper, worker_id=name, slots=setup.slots, version="0", lease=setup.lease, metrics=metrics
        )
        await upkeep.beat()
        await upkeep.sweep()
        self.sweeps_since = self._site.now()
        beside = [
            self.process.spawn(keeper.run(), "keeper"),
            self.process.spawn(Relay(system.outbox, lambda: None).run(), "relay"),
            *(self.process.spawn(_every(time, task), task.__name__) for task, time in upkeep.duties(setup.sweep_every)),
        ]
        try:
            await loop.run()
        finally:
            for task in beside:
                task.cancel()
            await upkeep.leave()


async def _every(time: timedelta, task: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(time.total_seconds())
        await task()
