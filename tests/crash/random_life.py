"""A life that hypothesis makes up: people, workers and misfortunes in any order, one rule at a time. No tests here."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from jobs.controls import PauseMode
from jobs.documents import BulkId, JobId, Notify, notify_as_stored
from jobs.states import JobStatus
from tests.support.simulation.deployed import Setup, SimulatedWorker
from tests.support.simulation.fates import Fate
from tests.support.simulation.made_in_stages import PIPELINES
from tests.support.simulation.people import People
from tests.support.simulation.rest import assert_all_at_rest, come_to_rest
from tests.support.simulation.schedule import Process
from tests.support.simulation.simulated_generator import (
    Answer,
    no_answer,
    passing_failure,
    permanent_failure,
    success,
    too_many_requests,
)
from tests.support.simulation.world import World

T = TypeVar("T")
MOST_WORKERS = 3
MOST_BULKS = 4
ONE_OPERATION_AT_MOST_SECONDS = 5.0
ANSWERS = (success(20), passing_failure(), permanent_failure(), no_answer(8), too_many_requests(timedelta(seconds=7)))

which = st.integers(0, 11)
a_while = st.sampled_from([0.1, 0.5, 1.0, 3.0, 10.0, 30.0])
fates = st.sampled_from(Fate)
percents = st.sampled_from([(), (50,), (20, 60, 90)])
PACES = (1, 3, 8, 20)
"""How many operations happen after a step; which of these, the life's seed says."""


def one_of(those: Sequence[T], which: int) -> Sequence[T]:
    """None where there is none."""
    return [those[which % len(those)]] if those else []


