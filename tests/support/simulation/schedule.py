"""Who goes next: each database and generator operation waits here until a seeded choice lets it take effect.

One operation at a time takes effect, and only when no task can run; so a run is told whole by its seed and its fates.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Coroutine, Generator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

from jobs.errors import PressrunError, StoreUnavailable
from tests.support.simulation.fates import CUTS, Fate, Point
from tests.support.simulation.virtual_loop import Stuck, VirtualLoop
from worker.generator import CallFailed

T = TypeVar("T")
Steps = Generator[None, None, T]
"""An operation: what it does, divided where other processes may come in between."""

LATE_ANSWER = 0.15
"""How often others go on between an operation's effect and its answer."""
SLOW_OPERATION = 0.02
"""How often time passes before any of the waiting operations takes effect."""
LONGEST_HOLD_SECONDS = 1.0
SLEEP_SECONDS = 65.0
"""Longer than any lease here with the sweep that takes it back, and than a creation is given time."""
MOST_OPERATIONS = 20_000


class ProcessDied(BaseException):
    """What a dead process is told where it would go on; no code catches it."""


@dataclass(eq=False)
class Operation:
    process: Process
    name: str
    steps: Steps[Any]
    writes: bool
    answer: asyncio.Future[Any]
    asked_at: float
    point: Point | None = None
    fate: Fate | None = None
    done_steps: int = 0
    over: bool = False
    result: Any = None
    error: Exception | None = None

    @property
    def is_of_database(self) -> bool:
        return not self.name.startswith("generator.")

    def told(self) -> str:
        return f"{self.point}{f' ({self.fate})' if self.fate else ''}{f' -> {self.error!r}' if self.error else ''}"


OWNER: ContextVar[Process | None] = ContextVar("owner", default=None)


@dataclass(eq=False)
class Process:
    """One process of the deployment: its tasks, and whether they may still do anything."""

    name: str
    schedule: Schedule = field(repr=False)
    dead: bool = False
    stalled: bool = False
    was_stalled: bool = False
    woken_at: float = -1.0
    unanswered_reads: int = 0
    tasks: list[asyncio.Task[Any]] = field(default_factory=list, repr=False)
    died: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def spawn(self, work: Coroutine[Any, Any, T], name: str, *, may_fail: bool = False) -> asyncio.Task[T]:
        """Run a coroutine as a task of this process; so are all the tasks that it makes."""
        token = OWNER.set(self)
        try:
            task = self.schedule.loop.create_task(work, name=f"{self.name}: {name}")
        finally:
            OWNER.reset(token)
        if not may_fail:
            task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and not self.dead:
            self.schedule.faults.append(error)

    async def does(self, name: str, steps: Steps[T], *, writes: bool = False, recalled: bool = False) -> T:
        """One operation. If its task is cancelled it may still take effect, unless it can be `recalled`."""
        if self.dead:
            raise ProcessDied
        loop = self.schedule.loop
        operation = Operation(self, name, steps, writes, loop.create_future(), loop.time())
        self.schedule.waiting.append(operation)
        try:
            answer: T = await operation.answer
        except asyncio.CancelledError:
            if not self.dead:
                self.schedule.abandon(operation, recalled=recalled)
            raise
        return answer

    def stall(self) -> None:
        """Stopped, as by SIGSTOP: it does and hears nothing until it is woken."""
        self.stalled = self.was_stalled = True

    def wake(self) -> None:
        if self.stalled:
            self.stalled, self.woken_at = False, self.schedule.loop.time()

    def die(self) -> None:
        """From now on nothing of it runs. What it had sent before may still arrive."""
        self.schedule.bury(self)
        self.dead = True
        self.died.set()
        for task in self.tasks:
            task.cancel()


