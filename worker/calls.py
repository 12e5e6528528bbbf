"""The paid calls of one running: their keys, the leave for each, what they cost, and what was paid for already.

Each call is made under a key of job, stage, input and n (I9), after a last look at the lease; an answer that was kept
is not paid for again. What an outcome makes of failures is decided elsewhere.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import structlog

from jobs.capacity.admission import Closed, Reason
from jobs.claims import Claim
from jobs.expenses import Expense, Tokens
from jobs.permits import Permits
from jobs.storage.storable import why_not_storable
from jobs.storage.store import Document
from jobs.tracing import SpanKind, Tracer
from worker.breaker import Breaker
from worker.cancellation import heed_cancellation
from worker.failures import CallEnd, StageFailed
from worker.generator import Call, CallFailed, GeneratorClient, Reply
from worker.keeping import Keeping, until_it_is_there
from worker.metrics import Metrics
from worker.pipeline import Entry, digest_of
from worker.stage import Stage

log = structlog.get_logger()
LONGEST_WAIT = timedelta(seconds=65)
"""A rate's window, and a little: what is closed for longer is tried again by another running."""

LOOK_AGAIN = timedelta(seconds=1)
SOON = timedelta(milliseconds=20)
PLAIN_PART = re.compile(r"[A-Za-z0-9_-]{1,60}")


