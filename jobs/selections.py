"""Jobs that wait for a person to choose: what they are offered, what is chosen, what the deadline chooses instead.

A choice touches a job and its bulk, so it is an intent on the bulk, carried out by `jobs.intents`. What is offered and
what becomes of the choice is the pipeline's affair.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, groupby
from typing import Any

import structlog

from jobs.clock import Clock
from jobs.documents import BulkId, JobId, UserId
from jobs.errors import Busy, Fault, InvalidInput, MoveRefused, NotFound, SelectionRefused, StoreRefused
from jobs.intents import TRIES, Intent, Intents
from jobs.settling import Settling
from jobs.states import JobStatus
from jobs.storage.storable import size_of
from jobs.storage.store import Document, Store
from jobs.wake import Wake

log = structlog.get_logger()
AT_ONCE = 100
MOST_OF_INTENT = 4 * 2**20
DEADLINE = "deadline"
AWAITING: Document = {"schema": 1, "status": JobStatus.AWAITING_SELECTION.value}


@dataclass(frozen=True)
class Choice:
    """The number of an option, from 0, or what a person made of one; `by` whom."""

    by: str
    option: int | None = None
    edited: Mapping[str, Any] | None = None

    def said(self) -> Document:
        return {"choice": self.option, "edited": dict(self.edited) if self.edited is not None else None}


def overdue(now: datetime) -> Document:
    """Jobs for which the deadline chooses now."""
    return {**AWAITING, "selection.until": {"$lte": now}}


class Selections:
    def __init__(self, store: Store, clock: Clock, settling: Settling, wake: Wake) -> None:
        self._jobs = store.collection("generation_jobs")
        self._bulks = store.collection("bulk_jobs")
        self._clock = clock
        self._intents = Intents(store, clock, settling, wake)

    async def choose(self, owner: UserId, job_id: JobId, choice: Choice) -> Document:
        """The job, which goes on with this choice. To repeat a choice changes nothing.

        Raises `InvalidInput` for an option that is not there, `SelectionRefused` where something else was chosen
        before or the deadline is past, `MoveRefused` for a job that has nothing to choose.
        """
        for _ in range(TRIES):
            job = await self._job(owner, job_id)
            if job["status"] != JobStatus.AWAITING_SELECTION:
                return _chosen_before(job, choice)
            _check_option(job["selection"], choice)
            bulk = await self._intents.quiet(owner, job["bulk_job_id"])
            job = await self._job(owner, job_id)  # as it is while the bulk stays as it is
            if job["status"] != JobStatus.AWAITING_SELECTION:
                continue
            if _is_overdue(job, self._clock.now()):
                await self._write(bulk, [job], Choice(DEADLINE))
                continue
            await self._write(bulk, [job], choice)
        raise Busy("job")

    async def approve(self, owner: UserId, bulk_id: BulkId, by: str) -> int:
        """Choose what is recommended for all jobs of the bulk that wait; for how many."""
        await self._intents.quiet(owner, bulk_id)
        return await self._recommended(await self._awaiting({"bulk_job_id": bulk_id}), by)

    async def choose_overdue(self) -> int:
        """Choose what is recommended for the jobs whose deadline is past; for how many."""
        return await self._recommended(await self._awaiting(overdue(self._clock.now())), DEADLINE)

    async def _awaiting(self, which: Document) -> list[Document]:
        return await self._jobs.find(
            {**AWAITING, **which}, projection=["bulk_job_id", "userId"], sort=[("bulk_job_id", 1), ("_id", 1)]
        )

    async def _recommended(self, jobs: Sequence[Document], by: str) -> int:
        count = 0
        for bulk_id, alike in groupby(jobs, key=lambda job: job["bulk_job_id"]):
            waiting = list(alike)
            try:
                for begin in range(0, len(waiting), AT_ONCE):
                    some = waiting[begin : begin + AT_ONCE]
                    count += await self._recommended_of(some[0]["userId"], bulk_id, [job["_id"] for job in some], by)
            except (Busy, NotFound, StoreRefused) as error:
                if by != DEADLINE:
                    raise
                log.warning("selection_not_made", bulk_id=str(bulk_id), reason=str(error))  # the others' are
        return count

    async def _recommended_of(self, owner: UserId, bulk_id: BulkId, job_ids: Sequence[JobId], by: str) -> int:
        count = 0
        for _ in range(TRIES):
            bulk = await self._intents.quiet(owner, bulk_id)
            mine = {**AWAITING, "_id": {"$in": list(job_ids)}}
            if by == DEADLINE:
                mine |= overdue(self._clock.now())
            jobs = _that_fit(await self._jobs.find(mine, projection=["selection"]))
            if not jobs:
                return count
            if await self._write(bulk, jobs, Choice(by)) is not None:
                count += len(jobs)
        raise Busy("bulk job")

    async def _write(self, bulk: Document, jobs: Sequence[Document], choice: Choice) -> Document | None:
        each = [self._chosen(job["selection"], choice) for job in jobs]
        return await self._intents.write(bulk, {}, Intent.SELECT, [job["_id"] for job in jobs], each=each)

    def _chosen(self, selection: Document, choice: Choice) -> Document:
        """What changes in the job: the choice is the result of the stage that has asked."""
        now = self._clock.now()
        recommended = choice.option is None and choice.edited is None
        option = selection["recommended"] if recommended else choice.option
        result = dict(choice.edited) if choice.edited is not None else selection["options"][option]
        entry = {
            "hash": selection["hash"],
            "status": "completed",
            "result": result,
            "at": now,
            "duration_ms": round((now - selection["asked_at"]).total_seconds() * 1000),
        }
        said = Choice(choice.by, option, choice.edited).said()
        return {
            f"checkpoints.{selection['stage']}": entry,
            "selection.chosen": {**said, "by": choice.by, "at": now},
            "current_stage": selection["then"],
            "percentage": selection["percentage"],
        }

    async def _job(self, owner: UserId, job_id: JobId) -> Document:
        job = await self._jobs.find_one({"_id": job_id, "userId": owner, "schema": 1})
        if job is None:
            raise NotFound("job")
        return job


def _that_fit(jobs: Sequence[Document]) -> Sequence[Document]:
    """The first of them, but no more than what is recommended for them fits into one intent."""
    sizes = (size_of(job["selection"]["options"][job["selection"]["recommended"]]) for job in jobs)
    return [job for job, whole in zip(jobs, accumulate(sizes), strict=True) if whole <= MOST_OF_INTENT] or jobs[:1]


def _is_overdue(job: Document, now: datetime) -> bool:
    until = job["selection"]["until"]
    return until is not None and until <= now


def _check_option(selection: Document, choice: Choice) -> None:
    there_are = len(selection["options"])
    if choice.option is not None and not 0 <= choice.option < there_are:
        fault = Fault("choice", f"must be the number of an option, from 0 to {there_are - 1}")
        raise InvalidInput("The request is not valid.", (fault,))


def _chosen_before(job: Document, choice: Choice) -> Document:
    chosen = job["selection"].get("chosen") if job["selection"] else None
    if chosen is None:
        raise MoveRefused("job", job["status"], "given a selection")
    if {name: chosen[name] for name in ("choice", "edited")} == choice.said():
        return job
    if chosen["by"] == DEADLINE:
        raise SelectionRefused("The deadline for this selection has passed: the recommended option was chosen.")
    raise SelectionRefused("Another option was chosen before: a selection is made once.")
