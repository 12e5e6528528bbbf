"""The people of a simulated deployment: they ask for things over the service, and hold it to what it answers.

What the table of moves refuses they accept; they do not ask again. The application stores bulks of its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from bson import ObjectId

from jobs.controls import Answer, Pause, PauseMode
from jobs.creation import IdempotencyKey
from jobs.documents import BulkId, BulkRequest, JobId
from jobs.errors import MoveRefused, SelectionRefused
from jobs.pipelines import PLAIN
from jobs.selections import Choice
from jobs.system import System
from tests.support.simulation.simulated_store import at_once
from tests.support.simulation.witness import demand
from tests.support.simulation.world import World

T = TypeVar("T")
OWNER = "owner"


class People:
    """`patient` ones repeat what was not answered."""

    def __init__(self, world: World, *, patient: bool = True) -> None:
        self._world = world
        self._patient = patient
        self.bulks: list[BulkId] = []

    async def submit(
        self,
        name: str,
        count: int,
        *,
        topic: str | None = None,
        dedupe: bool = False,
        delay: timedelta = timedelta(0),
        max_retries: int = 1,
        **settings: Any,
    ) -> BulkId:
        """The items' topics are the name and a number from 1. Repeating it makes no second bulk."""
        items = [{"topic": topic or f"{name}-{number}", "dedupe": dedupe} for number in range(1, count + 1)]
        request = BulkRequest(
            mode="topic",
            items=items,
            name=name,
            delay=delay,
            max_retries=max_retries,
            **{"pipeline": PLAIN, **settings},
        )
        key = IdempotencyKey(f"key of {name}", "hash")
        created = await self._ask(lambda system: system.creation.create(OWNER, request, key))
        demand(created.bulk_id in self._world.witness.bulks, "a bulk was answered and is not there", created)
        demand(len(self._world.job_ids(created.bulk_id)) == count, "jobs were answered and are not there", created)
        self.bulks.append(created.bulk_id)
        return created.bulk_id

    async def pause(self, bulk: BulkId, mode: PauseMode = PauseMode.FINISH, lasting: timedelta | None = None) -> None:
        until = self._world.now() + lasting if lasting else None
        pause = Pause(mode, "a break", until)
        await self._stop(bulk, lambda system: system.controls.pause(OWNER, bulk, pause), aborts=False)

    async def resume(self, bulk: BulkId) -> None:
        with self._world.promises.lifting(bulk, pause_too=True):
            await self._unless_refused(lambda system: system.controls.resume(OWNER, bulk))

    async def cancel(self, bulk: BulkId) -> None:
        await self._stop(bulk, lambda system: system.controls.cancel(OWNER, bulk), aborts=True)

    async def retry(self, bulk: BulkId) -> int:
        """How many jobs were sent back."""
        with self._world.promises.lifting(bulk, pause_too=False):
            return (await self._ask(lambda system: system.controls.retry(OWNER, bulk)))[1]

    async def cancel_job(self, job: JobId) -> None:
        bulk = self._world.witness.jobs[job]["bulk_job_id"]
        since = self._world.promises.lifts[bulk]
        if await self._unless_refused(lambda system: system.controls.cancel_job(OWNER, job)) is not None:
            self._world.promises.cancelled(JobId(job), since=since)

    async def choose(self, job: JobId, option: int) -> None:
        choice = Choice(OWNER, option)
        await self._unless_refused(lambda system: system.selections.choose(OWNER, job, choice))

    async def approve(self, bulk: BulkId) -> None:
        await self._ask(lambda system: system.selections.approve(OWNER, bulk, OWNER))

    async def retry_job(self, job: JobId, from_stage: str | None = None) -> None:
        with self._world.promises.lifting(self._world.witness.jobs[job]["bulk_job_id"], pause_too=False):
            await self._unless_refused(lambda system: system.controls.retry_job(OWNER, job, from_stage))

    async def change(self, bulk: BulkId, changes: Mapping[str, Any]) -> None:
        await self._ask(lambda system: system.controls.change(OWNER, bulk, changes))

    async def change_cap(self, cap: int | None) -> None:
        self._world.promises.cap = None  # what was claimed before may run on
        await self._ask(lambda system: system.limits.change({"max_running": cap}))

    async def limit(self, changes: Mapping[str, Any], tenant: str | None = None) -> None:
        if tenant is None:
            await self._ask(lambda system: system.limits.change(changes))
        else:
            await self._ask(lambda system: system.limits.change_tenant(tenant, changes))

    def store_as_the_application(self, number: int, jobs: Sequence[Mapping[str, Any]]) -> BulkId:
        """A bulk that Pressrun knows nothing of yet; `number`, from 1, makes its ids."""
        bulk = {
            "_id": ObjectId(f"{number:08x}" + 16 * "a"),
            "userId": OWNER,
            "mode": "topic",
            "status": "queued",
            "total_items": len(jobs),
            "created_at": self._world.now(),
        }
        at_once(self._world.store.collection("bulk_jobs").insert_one(dict(bulk)))
        self.store_single_jobs(number, [{**job, "bulk_job_id": bulk["_id"]} for job in jobs])
        self.bulks.append(BulkId(bulk["_id"]))  # type: ignore[arg-type]
        return self.bulks[-1]

    def store_single_jobs(self, number: int, jobs: Sequence[Mapping[str, Any]]) -> list[ObjectId]:
        """Jobs of the application, by themselves unless they name a bulk."""
        stored = [
            {
                "_id": ObjectId(f"{number:08x}{position:016x}"),
                "bulk_job_id": None,
                "userId": OWNER,
                "mode": "topic",
                "topic": f"application-{number}-{position}",
                "status": "queued",
                **job,
            }
            for position, job in enumerate(jobs, start=1)
        ]
        at_once(self._world.store.collection("generation_jobs").insert_many(stored))
        self._world.witness.look("application", self._world.now())
        return [job["_id"] for job in stored]

    async def _stop(self, bulk: BulkId, control: Callable[[System], Awaitable[Answer]], *, aborts: bool) -> None:
        since = self._world.promises.lifts[bulk]
        answer = await self._unless_refused(control)
        if answer is not None:
            self._world.promises.stopped(bulk, answer.running, since=since, aborts=aborts)

    async def _ask(self, request: Callable[[System], Awaitable[T]]) -> T:
        return await self._world.ask(request, patient=self._patient)

    async def _unless_refused(self, request: Callable[[System], Awaitable[T]]) -> T | None:
        try:
            return await self._ask(request)
        except (MoveRefused, SelectionRefused):
            return None
