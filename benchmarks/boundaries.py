"""What a death costs at each boundary of the stages of `article` and `blog`: a worker is killed there, another goes on.

The workers are real processes, and are killed with SIGKILL. Each boundary has a job of its own and two deaths: with the
stage's result made and not yet written, where the stage that ran may be repeated, and with its result written and the
worker not yet told, where nothing may. Where a worker stood is told by its job's document. The generator answers every
call anew, also a repeated key, and counts.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pymongo.asynchronous.database import AsyncDatabase

from benchmarks.bench import Bench
from benchmarks.boundary import Boundary, HeldUp, Side, boundaries_of
from benchmarks.deployment import environment_of
from benchmarks.figures import Figure, Figures, at_least, at_most
from benchmarks.inside import inside
from benchmarks.wire import proxied
from jobs.documents import BulkId, BulkRequest
from jobs.pipelines import ARTICLE, BLOG, PipelineSpec
from jobs.states import ENDED_JOBS, JobStatus
from jobs.system import System
from tests.support.processes import Process, start
from tests.support.scripted_generator import ScriptedGenerator

OWNER = "developer"
ITEM = {"topic": "How to choose waterproof hiking boots"}
PIPELINES = (ARTICLE, BLOG)
CALLS = {ARTICLE.name: 1, BLOG.name: 3}
"""How many calls a job needs that nothing happens to."""

PACE = {
    "PRESSRUN_WORKER__LEASE_SECONDS": "2",
    "PRESSRUN_WORKER__SWEEP_SECONDS": "0.2",
    "PRESSRUN_WORKER__POLL_SECONDS": "0.2",
}
LOOK_EVERY_SECONDS = 0.05
ENDED = frozenset(status.value for status in ENDED_JOBS)
Job = dict[str, Any]
PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Death:
    """What became of a job after one. `calls` are the generator's, by key; `stood_at` is what the document told."""

    boundary: Boundary
    side: Side
    stood_at: str
    job: Job
    calls: Counter[str]

    @property
    def repeated(self) -> int:
        return self.calls.total() - len(self.calls)

    @property
    def may_repeat(self) -> int:
        return int(self.boundary.calls and self.side is Side.UNWRITTEN)


async def run(bench: Bench) -> Figures:
    async with _ground(bench) as ground:
        for pipeline in PIPELINES:
            for side in Side:
                deaths = [await ground.death(pipeline, boundary, side) for boundary in boundaries_of(pipeline)]
                for figure in _figures(pipeline, side, deaths):
                    yield figure


def _figures(pipeline: PipelineSpec, side: Side, deaths: list[Death]) -> list[Figure]:
    needed = CALLS[pipeline.name] * len(deaths)
    made = sum(death.calls.total() for death in deaths)
    may = sum(death.may_repeat for death in deaths)
    keys = sum(len(death.calls) for death in deaths)
    completed = sum(death.job["status"] == JobStatus.COMPLETED.value for death in deaths)
    ran = f"{may} deaths fell on a stage that had called"
    return [
        Figure(f"{pipeline.name}: workers killed, {side}", len(deaths), ""),
        at_least("    jobs completed", completed, "", len(deaths)),
        Figure("    calls needed", needed, "", note=f"{CALLS[pipeline.name]} a job"),
        at_most("    calls made", made, "", needed + may, ran if side is Side.UNWRITTEN else "ideal: those needed"),
        at_most("    keys that are new", keys - needed, "", 0, "beyond one a call needed: each would be paid anew"),
        *[_row(death) for death in deaths],
    ]


def _row(death: Death) -> Figure:
    what = f"    {death.boundary.stage}: calls repeated"
    return at_most(what, death.repeated, "", death.may_repeat, f"killed {death.stood_at}")


@dataclass(frozen=True)
class Ground:
    """Where the workers live and die."""

    bench: Bench
    name: str
    database: AsyncDatabase[dict[str, Any]]
    system: System
    generator: ScriptedGenerator

    async def death(self, pipeline: PipelineSpec, boundary: Boundary, side: Side) -> Death:
        """A job, a worker that dies over it, and one that ends it."""
        before = len(self.generator.calls)
        bulk_id = await self._submitted(pipeline)
        held = HeldUp(boundary.mark, side)
        async with proxied(self.bench.uri, held) as uri, self._worker(uri) as worker:
            await self._until(bulk_id, lambda _: held.reached.is_set())
            job = await self._until(bulk_id, lambda job: _shows(job, boundary, side), approves=False)
            worker.send(signal.SIGKILL)
            await worker.ended()
        async with self._worker(self.bench.uri):
            ended = await self._until(bulk_id, lambda job: job["status"] in ENDED)
        calls = Counter(call.key for call in self.generator.calls[before:])
        return Death(boundary, side, f"{job['status']}, at {job['current_stage']}", ended, calls)

    async def _submitted(self, pipeline: PipelineSpec) -> BulkId:
        request = BulkRequest(mode="topic", items=[ITEM], delay=timedelta(0), pipeline=pipeline)
        return (await self.system.creation.create(OWNER, request)).bulk_id

    @contextlib.asynccontextmanager
    async def _worker(self, uri: str) -> AsyncIterator[Process]:
        environment = environment_of(uri, self.name, self.generator.url, PACE | _others(self.generator.url))
        worker = await start("worker", environment=environment, folder=self.bench.folder)
        try:
            yield worker
        finally:
            await worker.kill()

    async def _until(self, bulk_id: BulkId, holds: Callable[[Job], bool], *, approves: bool = True) -> Job:
        """The job, once this holds. Where it waits for a person, what is recommended is chosen at once."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                job = await self.database.generation_jobs.find_one({"bulk_job_id": bulk_id})
                assert job is not None
                if holds(job):
                    return job
                if approves and job["status"] == JobStatus.AWAITING_SELECTION.value:
                    await self.system.selections.approve(OWNER, bulk_id, OWNER)
                await asyncio.sleep(LOOK_EVERY_SECONDS)


def _shows(job: Job, boundary: Boundary, side: Side) -> bool:
    """Whether the document tells that the job stands at this side of the boundary."""
    if side is Side.UNWRITTEN:
        return job["current_stage"] == boundary.stage and boundary.stage not in job["checkpoints"]
    if boundary.status is not None:
        return bool(job["status"] == boundary.status.value)
    return boundary.stage in job["checkpoints"]


@contextlib.asynccontextmanager
async def _ground(bench: Bench) -> AsyncIterator[Ground]:
    async with (
        bench.database() as name,
        bench.client() as client,
        ScriptedGenerator() as generator,
        inside(bench, name, generator.url) as parts,
    ):
        yield Ground(bench, name, client[name], parts.system, generator)


def _others(url: str) -> dict[str, str]:
    return {"PRESSRUN_IDEAS__URL": url, "PRESSRUN_IMAGES__URL": url}
