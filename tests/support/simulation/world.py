"""A whole simulated deployment and the people who use it: what a life, a story of requests and waits, is told in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, TypeVar

from bson import ObjectId

from jobs.clock import whole_milliseconds
from jobs.errors import Busy, StillRunning, StoreUnavailable
from jobs.indexes import INDEXES
from jobs.storage.embedded.disk import Tables
from jobs.storage.embedded.store import EmbeddedStore
from jobs.system import System
from tests.support.simulation.deployed import Setup, SimulatedService, SimulatedWorker, Site
from tests.support.simulation.fates import Fate, Point
from tests.support.simulation.promises import Promises
from tests.support.simulation.repeatable import Event, repeatable
from tests.support.simulation.schedule import OWNER, Operation, Process, Schedule
from tests.support.simulation.simulated_generator import Script, SimulatedGenerator, success
from tests.support.simulation.simulated_store import at_once
from tests.support.simulation.telling import Telling
from tests.support.simulation.virtual_loop import VirtualLoop
from tests.support.simulation.witness import UNSURE, Violation, Witness, demand

T = TypeVar("T")
BEGINNING = datetime(2100, 1, 1, tzinfo=UTC)
HORIZON_SECONDS = 1200.0
SHOWN = 60
REPLACED_AFTER_SECONDS = 1.0


class NobodyAnswers(Exception):
    """The service died over a request, or could not answer it now, and its client gave up."""


class World:
    """Used with `with`. `fates` say at which points what happens; a dead worker is replaced by a fresh one."""

    def __init__(
        self,
        seed: int,
        setup: Setup,
        script: Script = lambda *_: success(),
        fates: Mapping[Point, Fate] | None = None,
    ) -> None:
        self.loop = VirtualLoop()
        self.loop.last_moment = HORIZON_SECONDS
        self.schedule = Schedule(seed, self.loop, fates or {})
        self.schedule.observe = self._observe
        self.schedule.on_death = self._bury
        self.generator = SimulatedGenerator(seed, script)
        self.workers: list[SimulatedWorker] = []
        self.replaces_dead_workers = True
        self.tables: Tables = {}
        self.seed = seed
        self.setup = setup
        self._services = 0
        self._service: SimulatedService | None = None
        self._news = asyncio.Event()
        self._stack = ExitStack()

    def __enter__(self) -> World:
        self._stack.enter_context(repeatable(self._logged))
        store = EmbeddedStore(self.tables, None, 2000, self.now)
        at_once(store.create_indexes(INDEXES))
        self.store = store
        self.site = Site(self.setup, store, self.generator, self.now, self.kill)
        self.witness = Witness(self.tables, self.now)
        self.promises = Promises(self.witness, self.generator, self.now, self._held, self.setup.cap)
        self.telling = Telling(self.witness, self.peek)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            error.add_note(self.told())
        self.schedule.end()
        self.loop.close()
        self._stack.close()

    def now(self) -> datetime:
        return whole_milliseconds(BEGINNING + timedelta(seconds=self.loop.time()))

    def told(self) -> str:
        """What happened last, to be read by a person."""
        lines = [f"{at:9.3f}  {operation.told()}" for at, operation in self.schedule.history[-SHOWN:]]
        bulks = [f"{bulk.get('name')}: {_brief(bulk)}" for bulk in self.witness.bulks.values()]
        jobs = [f"  {job['topic']}: {_brief(job)}" for job in self.witness.jobs.values()]
        return "\n".join(["What happened last:", *lines, "And this is left:", *bulks, *jobs])

    def run(self, story: Awaitable[T]) -> T:
        async def told() -> T:
            return await story

        return self.loop.run_until_complete(told())

    def start_worker(self) -> SimulatedWorker:
        worker = SimulatedWorker(self.schedule.process(f"worker-{len(self.workers) + 1}"), self.site)
        self.workers.append(worker)
        return worker

    async def ask(self, request: Callable[[System], Awaitable[T]], *, patient: bool = True) -> T:
        """What a service answers. A patient client repeats what was not answered, and what it was told to repeat."""
        while True:
            service = self._service_for_a_request()
            answer = service.process.spawn(_answered(service, request), "request", may_fail=True)
            death = self.loop.create_task(service.process.died.wait())
            await asyncio.wait({answer, death}, return_when=asyncio.FIRST_COMPLETED)
            death.cancel()
            if service.process.dead:
                if not patient:
                    raise NobodyAnswers
                continue
            try:
                return answer.result()
            except (Busy, StillRunning, StoreUnavailable) as error:
                if not patient:
                    raise NobodyAnswers from error
                await asyncio.sleep(1)

    async def living_service(self) -> Process:
        """The service that will be asked next, once it is ready."""
        service = self._service_for_a_request()
        await asyncio.wait({service.system})
        return service.process

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait until something that was written makes it true."""
        while not holds():
            self._news.clear()
            await self._news.wait()

    def peek(self, collection: str) -> list[dict[str, Any]]:
        table = self.tables.get(collection)
        return table.documents() if table else []

    def job_ids(self, bulk_id: ObjectId) -> list[ObjectId]:
        return [job["_id"] for job in self.witness.jobs_of(bulk_id)]

    def _demand_recovery(self) -> None:
        """What a lost worker ran can be claimed again within one lease plus one sweep (I6)."""
        judged = [worker.takes_back_since for worker in self.workers if worker.takes_back_since is not None]
        if not judged or self.schedule.was_cut:
            return  # after an outage a sweep waits
        for lease, began in self.witness.leases():
            latest = max(lease["until"], began, min(judged)) + self.setup.sweep_every + UNSURE + self._held()
            demand(self.now() <= latest, "nobody has taken back what a lost worker ran", lease)

    def _held(self) -> timedelta:
        return timedelta(seconds=self.schedule.held_seconds)

    def _service_for_a_request(self) -> SimulatedService:
        if self._service is None or self._service.process.dead:
            self._services += 1
            self._service = SimulatedService(self.schedule.process(f"service-{self._services}"), self.site)
        return self._service

    def _observe(self, operation: Operation) -> None:
        asked_at = BEGINNING + timedelta(seconds=operation.asked_at)
        self.witness.look(operation.process.name, asked_at, operation.name.partition(".")[0])
        self.promises.look()
        self._demand_recovery()
        self._news.set()

    def kill(self, process: Process) -> None:
        """At once, whatever it is doing."""
        process.die()
        self._bury(process)

    def _bury(self, process: Process) -> None:
        self.generator.hang_up(process)
        self._news.set()
        if process.name.startswith("worker"):
            self.loop.call_later(REPLACED_AFTER_SECONDS, self._replace_worker)

    def _replace_worker(self) -> None:
        if self.replaces_dead_workers:
            self.start_worker()

    def _logged(self, level: str, event: Event) -> None:
        owner = OWNER.get()
        if owner is None or owner.dead:
            return
        if level == "error":
            self.schedule.faults.append(Violation(f"an error was logged: {event}"))
        if event["event"] == "lease_lost" and not self.witness.has_lost(owner.name, ObjectId(event["job_id"])):
            self.schedule.faults.append(Violation(f"{owner.name} takes its own finish for a loss: {event}"))


async def _answered(service: SimulatedService, request: Callable[[System], Awaitable[T]]) -> T:
    return await request(await service.system)


def _brief(document: Mapping[str, Any]) -> str:
    told = ("status", "slots", "intent", "pause", "epoch", "due_at", "lease", "wish", "lane", "call_number", "free")
    return ", ".join(f"{name} {document[name]}" for name in told if document.get(name) not in (None, {}))