class PaidCalls:
    def __init__(
        self,
        claim: Claim,
        clients: Mapping[str, GeneratorClient],
        breaker: Breaker,
        permits: Permits,
        keeping: Keeping,
        metrics: Metrics,
        tracer: Tracer,
    ) -> None:
        self._claim = claim
        self._clients = clients
        self._breaker = breaker
        self._permits = permits
        self._keeping = keeping
        self._metrics = metrics
        self._tracer = tracer
        self._open = 0
        self._has_leave = True
        self._well: list[str] = []
        self._by_stage: dict[str, Expense] = {}
        self._unanswered: dict[str, int] = {entry["call"]: entry["n"] for entry in claim.job["unanswered"]}

    @property
    def unanswered(self) -> Sequence[Document]:
        """The calls that got no definite answer, and the n of each: its repeat is the same call, to be paid once."""
        return [{"call": label, "n": number} for label, number in self._unanswered.items()]

    @property
    def expense(self) -> Expense:
        """Of the whole running so far."""
        return replace(self._keeping.expense, open=self._open > 0)

    def spent(self, stage: str) -> Entry:
        spent = self._by_stage.get(stage)
        if spent is None:
            return {}
        usage = {"input_tokens": spent.tokens.input, "output_tokens": spent.tokens.output}
        return {"cost": None if spent.untold else spent.told, "usage": usage}

    async def call(self, stage: Stage, generator: str, call: Call, part: str) -> Reply:
        """`call.body` is what the answer follows from; the job's and its owner's id are told beside it."""
        digest = digest_of(dict(call.body))
        # Whatever a stage calls its parts: each is the name of a field, and stands in a header.
        part = part if not part or PLAIN_PART.fullmatch(part) else digest_of(part)
        label = f"{stage.name}.{part}" if part else stage.name
        before = self._claim.job["paid"].get(stage.name, {}).get(part)
        if before is not None and before["hash"] == digest:
            self._tell(stage, before["cost"], Tokens(*before["tokens"]), gave=True)
            return Reply(success=True, content=before["content"])
        client = self._clients.get(generator)
        if client is None:
            raise StageFailed(f"This worker knows no generator of {generator}: set its URL in the settings.")
        await self._get_leave(generator)
        await self._keeping.look()
        heed_cancellation()
        job = self._claim.job
        number = self._unanswered.setdefault(label, job["call_number"])
        key = f"{self._claim.job_id}-{label}-{digest}-{number}"
        told = {**call.body, "job_id": str(self._claim.job_id), "user_id": str(job["userId"])}
        reply = await self._made(client, generator, stage, label, replace(call, body=told, idempotency_key=key))
        refusal = why_not_storable(reply.content, call.most_bytes)
        if refusal is not None:
            raise CallFailed(f"The generator's answer {refusal}.", definite=True)
        if stage.several_calls and part:
            cost, tokens = _spent_for(reply)
            entry = {"hash": digest, "content": reply.content, "cost": cost, "tokens": list(tokens)}
            await self._keeping.keep_paid(stage.name, part, entry)
        return reply

    async def tell_what_went_well(self) -> None:
        """To the others' benefit; not before what was paid for is stored."""
        for generator in self._well:
            await self._breaker.heard(generator, None)
        self._well.clear()

    async def _made(self, client: GeneratorClient, generator: str, stage: Stage, label: str, call: Call) -> Reply:
        self._open += 1
        try:
            reply = await self._measured(client, generator, call)
        except CallFailed as failed:
            if failed.definite:
                self._unanswered.pop(label, None)
                self._settle(stage, failed.cost, Tokens(), gave=False)
            elif not failed.counted:
                self._open -= 1  # nobody took it: nothing was begun that could be paid for
            await self._breaker.heard(generator, failed)
            raise
        self._unanswered.pop(label, None)
        self._settle(stage, *_spent_for(reply), gave=True)
        self._well.append(generator)
        return reply

    async def _measured(self, client: GeneratorClient, generator: str, call: Call) -> Reply:
        clock = asyncio.get_running_loop().time
        began, end = clock(), CallEnd.STOPPED
        try:
            with self._tracer.span("pressrun.generator", kind=SpanKind.CLIENT, facts={"endpoint": generator}) as span:
                try:
                    reply = await client.generate(replace(call, traceparent=span.traceparent))
                except CallFailed as failed:
                    end = failed.end
                    span.fail(end.value)  # what the endpoint has said of it may be an article's text
                    raise
            end = CallEnd.OK
        finally:
            self._metrics.called(generator, end, clock() - began)
        return reply

    def _settle(self, stage: Stage, cost: float | None, tokens: Tokens, *, gave: bool) -> None:
        self._open -= 1
        self._keeping.expense = self._keeping.expense.plus(cost, tokens, gave=gave)
        self._tell(stage, cost, tokens, gave=gave)

    def _tell(self, stage: Stage, cost: float | None, tokens: Tokens, *, gave: bool) -> None:
        """Of a stage it is told what it has cost, also in an earlier running."""
        of_stage = self._by_stage.get(stage.name, Expense())
        self._by_stage[stage.name] = of_stage.plus(cost, tokens, gave=gave)

    async def _get_leave(self, generator: str) -> None:
        """The claim has taken leave for one call, if that comes at once; each other has to be let in by itself."""
        of_claim = self._has_leave and self._permits.is_of_claim(self._claim, generator)
        self._has_leave = False
        if of_claim:
            return
        clock = asyncio.get_running_loop()
        gives_up = clock.time() + LONGEST_WAIT.total_seconds()
        while (closed := await until_it_is_there(lambda: self._permits.take(self._claim, generator))) is not None:
            heed_cancellation()
            wait = self._wait(closed)
            if closed.code is Closed.GENERATOR_DOWN or clock.time() + wait.total_seconds() > gives_up:
                turn = closed.code is Closed.RATE_LIMIT
                raise StageFailed(_sentence(closed, generator), counted=False, wait=wait, turn=turn)
            await asyncio.sleep(min(wait, LOOK_AGAIN).total_seconds())

    def _wait(self, closed: Reason) -> timedelta:
        return max(closed.until - self._keeping.now(), SOON) if closed.until else LOOK_AGAIN


def _spent_for(reply: Reply) -> tuple[float | None, Tokens]:
    usage = reply.usage
    if usage is None:
        return None, Tokens()
    return usage.cost, Tokens(usage.input_tokens or 0, usage.output_tokens or 0)


def _sentence(closed: Reason, generator: str) -> str:
    name = "generator" if generator == "default" else f"generator of {generator}"
    if closed.code is Closed.GENERATOR_DOWN:
        return f"The {name} is down."
    return (
        f"The {name} may not be called before {closed.until:%Y-%m-%d %H:%M:%S} UTC."
        if closed.until
        else (f"The rate of the {name} is used up.")
    )