class Schedule:
    """`fates` name the points at which something happens to their process; `observe` is told of each effect."""

    def __init__(self, seed: int, loop: VirtualLoop, fates: Mapping[Point, Fate]) -> None:
        self.loop = loop
        self.waiting: list[Operation] = []
        self.history: list[tuple[float, Operation]] = []
        self.held_seconds = 0.0
        self.was_cut = False
        self.processes: list[Process] = []
        self.tasks: list[asyncio.Task[Any]] = []
        self.faults: list[BaseException] = []
        self.observe: Callable[[Operation], None] = lambda _: None
        self.on_death: Callable[[Process], None] = lambda _: None
        self._dice = random.Random(seed)
        self._fates = dict(fates)
        self._occurrences: Counter[tuple[str, str]] = Counter()
        self._awaited: list[tuple[int, asyncio.Future[None]]] = []
        self._doomed: dict[tuple[str, str | None], Fate] = {}
        loop.at_rest = self._let_one_go_on
        loop.set_task_factory(self._new_task)
        loop.set_exception_handler(self._unheard)

    @property
    def unmet(self) -> list[Point]:
        """The points with a fate that the run has not come by."""
        return list(self._fates)

    def process(self, name: str) -> Process:
        process = Process(name, self)
        self.processes.append(process)
        return process

    def end(self) -> None:
        """Nothing takes effect any more, and every task is told so."""
        self.loop.at_rest = lambda _: False
        for process in self.processes:
            process.dead = True
        tasks = [task for task in self.tasks if not task.done()]
        for task in tasks:
            task.cancel()
        if tasks:
            self.loop.run_until_complete(asyncio.wait(tasks))

    async def operations(self, count: int) -> None:
        """Wait until so many more have begun."""
        until = self.loop.create_future()
        self._awaited.append((len(self.history) + count, until))
        await until

    def doom(self, process: Process, fate: Fate, operation: str | None = None) -> None:
        """Let this happen at the next operation of the process, or at its next one of this name."""
        self._doomed[process.name, operation] = fate

    def abandon(self, operation: Operation, *, recalled: bool) -> None:
        """Nobody waits for its answer any more. A command that was sent may still arrive, or not."""
        begun = operation.done_steps > 0
        if operation in self.waiting and (recalled or operation.over or not (begun or self._dice.random() < 0.5)):
            self.waiting.remove(operation)

    def bury(self, process: Process) -> None:
        for operation in [one for one in self.waiting if one.process is process]:
            self.waiting.remove(operation)
            begun = operation.done_steps > 0
            if operation.writes and not operation.over and (begun or self._dice.random() < 0.5):
                while not operation.over:
                    self._take_step(operation)

    def _unheard(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if error is not None and not isinstance(error, ProcessDied | PressrunError | CallFailed):
            self.faults.append(error)

    def _let_one_go_on(self, next_timer: float | None) -> bool:
        if self.faults:
            raise self.faults[0]
        if len(self.history) > MOST_OPERATIONS:
            raise Stuck(f"after {len(self.history)} operations: somebody asks over and over")
        able = [one for one in self.waiting if not one.process.stalled]
        if not able:
            return False
        if next_timer is not None and next_timer <= LONGEST_HOLD_SECONDS and self._dice.random() < SLOW_OPERATION:
            self.held_seconds += next_timer
            return False
        operation = able[self._dice.randrange(len(able))]
        if operation.over:
            self._answer(operation)
        else:
            self._go_on(operation)
        return True

    def _go_on(self, operation: Operation) -> None:
        if operation.point is None:
            self._begin(operation)
            if operation.fate is Fate.DIES_BEFORE:
                return self._kill(operation)
            if operation.fate is Fate.CUT_BEFORE:
                operation.error = StoreUnavailable("cut off by the schedule")
                return self._answer(operation)
            if operation.fate is Fate.SLEEPS_BEFORE:
                return self._put_to_sleep(operation.process)
        self._take_step(operation)
        if not operation.over:
            return self._kill(operation) if operation.fate is Fate.DIES_HALFWAY else None
        if operation.fate in (Fate.DIES_AFTER, Fate.DIES_HALFWAY):
            return self._kill(operation)
        if operation.fate is Fate.CUT_AFTER:
            operation.error = StoreUnavailable("cut off by the schedule")
        if operation.fate is Fate.SLEEPS_AFTER:
            return self._put_to_sleep(operation.process)
        if self._dice.random() >= LATE_ANSWER:
            self._answer(operation)
        return None

    def _begin(self, operation: Operation) -> None:
        named = (operation.process.name, operation.name)
        self._occurrences[named] += 1
        operation.point = Point(*named, self._occurrences[named])
        for doomed in (named, (operation.process.name, None)):
            if operation.is_of_database or self._doomed.get(doomed) not in CUTS:
                operation.fate = operation.fate or self._doomed.pop(doomed, None)
        operation.fate = self._fates.pop(operation.point, None) or operation.fate
        if operation.fate in CUTS:
            self.was_cut = True
            operation.process.unanswered_reads += not operation.writes
        self.history.append((self.loop.time(), operation))
        for until in [until for count, until in self._awaited if count <= len(self.history) and not until.done()]:
            until.set_result(None)
        self._awaited = [awaited for awaited in self._awaited if not awaited[1].done()]

    def _take_step(self, operation: Operation) -> None:
        operation.done_steps += 1
        try:
            next(operation.steps)
        except StopIteration as end:
            operation.over, operation.result = True, end.value
        except (PressrunError, CallFailed) as error:
            operation.over, operation.error = True, error
        if operation.writes:
            self.observe(operation)

    def _answer(self, operation: Operation) -> None:
        self.waiting.remove(operation)
        if operation.answer.done():
            return
        if operation.error is not None:
            operation.answer.set_exception(operation.error)
        else:
            operation.answer.set_result(operation.result)

    def _put_to_sleep(self, process: Process) -> None:
        process.stall()
        self.loop.call_later(SLEEP_SECONDS, process.wake)

    def _kill(self, operation: Operation) -> None:
        self.waiting.remove(operation)
        operation.process.die()
        self.on_death(operation.process)

    def _new_task(self, loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **options)
        self.tasks.append(task)
        owner = OWNER.get()
        if owner is not None:
            owner.tasks.append(task)
        return task
