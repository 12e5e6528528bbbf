"""Spans of a worker: of each stage, each call and each try to deliver, in the trace that was stored with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest

from jobs.notification.addressed import Channel
from jobs.system import System
from jobs.tracing import NO_FACTS, Span, SpanKind, current, following, read
from tests.jobs.test_tracing import PARENT
from tests.support import replies
from tests.support.deliveries import an_event, planned, tried
from tests.support.scripted_generator import ScriptedGenerator
from tests.worker.conftest import MakeBulk
from tests.worker.notify.scripted_sender import ScriptedSender, a_courier, couriering
from tests.worker.working import Worker
from worker.notify.sending import SendFailed
from worker.registry import built_in
from worker.tracing import traced


@dataclass
class Noted:
    """A span as it was asked for. It is a trace of its own kind: `traceparent` ends in its number."""

    name: str
    kind: SpanKind
    within: str | None
    facts: Mapping[str, str]
    number: int
    failed: str | None = None

    @property
    def traceparent(self) -> str:
        return f"{PARENT[:36]}{self.number:016x}-01"

    def fail(self, reason: str) -> None:
        self.failed = reason


@dataclass
class NotingTracer:
    spans: list[Noted] = field(default_factory=list)

    @property
    def traceparent(self) -> str | None:
        return current()

    @contextmanager
    def span(
        self,
        name: str,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        follows: object = None,
        facts: Mapping[str, str] = NO_FACTS,
    ) -> Iterator[Span]:
        span = Noted(name, kind, read(follows) or current(), facts, len(self.spans) + 1)
        self.spans.append(span)
        with following(span.traceparent):
            yield span

    def was(self, name: str, seconds: float, *, follows: object, facts: Mapping[str, str] = NO_FACTS) -> None:
        assert seconds >= 0
        self.spans.append(Noted(name, SpanKind.INTERNAL, read(follows), facts, len(self.spans) + 1))

    def named(self, name: str) -> list[Noted]:
        return [span for span in self.spans if span.name == name]


@pytest.fixture
def tracer(worker: Worker) -> NotingTracer:
    """Of that worker's runnings."""
    tracer = NotingTracer()
    worker.runner._bench = replace(worker.runner._bench, tracer=tracer)
    worker.runner._pipelines = traced(worker.runner._pipelines, tracer)
    return tracer


async def test_a_running_its_stages_and_its_call_are_spans_within_each_other(
    worker: Worker, tracer: NotingTracer, generator: ScriptedGenerator, make_bulk: MakeBulk
) -> None:
    with following(PARENT):
        bulk_id = await make_bulk()
    job = await worker.run_next()
    (running,) = tracer.named("pressrun.job")
    (stage,) = [span for span in tracer.spans if span.name.startswith("pressrun.stage ")]
    (call,) = tracer.named("pressrun.generator")
    assert (running.within, stage.within, call.within) == (PARENT, running.traceparent, stage.traceparent)
    assert running.facts == {"bulk_id": str(bulk_id), "job_id": str(job["_id"])}
    assert (running.failed, call.failed, call.kind) == (None, None, SpanKind.CLIENT)
    assert generator.calls[0].headers["traceparent"] == call.traceparent


async def test_a_call_that_fails_is_told_by_how_it_ended_and_not_by_what_was_said(
    worker: Worker, tracer: NotingTracer, generator: ScriptedGenerator, make_bulk: MakeBulk
) -> None:
    generator.script(replies.failure("the article's own text"))
    await make_bulk()
    await worker.run_next()
    assert [span.failed for span in tracer.named("pressrun.generator")] == ["error"]


async def test_without_a_trace_a_call_has_no_header_for_it(
    worker: Worker, generator: ScriptedGenerator, make_bulk: MakeBulk
) -> None:
    await make_bulk()
    await worker.run_next()
    assert "traceparent" not in generator.calls[0].headers


def test_a_traced_pipeline_is_the_same_to_all_who_ask() -> None:
    for name, pipeline in traced(built_in(), NotingTracer()).items():
        assert pipeline.spec == built_in()[name].spec


async def test_a_try_to_deliver_is_a_span_in_the_trace_of_what_it_tells_of(system: System) -> None:
    tracer, sender = NotingTracer(), ScriptedSender()
    sender.script("r", SendFailed("It answered: anything at all.", permanent=True))
    delivery_id = await planned(system, "r")
    deliveries = system.store.collection("deliveries")
    await deliveries.update_one({"_id": delivery_id}, {"$set": {"body.trace": PARENT}})
    async with couriering(a_courier(system, sender, tracer=tracer)):
        found = await tried(system, delivery_id)
    (span,) = tracer.named("pressrun.notice")
    assert (span.within, span.failed) == (PARENT, "not delivered")
    assert span.facts["channel"] == Channel.WEBHOOK
    assert span.facts["bulk_id"] == str(found["bulk_job_id"])


async def test_what_is_delivered_keeps_the_trace_of_its_event(system: System) -> None:
    event = an_event(system.clock.now())
    assert event.trace is None
    assert type(event).read({**event.stored(), "trace": PARENT}, event.bulk_id).stored()["trace"] == PARENT
