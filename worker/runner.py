"""Runs one claimed job: through its pipeline to an outcome, and writes that. What to run next is decided elsewhere."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog

from jobs.claims import Claim, Reservation
from jobs.documents import MODES, input_of
from jobs.errors import Busy, PressrunError, StoreRefused, StoreUnavailable
from jobs.expenses import Expense
from jobs.leases import LeaseLost
from jobs.outcomes import Awaiting, Cancelled, Completed, Failed, HandedBack, Outcome, Retry
from jobs.queue import Queue
from jobs.states import JobStatus
from jobs.storage.bson_json import plain
from jobs.tracing import SpanKind
from worker.failures import StageFailed
from worker.keeper import Keeper, Running
from worker.keeping import FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS
from worker.metrics import AttemptEnd
from worker.outcomes import outcome_of_failure, outcome_of_interruption
from worker.pipeline import Asked, Course, Entry, Finished
from worker.record import RunningRecord, Stopping, Workbench
from worker.stage import Pipeline, SentBack, Sofar

log = structlog.get_logger()


class Runner:
    """`pipelines` are those that this worker can run, by name."""

    def __init__(
        self,
        queue: Queue,
        pipelines: Mapping[str, Pipeline],
        bench: Workbench,
        keeper: Keeper,
        jitter: random.Random,
    ) -> None:
        self._queue = queue
        self._pipelines = pipelines
        self._bench = bench
        self._keeper = keeper
        self._jitter = jitter

    async def run(self, claim: Claim, turn_ends: float = 0.0) -> Reservation | None:
        """Run the job to an outcome and store it. A lost lease is said once and changes nothing.

        Where it ends before `turn_ends`, on the event loop's clock, the slot of its bulk's next job is reserved along
        with that, if that may start at once.
        """
        running = Running(claim, started=asyncio.get_running_loop().time())
        bound = {"bulk_id": str(claim.bulk_id), "job_id": str(claim.job_id)}
        with (
            structlog.contextvars.bound_contextvars(**bound),
            self._keeper.watching(running),
            self._bench.tracer.span(
                "pressrun.job", kind=SpanKind.CONSUMER, follows=claim.job.get("trace"), facts=bound
            ) as span,
        ):
            log.info("job_started", attempt=len(claim.job["attempts"]) + 1, position=claim.job["queue_position"])
            record = RunningRecord(claim, self._bench)
            try:
                outcome = await self._outcome(running, record)
                if outcome is None:
                    raise LeaseLost(claim.job_id)  # noqa: TRY301 - the keeper has heard what a write would be told
                # The last write must arrive even if this task is cancelled now.
                reserved = await asyncio.shield(self._finish(claim, outcome, turn_ends))
                await record.calls.tell_what_went_well()
                return reserved  # noqa: TRY300 - the shield's answer
            except LeaseLost:
                log.warning("lease_lost")
                span.fail("lease_lost")
                self._bench.metrics.lease_lost()
                self._bench.metrics.attempted(claim.job["mode"], AttemptEnd.LOST)
                return None

    async def _outcome(self, running: Running, record: RunningRecord) -> Outcome | None:
        claim = running.claim
        if claim.twin is not None:
            meta = {**(claim.twin["result_meta"] or {}), "usage": None, "shared_from": str(claim.twin["_id"])}
            # Nothing is called now; what may have been paid for it before stays counted.
            return Completed(claim.twin["result"], meta, Expense(told=claim.job["owed"], settled=True))
        work = asyncio.create_task(self._work(claim, record), name=f"pipeline of {claim.job_id}")
        running.work = work
        try:
            came_to = await work
        except StageFailed as failed:
            return _repeating(self._after_failure(claim, failed, record.expense), record)
        except StoreRefused as refused:
            reason = f"What was made could not be stored: {refused.reason[:300]}."
            return _repeating(self._after_failure(claim, StageFailed(reason, definite=True), record.expense), record)
        except LeaseLost:
            raise
        except PressrunError as error:  # nothing that a stage asked for is a reason to leave the job to the sweep
            return _repeating(self._after_failure(claim, StageFailed(str(error)), record.expense), record)
        except Stopping:
            return HandedBack("the worker was stopped", record.expense)
        except asyncio.CancelledError:
            if running.interruption is None:
                work.cancel()  # not the call but this task is being stopped
                raise
            return outcome_of_interruption(claim.job, running.interruption, record.expense)
        if isinstance(came_to, Asked):
            return Awaiting(_selection(came_to, self._bench.clock.now()), record.expense)
        return _completed(claim, came_to, _settled(came_to, record.expense))

    async def _work(self, claim: Claim, record: RunningRecord) -> Finished | Asked:
        name = claim.bulk["pipeline"]
        pipeline = self._pipelines.get(name)
        if pipeline is None:
            raise StageFailed(f"This worker does not know the pipeline {name!r}.", counted=False)
        mode = claim.job["mode"]
        if mode not in MODES:
            raise StageFailed(f"There is no mode {str(mode)[:40]!r}: use one of {', '.join(MODES)}.", permanent=True)
        return await Course(pipeline, _sofar(claim), claim.job["checkpoints"], record).run()

    def _after_failure(self, claim: Claim, failed: StageFailed, spent: Expense) -> Outcome:
        return outcome_of_failure(claim.job, claim.bulk["max_retries"], failed, spent, self._jitter)

    async def _finish(self, claim: Claim, outcome: Outcome, turn_ends: float) -> Reservation | None:
        wait = FIRST_WAIT_SECONDS
        goes_on = asyncio.get_running_loop().time() < turn_ends
        reserved = None
        while True:
            try:
                if goes_on:
                    status, reserved = await self._queue.finish_and_reserve(claim, outcome)
                else:
                    status = await self._queue.finish(claim, outcome)
            except StoreUnavailable as error:
                goes_on = False
                log.warning("finish_waits_for_database", reason=error.reason)
                await asyncio.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT_SECONDS)
            except Busy:
                log.info("settle_left_to_upkeep")
                self._bench.metrics.attempted(claim.job["mode"], _end_of(outcome))
                return None
            except StoreRefused as error:
                log.error("finish_refused", reason=error.reason)  # noqa: TRY400 - the reason is all there is to know
                if isinstance(outcome, Completed | Awaiting):
                    reason = f"The result could not be stored: {error.reason[:300]}."
                    failed = StageFailed(reason, definite=True)
                    outcome = self._after_failure(claim, failed, outcome.expense or Expense())
                await asyncio.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT_SECONDS)
            else:
                told = {"error": outcome.error} if isinstance(outcome, Failed | Retry) else {}
                log.info("job_ended", outcome=type(outcome).__name__.lower(), status=status.value, **told)
                end = AttemptEnd.CANCELLED if status is JobStatus.CANCELLED else _end_of(outcome)
                self._bench.metrics.attempted(claim.job["mode"], end)
                return reserved


def _end_of(outcome: Outcome) -> AttemptEnd:
    match outcome:
        case Completed():
            return AttemptEnd.COMPLETED
        case Failed():
            return AttemptEnd.FAILED
        case Retry():
            return AttemptEnd.RETRIED
        case Cancelled():
            return AttemptEnd.CANCELLED
        case Awaiting():
            return AttemptEnd.AWAITING
        case _:
            return AttemptEnd.HANDED_BACK


def _repeating(outcome: Outcome, record: RunningRecord) -> Outcome:
    match outcome:
        case Failed() | Retry():
            return replace(outcome, unanswered=record.calls.unanswered)
        case _:
            return outcome


def _sofar(claim: Claim) -> Sofar:
    job, bulk = claim.job, claim.bulk
    sent_back = job["sent_back"]
    return Sofar(
        job_id=str(claim.job_id),
        bulk_id=str(claim.bulk_id),
        user_id=str(job["userId"]),
        position=job["queue_position"],
        mode=job["mode"],
        item=input_of(job),
        options=_plain(bulk["options"]),
        sent_back=SentBack(**sent_back) if sent_back else None,
    )


def _plain(document: Mapping[str, Any]) -> dict[str, Any]:
    told = plain(dict(document))
    return told if isinstance(told, dict) else {}


def _completed(claim: Claim, finished: Finished, spent: Expense) -> Completed:
    product = finished.product
    names = [stage["name"] for stage in claim.bulk["stages"]]
    order = {name: place for place, name in enumerate(names)}
    entries = sorted(finished.entries.items(), key=lambda named: order.get(named[0], len(order)))
    meta = {
        **product.meta,
        "pipeline": claim.bulk["pipeline"],
        "usage": _usage(finished.entries),
        "stages": [_told(name, entry) for name, entry in entries],
    }
    sketch = list(product.sketch) if product.sketch is not None else None
    return Completed(product.content, meta, spent, sketch)


def _settled(finished: Finished, spent: Expense) -> Expense:
    """Where this running called nobody each stage's answer was kept by an earlier one, which knew its cost: then no
    repeat is to come that would settle what is still set aside. What has failed over may have been paid all the same.
    """
    failed_over = any(entry["status"] == "completed" and "note" in entry for entry in finished.entries.values())
    return spent if spent.open or failed_over else replace(spent, settled=True)


def _told(name: str, entry: Entry) -> Entry:
    return {"name": name} | {key: value for key, value in entry.items() if key not in ("hash", "result", "at")}


def _usage(entries: Mapping[str, Entry]) -> Entry | None:
    """Of all the job's stages together, whichever running has made them; None where nothing was called."""
    told = [entry for entry in entries.values() if "usage" in entry]
    if not told:
        return None
    costs = [entry["cost"] for entry in told]
    return {
        "input_tokens": sum(entry["usage"]["input_tokens"] for entry in told),
        "output_tokens": sum(entry["usage"]["output_tokens"] for entry in told),
        "cost": None if None in costs else sum(costs),
    }


def _selection(asked: Asked, now: Any) -> dict[str, Any]:
    question = asked.question
    return {
        "stage": asked.stage,
        "hash": asked.hash,
        "options": [dict(option) for option in question.options],
        "recommended": question.recommended,
        "until": now + question.within if question.within is not None else None,
        "then": asked.then,
        "percentage": asked.percentage,
    }