class RandomLife(RuleBasedStateMachine):
    """`seen` counts over all lives what has happened in them: they are worth telling only if they are rich."""

    seen: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[Answer] = []
        self.requests: list[asyncio.Task[object]] = []
        self.failed = False
        self.steps = 0

    @initialize(
        seed=st.integers(0, 2**16),
        cap=st.sampled_from([None, 1, 2]),
        slots=st.integers(1, 2),
        workers=st.integers(1, 2),
        misfortune=st.tuples(st.integers(0, 8), st.sampled_from(Fate)),
    )
    def begin(self, seed: int, cap: int | None, slots: int, workers: int, misfortune: tuple[int, Fate]) -> None:
        """`misfortune`: at which step, and what, for a worker. Hypothesis alone might make few lives that have any."""
        self.misfortune = misfortune
        self.world = World(seed, Setup(cap=cap, slots=slots), self._answer)
        self.world.__enter__()
        self.world.loop.last_moment = 100_000.0
        self.world.replaces_dead_workers = False
        self.people = People(self.world)
        self._dice = random.Random(seed)
        for _ in range(workers):
            self.world.start_worker()
        self.submit(count=4, parallelism=1, delay=0, retries=1)

    @precondition(lambda self: len(self.world.witness.bulks) < MOST_BULKS)
    @rule(
        count=st.integers(1, 4),
        parallelism=st.integers(1, 3),
        delay=st.sampled_from([0, 1]),
        retries=st.integers(0, 1),
        pipeline=st.sampled_from(["plain", "drafted", "chosen"]),
        progress=percents,
    )
    def submit(
        self,
        count: int,
        parallelism: int,
        delay: int,
        retries: int,
        pipeline: str = "plain",
        progress: Sequence[int] = (),
    ) -> None:
        name = f"bulk {len(self.requests)}"
        bulk: dict[str, Any] = {"parallelism": parallelism, "delay": timedelta(seconds=delay), "max_retries": retries}
        bulk |= {"pipeline": PIPELINES[pipeline].spec, "notify": Notify(progress=progress)}
        self._ask(self.people.submit(name, count, **bulk))

    @precondition(lambda self: len(self.world.witness.bulks) < MOST_BULKS)
    @rule(ended=st.integers(0, 1), waiting=st.integers(0, 2))
    def store_as_the_application(self, ended: int, waiting: int) -> None:
        if jobs := [*[{"status": "failed"}] * ended, *[{}] * waiting]:
            self.people.store_as_the_application(len(self.world.witness.bulks) + 1, jobs)

    @rule(bulk=which, mode=st.sampled_from(PauseMode), lasting=st.sampled_from([None, 5]))
    def pause(self, bulk: int, mode: PauseMode, lasting: int | None) -> None:
        time = timedelta(seconds=lasting) if lasting else None
        self._control(bulk, lambda chosen: self.people.pause(chosen, mode, time))

    @rule(bulk=which)
    def resume(self, bulk: int) -> None:
        self._control(bulk, self.people.resume)

    @rule(bulk=which)
    def cancel(self, bulk: int) -> None:
        self._control(bulk, self.people.cancel)

    @rule(bulk=which)
    def retry(self, bulk: int) -> None:
        self._control(bulk, self.people.retry)

    @rule(bulk=which, job=which)
    def cancel_job(self, bulk: int, job: int) -> None:
        self._control(bulk, lambda chosen: self.people.cancel_job(self._job(chosen, job)))

    @rule(bulk=which, job=which, anew=st.booleans())
    def retry_job(self, bulk: int, job: int, anew: bool) -> None:
        def again(chosen: BulkId) -> Awaitable[None]:
            first = self.world.witness.bulks[chosen]["stages"][0]["name"]
            return self.people.retry_job(self._job(chosen, job), first if anew else None)

        self._control(bulk, again)

    @rule(bulk=which, job=which, option=st.integers(0, 1))
    def choose(self, bulk: int, job: int, option: int) -> None:
        self._control(bulk, lambda chosen: self.people.choose(self._job(chosen, job), option))

    @rule(bulk=which)
    def approve(self, bulk: int) -> None:
        self._control(bulk, self.people.approve)

    @rule(bulk=which, parallelism=st.integers(1, 3))
    def change_parallelism(self, bulk: int, parallelism: int) -> None:
        self._control(bulk, lambda chosen: self.people.change(chosen, {"parallelism": parallelism}))

    @rule(bulk=which, progress=percents)
    def choose_percentages(self, bulk: int, progress: Sequence[int]) -> None:
        chosen = notify_as_stored(Notify(progress=progress))
        self._control(bulk, lambda which_one: self.people.change(which_one, {"notify": chosen}))

    @rule(cap=st.sampled_from([None, 1, 2]))
    def change_cap(self, cap: int | None) -> None:
        self._ask(self.people.change_cap(cap))

    @precondition(lambda self: len(self._workers()) < MOST_WORKERS)
    @rule()
    def start_a_worker(self) -> None:
        self.world.start_worker()

    @rule(worker=which)
    def stall(self, worker: int) -> None:
        for chosen in one_of(self._workers(), worker):
            chosen.process.stall()

    @rule(worker=which)
    def wake(self, worker: int) -> None:
        for chosen in one_of(self._workers(), worker):
            chosen.process.wake()

    @rule(worker=which, urgent=st.booleans())
    def shut_down(self, worker: int, urgent: bool) -> None:
        for chosen in one_of(self._workers(), worker):
            chosen.shutdown.ask_urgently() if urgent else chosen.shutdown.ask()

    @rule(process=which, fate=fates)
    def strike(self, process: int, fate: Fate) -> None:
        """At its next operation."""
        for chosen in one_of(self._processes(), process):
            self.world.schedule.doom(chosen, fate)

    @rule(call=which, fate=st.sampled_from([Fate.DIES_BEFORE, Fate.DIES_AFTER, Fate.SLEEPS_AFTER, Fate.CUT_AFTER]))
    def strike_who_runs_a_job(self, call: int, fate: Fate) -> None:
        for chosen in one_of([call.process for call in self.world.generator.open_calls], call):
            self.world.schedule.doom(chosen, fate)

    @rule(process=which)
    def kill(self, process: int) -> None:
        for chosen in one_of(self._processes(), process):
            self.world.kill(chosen)

    @rule(answer=st.sampled_from(ANSWERS))
    def let_the_generator_answer(self, answer: Answer) -> None:
        self.answers.append(answer)

    @rule(seconds=a_while)
    def let_time_pass(self, seconds: float) -> None:
        self._run(asyncio.sleep(seconds))

    @invariant()
    def life_goes_on(self) -> None:
        self.steps += 1
        if self.misfortune[0] == self.steps:
            self.world.schedule.doom(self.world.workers[0].process, self.misfortune[1])
        self._run(self._some(self._dice.choice(PACES)))
        for request in self.requests:
            if request.done():
                self._guarded(request.result)

    def teardown(self) -> None:
        """A fresh worker, and everybody awake and alive: all of it comes to its end."""
        if not hasattr(self, "world"):
            return
        try:
            if not self.failed:
                self._run(self._come_to_an_end())
                assert_all_at_rest(self.world)
                self._count()
        except BaseException as error:
            error.add_note(self.world.told())
            raise
        finally:
            self.world.__exit__(None, None, None)

    async def _come_to_an_end(self) -> None:
        self.answers.clear()
        for worker in self._workers():
            worker.process.wake()
        self.world.start_worker()
        self.world.replaces_dead_workers = True
        await asyncio.gather(*self.requests)
        for bulk, document in list(self.world.witness.bulks.items()):
            if document["status"] == "paused":
                await self.people.resume(BulkId(bulk))
        await come_to_rest(self.world)

    def _count(self) -> None:
        jobs = self.world.witness.jobs.values()
        ends = {attempt["outcome"] for job in jobs for attempt in job["attempts"]}
        struck = [operation.process.name for _, operation in self.world.schedule.history if operation.fate]
        facts = {
            "lives": True,
            "lives with a generator call": self.world.generator.calls,
            "lives with a worker that died, slept or was cut off": any(name.startswith("worker") for name in struck),
            "lives with a job that its worker lost": "lost" in ends,
            "lives with a job put back by an abort or a shutdown": "handed_back" in ends,
            "lives with a cancelled job": any(job["status"] == JobStatus.CANCELLED for job in jobs),
            "lives with a retry": any(job["epoch"] > 1 and job["call_number"] > 1 for job in jobs),
        }
        self.seen.update(name for name, happened in facts.items() if happened)

    def _control(self, bulk: int, control: Callable[[BulkId], Awaitable[object]]) -> None:
        ours = [one for one, document in self.world.witness.bulks.items() if document.get("schema") == 1]
        for chosen in one_of(ours, bulk):
            self._ask(control(BulkId(chosen)))

    def _job(self, bulk: BulkId, job: int) -> JobId:
        jobs = self.world.job_ids(bulk)
        return JobId(jobs[job % len(jobs)])

    def _ask(self, request: Awaitable[object]) -> None:
        async def ask() -> object:
            return await request

        self.requests.append(self.world.loop.create_task(ask()))

    def _workers(self) -> list[SimulatedWorker]:
        return [worker for worker in self.world.workers if not worker.is_over]

    def _processes(self) -> list[Process]:
        return [process for process in self.world.schedule.processes if not process.dead]

    def _answer(self, _: str, __: int, ___: int) -> Answer:
        return self.answers.pop() if self.answers else success(self._dice.choice((None, 4, 15)))

    async def _some(self, operations: int) -> None:
        """So many, or fewer where none comes for long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(ONE_OPERATION_AT_MOST_SECONDS):
                await self.world.schedule.operations(operations)

    def _run(self, story: Awaitable[object]) -> None:
        self._guarded(lambda: self.world.run(story))

    def _guarded(self, act: Callable[[], object]) -> None:
        try:
            act()
        except BaseException as error:
            self.failed = True
            error.add_note(self.world.told())
            raise
