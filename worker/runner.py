"""Runs one claimed job: calls the generator, decides the outcome, writes it. What to run next is decided elsewhere."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random

import structlog

from jobs.claims import Claim, Reservation
from jobs.documents import FIRST_STAGE, MODES, input_of, why_not_storable
from jobs.errors import Busy, StoreRefused, StoreUnavailable
from jobs.outcomes import Completed, Outcome
from jobs.queue import LeaseLost, Queue
from worker.breaker import Breaker
from worker.cancellation import heed_cancellation
from worker.generator import Call, CallFailed, GeneratorClient, Reply
from worker.keeper import Keeper, Running
from worker.outcomes import outcome_of_failure, outcome_of_interruption

log = structlog.get_logger()
FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 2.0


class Runner:
    def __init__(
        self, queue: Queue, generator: GeneratorClient, breaker: Breaker, keeper: Keeper, jitter: random.Random
    ) -> None:
        self._queue = queue
        self._generator = generator
        self._breaker = breaker
        self._keeper = keeper
        self._jitter = jitter

    async def run(self, claim: Claim, turn_ends: float = 0.0) -> Reservation | None:
        """Run the job to an outcome and store it. A lost lease is said once and changes nothing.

        Where it ends before `turn_ends`, on the event loop's clock, the slot of its bulk's next job is reserved along
        with that, if that may start at once.
        """
        running = Running(claim, started=asyncio.get_running_loop().time())
        bound = {"bulk_id": str(claim.bulk_id), "job_id": str(claim.job_id)}
        with structlog.contextvars.bound_contextvars(**bound), self._keeper.watching(running):
            log.info("job_started", attempt=len(claim.job["attempts"]) + 1, position=claim.job["queue_position"])
            try:
                outcome = await self._outcome(running)
                if outcome is None:
                    raise LeaseLost(claim.job_id)  # noqa: TRY301 - the keeper has heard what a write would be told
                # The last write must arrive even if this task is cancelled now.
                reserved = await asyncio.shield(self._finish(claim, outcome, turn_ends))
                if isinstance(outcome, Completed) and claim.twin is None:
                    await self._breaker.heard(
                        None
                    )  # not before: nothing stands between an article and its being stored
                return reserved  # noqa: TRY300 - the shield's answer
            except LeaseLost:
                log.warning("lease_lost")
                return None

    async def _outcome(self, running: Running) -> Outcome | None:
        if (twin := running.claim.twin) is not None:
            meta = {"usage": None, "stage": FIRST_STAGE, "shared_from": str(twin["_id"])}
            # Nothing is called now; what may have been paid for it before stays counted.
            return Completed(twin["result"], meta, cost=running.claim.job["owed"])
        work: asyncio.Task[Reply] = asyncio.create_task(self._work(running.claim), name=f"call {running.claim.job_id}")
        running.work = work
        try:
            reply = await work
        except CallFailed as failed:
            return self._after_failure(running.claim, failed)
        except asyncio.CancelledError:
            if running.interruption is None:
                work.cancel()  # not the call but this task is being stopped
                raise
            return outcome_of_interruption(running.claim.job, running.interruption)
        usage = reply.usage.model_dump() if reply.usage else None
        cost = reply.usage.cost if reply.usage else None
        return Completed(reply.content, {"usage": usage, "stage": FIRST_STAGE}, cost)

    async def _work(self, claim: Claim) -> Reply:
        await self._enter_stage(claim)
        heed_cancellation()
        reply = await self._call(call_for(claim))
        refusal = why_not_storable(reply.content)
        if refusal is not None:
            raise CallFailed(f"The generator's answer {refusal}.", definite=True)
        return reply

    async def _call(self, call: Call) -> Reply:
        try:
            return await self._generator.generate(call)
        except CallFailed as failed:
            await self._breaker.heard(failed)
            raise

    def _after_failure(self, claim: Claim, failed: CallFailed) -> Outcome:
        return outcome_of_failure(claim.job, claim.bulk["max_retries"], failed, self._jitter)

    async def _enter_stage(self, claim: Claim) -> None:
        wait = FIRST_WAIT_SECONDS
        while True:
            try:
                return await self._queue.enter_stage(claim, FIRST_STAGE)
            except StoreUnavailable:
                await asyncio.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT_SECONDS)

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
                return None
            except StoreRefused as error:
                log.error("finish_refused", reason=error.reason)  # noqa: TRY400 - the reason is all there is to know
                if isinstance(outcome, Completed):
                    reason = f"The result could not be stored: {error.reason[:300]}."
                    outcome = self._after_failure(claim, CallFailed(reason, definite=True))
                await asyncio.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT_SECONDS)
            else:
                log.info("job_ended", outcome=type(outcome).__name__.lower(), status=status.value)
                return reserved


def call_for(claim: Claim) -> Call:
    """The call of this job: its key is made of job, stage, input hash and n (I9). Raises `CallFailed`."""
    mode = claim.job["mode"]
    if mode not in MODES:
        raise CallFailed(f"There is no mode {str(mode)[:40]!r}: use one of {', '.join(MODES)}.", permanent=True)
    told = {**input_of(claim.job), "mode": mode}
    canonical = json.dumps(told, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    digest = hashlib.sha256(canonical.encode()).hexdigest()[:16]
    key = f"{claim.job_id}-{FIRST_STAGE}-{digest}-{claim.job['call_number']}"
    body = {**told, "job_id": str(claim.job_id), "user_id": str(claim.job["userId"])}
    return Call(mode, body, key)
