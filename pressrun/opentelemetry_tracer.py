"""Traces by OpenTelemetry, behind the port of ours. Nobody imports this who sends no traces.

Only names, ids and outcomes of ours are told: no text of a user's or of a generator's.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import NonRecordingSpan, SpanContext, Status, StatusCode, TraceFlags

from jobs.tracing import NO_FACTS, Span, SpanKind, following, read

if TYPE_CHECKING:
    from fastapi.telemetry import TelemetryConfig
    from starlette.types import Scope

KINDS = {
    SpanKind.INTERNAL: trace.SpanKind.INTERNAL,
    SpanKind.CLIENT: trace.SpanKind.CLIENT,
    SpanKind.CONSUMER: trace.SpanKind.CONSUMER,
}
UNTOLD = ("/healthz", "/readyz", "/static/", "/unsubscribe")
"""Paths without spans: what is asked all the time, and what has a secret in its address."""


def provider_of(process: str, processor: SpanProcessor, sample: float = 1.0) -> TracerProvider:
    """`sample`: which share of the traces that begin here is told; others go on as they began."""
    resource = Resource.create({"service.name": f"pressrun-{process}", "service.version": version("pressrun")})
    provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(sample)), resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(processor)
    return provider


def server_spans(provider: TracerProvider) -> TelemetryConfig:
    """What FastAPI is told, so that each request is a span."""
    return {
        "tracing": True,
        "tracer_provider": provider,
        "exclude": _is_untold,
        "operation_spans": False,
        "metrics": False,
        "logs": False,
        "auto_configure": False,
    }


class OpenTelemetryTracer:
    """Implements `jobs.tracing.Tracer`."""

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = provider.get_tracer("pressrun", version("pressrun"))

    @property
    def traceparent(self) -> str | None:
        return _traceparent(trace.get_current_span())

    @contextmanager
    def span(
        self,
        name: str,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        follows: object = None,
        facts: Mapping[str, str] = NO_FACTS,
    ) -> Iterator[Span]:
        with self._tracer.start_as_current_span(
            name,
            context=_context_of(follows),
            kind=KINDS[kind],
            attributes=_attributes(facts),
            record_exception=False,  # its text may be a user's
            set_status_on_exception=False,
        ) as span:
            made = _RecordedSpan(span)
            with following(made.traceparent):
                try:
                    yield made
                except Exception as error:
                    made.fail(type(error).__name__)
                    raise

    def was(self, name: str, seconds: float, *, follows: object, facts: Mapping[str, str] = NO_FACTS) -> None:
        ends = time.time_ns()
        begins = ends - round(seconds * 1e9)
        span = self._tracer.start_span(
            name, context=_context_of(follows), attributes=_attributes(facts), start_time=begins
        )
        span.end(ends)


@dataclass(frozen=True)
class _RecordedSpan:
    _span: trace.Span

    @property
    def traceparent(self) -> str | None:
        return _traceparent(self._span)

    def fail(self, reason: str) -> None:
        self._span.set_status(Status(StatusCode.ERROR, reason))


def _traceparent(span: trace.Span) -> str | None:
    told = span.get_span_context()
    return f"00-{told.trace_id:032x}-{told.span_id:016x}-{told.trace_flags:02x}" if told.is_valid else None


def _context_of(follows: object) -> Context | None:
    """That of a span of another process; None for what the task is in."""
    traceparent = read(follows)
    if traceparent is None:
        return None
    _, trace_id, span_id, flags = traceparent.split("-")
    there = SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))
    return trace.set_span_in_context(NonRecordingSpan(there))


def _attributes(facts: Mapping[str, str]) -> dict[str, str]:
    return {f"pressrun.{name}": value for name, value in facts.items()}


def _is_untold(scope: Scope | Any) -> bool:
    return str(scope.get("path", "")).startswith(UNTOLD)
